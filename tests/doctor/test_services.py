"""What is said of the PC/SC service, of pcscd, and of vpcd."""

from __future__ import annotations

from dataclasses import replace

import pytest

from host.doctor.computer import Spot
from host.doctor.finding import Finding, State
from host.doctor.services import check_pcscd, check_service, check_vpcd
from tests.doctor.fake import DEAD, DRIVER, NO_SERVICE, OURS, PCSCD, SYSTEMS, FakeComputer


def test_a_service_of_ours() -> None:
    assert check_service(FakeComputer(pcsc=OURS)) == Finding(
        "PC/SC service",
        State.OK,
        "ushield's own at /tmp/reader.socket (PCSCLITE_CSOCK_NAME), protocol 4:4",
    )


def test_the_systems_service() -> None:
    assert check_service(FakeComputer(pcsc=SYSTEMS)) == Finding(
        "PC/SC service", State.OK, "pcscd at /run/pcscd/pcscd.comm, protocol 4:5"
    )


def test_another_pcscd_that_the_environment_names() -> None:
    found = check_service(FakeComputer(pcsc=replace(OURS, ours=False))).found
    assert found == "pcscd at /tmp/reader.socket (PCSCLITE_CSOCK_NAME), protocol 4:4"


def test_a_dead_socket() -> None:
    assert check_service(FakeComputer(pcsc=DEAD)) == Finding(
        "PC/SC service",
        State.FAULT,
        "nothing answers at /tmp/reader.socket (PCSCLITE_CSOCK_NAME): Connection refused",
        "start `ushield serve --socket /tmp/reader.socket`, or unset PCSCLITE_CSOCK_NAME",
    )


@pytest.mark.parametrize(
    ("spot", "mend"),
    [
        (Spot.TAKEN, "end the program that listens there, or unset PCSCLITE_CSOCK_NAME"),
        (Spot.UNFIT, "unset PCSCLITE_CSOCK_NAME, or let it name another path"),
    ],
)
def test_a_path_where_no_service_can_be_started(spot: Spot, mend: str) -> None:
    found = check_service(FakeComputer(pcsc=replace(DEAD, spot=spot)))
    assert (found.state, found.mend) == (State.FAULT, mend)


def test_no_service_at_all_is_no_fault() -> None:
    found = check_service(FakeComputer(pcsc=NO_SERVICE))
    assert found.state is State.WARNING and "ushield run" in found.mend


def test_a_service_of_another_time() -> None:
    found = check_service(FakeComputer(pcsc=replace(SYSTEMS, protocol=(3, 0))))
    assert found.state is State.FAULT and "protocol 3:0" in found.found


def test_pcscd() -> None:
    assert check_pcscd(FakeComputer(pcsc=SYSTEMS)) == Finding("pcscd", State.OK, "1.9.9, runs")
    assert check_pcscd(FakeComputer(pcsc=OURS)).state is State.NOT_NEEDED
    assert check_pcscd(FakeComputer(pcsc=NO_SERVICE, files=())).state is State.NOT_NEEDED


@pytest.mark.parametrize("service", [NO_SERVICE, DEAD])
def test_a_pcscd_that_does_not_run(service: object) -> None:
    found = check_pcscd(FakeComputer(pcsc=service, files=(PCSCD,)))  # type: ignore[arg-type]
    assert found == Finding(
        "pcscd", State.WARNING, "1.9.9, does not run", "systemctl start pcscd.socket, as root"
    )


@pytest.mark.parametrize(
    ("addresses", "state", "found"),
    [
        ((), State.OK, "installed; pcscd loads it when it starts"),
        (("127.0.0.1",), State.OK, "listens at 127.0.0.1"),
        (("127.0.0.1", "::1"), State.OK, "listens at 127.0.0.1, ::1"),
        (("0.0.0.0",), State.WARNING, "its port is open on all interfaces"),
        (("127.0.0.1", "::"), State.WARNING, "its port is open on all interfaces"),
    ],
)
def test_vpcd(addresses: tuple[str, ...], state: State, found: str) -> None:
    finding = check_vpcd(FakeComputer(files=(DRIVER,), vpcd=addresses))
    assert finding.state is state and finding.found.startswith(found)
    assert ("docs/reader.md" in finding.mend) == (state is State.WARNING)


def test_no_vpcd() -> None:
    assert check_vpcd(FakeComputer(files=(), vpcd=("0.0.0.0",))).state is State.NOT_NEEDED
