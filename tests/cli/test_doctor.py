"""``ushield doctor`` on this very machine: with readers of our own, of pcscd, and with none."""

from __future__ import annotations

import json
import socket
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from applet.os.store import MemoryStore
from host.certificates import years_later
from host.client import TokenClient
from host.doctor.finding import State
from host.memory import MemoryTransport
from host.personalise import Profile, personalise
from tests.cli.program import COMMAND, PIN, PUK, ok, run
from tests.pcscd import SOCKET_VARIABLE, Pcscd
from ushield.cli.machine import ThisComputer, _address, _listening
from ushield.device.assembly import assemble
from ushield.device.image import new_image
from ushield.reader.vpcd import DEFAULT_PORT

DOCTOR = (*COMMAND, "doctor", "--json")


def checked(*arguments: str | Path, code: int = 0, service: Path | None = None) -> dict[str, Any]:
    """The findings by name; the exit code must be this one, and no name be there twice."""
    done = run(*arguments, PCSCLITE_CSOCK_NAME=None if service is None else str(service))
    assert done.code == code, (done.code, done.error, done.text)
    told = json.loads(done.text)
    assert told["well"] is (code == 0)
    assert (code == 0) == all(check["state"] != "fault" for check in told["checks"])
    found = {check["name"]: check for check in told["checks"]}
    assert len(found) == len(told["checks"])
    return found


def image(path: Path, *, age: timedelta = timedelta(0)) -> Path:
    """A token whose certificates were made so long ago."""
    profile = Profile.of(pin=PIN, puk=PUK, keys=["p256"], label="mine")
    with new_image(path) as store, MemoryTransport(assemble(store)) as transport:
        personalise(TokenClient(transport), profile, now=datetime.now(UTC) - age)
    return path


def test_all_is_well_with_a_token_in_a_reader_of_ours(tmp_path: Path) -> None:
    path = image(tmp_path / "my.token")
    found = checked("run", "--token", path, "--reader-name", "Left", "--", *DOCTOR)
    assert found["PC/SC service"]["found"].startswith("ushield's own at ")
    assert f"({SOCKET_VARIABLE}), protocol 4:4" in found["PC/SC service"]["found"]
    assert found["pcscd"]["state"] == State.NOT_NEEDED
    assert found["readers"]["found"] == "Left"
    assert "PKCS#15 token 'mine'; ATR 3b" in found["card in Left"]["found"]
    assert found["card in Left"]["found"].endswith("OpenSC calls it OsEID 4.5.0")
    assert found["certificates in Left"]["state"] == State.OK
    assert found["PIN in Left"]["found"] == "6 tries of the PIN left, 10 of the PUK"
    assert found["Python"]["found"] == ".".join(map(str, sys.version_info[:3]))
    for name in ("Python libraries", "PC/SC for Python", "OpenSC", "PKCS#11 module"):
        assert found[name]["state"] == State.OK


def test_a_piv_token() -> None:
    found = checked("run", "--applet", "piv", "--key", "p256", "--", *DOCTOR)
    assert found["card in ushield 00 00"]["found"].startswith("PIV token; ATR 3b")
    assert "Personal Identity Verification Card" in found["card in ushield 00 00"]["found"]


def test_for_people(tmp_path: Path) -> None:
    path = image(tmp_path / "my.token")
    done = ok("run", "--token", path, "--", *COMMAND, "doctor")
    assert done.text.endswith("all is well\n")
    empty = ok("run", "--empty", "--", *COMMAND, "doctor").text
    assert "warning     readers" in empty and "→ put a token in" in empty
    assert empty.endswith("1 warning\n")


def test_no_card_is_a_warning() -> None:
    found = checked("run", "--empty", "--reader-name", "a", "--reader-name", "b", "--", *DOCTOR)
    assert found["readers"]["state"] == State.WARNING
    assert found["readers"]["found"] == "a (empty), b (empty)"


@pytest.mark.parametrize("left", ["nothing", "a file", "a dead socket", "a silent service"])
def test_a_service_that_is_not_there(tmp_path: Path, left: str) -> None:
    path = tmp_path / "s"
    with socket.socket(socket.AF_UNIX) as dead:
        if left == "a file":
            path.write_bytes(b"")
        elif left == "a dead socket":
            dead.bind(str(path))
        elif left == "a silent service":
            dead.bind(str(path))
            dead.listen(0)
            dead.shutdown(socket.SHUT_RDWR)
        found = checked("doctor", "--json", code=1, service=path)
    assert found["PC/SC service"]["state"] == State.FAULT
    assert found["PC/SC service"]["found"].startswith(f"nothing answers at {path}")
    assert f"unset {SOCKET_VARIABLE}" in found["PC/SC service"]["mend"]
    assert found["readers"]["state"] == State.NOT_NEEDED


def test_a_certificate_in_its_last_month(tmp_path: Path) -> None:
    now = datetime.now(UTC)
    age = years_later(now, 5) - now - timedelta(days=10)
    path = image(tmp_path / "my.token", age=age)
    found = checked("run", "--token", path, "--", *DOCTOR)
    certificates = found["certificates in ushield 00 00"]
    assert certificates["state"] == State.WARNING
    assert certificates["found"].startswith("'p256 key' ends in ")


def test_a_certificate_that_is_over(tmp_path: Path) -> None:
    path = image(tmp_path / "my.token", age=timedelta(days=5 * 366 + 1))
    found = checked("run", "--token", path, "--", *DOCTOR, code=1)
    assert found["certificates in ushield 00 00"]["found"].startswith("over: 'p256 key' since ")


@pytest.mark.parametrize(("wrong", "code", "state"), [(4, 0, "warning"), (6, 1, "fault")])
def test_tries_of_the_pin(tmp_path: Path, wrong: int, code: int, state: str) -> None:
    path = image(tmp_path / "my.token")
    for _ in range(wrong):
        assert run("verify", "--token", path, USHIELD_PIN="000000").code == 1
    found = checked("run", "--token", path, "--", *DOCTOR, code=code)
    assert found["PIN in ushield 00 00"]["state"] == state
    assert found["PIN in ushield 00 00"]["mend"]


def test_looking_costs_no_try(tmp_path: Path) -> None:
    path = image(tmp_path / "my.token")
    for _ in range(3):
        found = checked("run", "--token", path, "--", *DOCTOR)
        assert found["PIN in ushield 00 00"]["found"].startswith("6 tries")


def test_pcscd(pcscd: Pcscd) -> None:
    found = checked("doctor", "--json", service=pcscd.socket)
    assert found["PC/SC service"]["found"].startswith(f"pcscd at {pcscd.socket}")
    assert found["pcscd"]["state"] == State.OK and found["pcscd"]["found"].endswith(", runs")
    assert found["vpcd"]["state"] in (State.OK, State.WARNING)
    with pcscd.plugged(assemble(MemoryStore())) as plugged:
        found = checked("doctor", "--json", service=pcscd.socket)
        assert plugged.reader in found["readers"]["found"]
        assert found[f"card in {plugged.reader}"]["found"].startswith("blank PKCS#15 token")
        assert found[f"life cycle in {plugged.reader}"]["state"] == State.WARNING


# --- the machine itself ---------------------------------------------------------------------------


def test_a_program_that_is_not_there() -> None:
    assert ThisComputer().output("no-such-program") is None
    assert ThisComputer().output("sh", "-c", "echo out; echo error >&2; exit 3") == "out\nerror\n"


def test_what_the_package_says_of_itself() -> None:
    computer = ThisComputer()
    assert computer.pythons() == ((3, 11), (3, 14))
    assert {"construct", "cryptography", "gmpy2", "rich"} <= computer.requirements().keys()
    assert "pytest" not in computer.requirements(), "an extra is not required"
    assert computer.requirements()["construct"] == (2, 10, 70)
    assert computer.library("no-such-library") is None
    assert computer.library("construct") is not None


@pytest.mark.parametrize(
    ("digits", "address"),
    [
        ("00000000", "0.0.0.0"),
        ("0100007F", "127.0.0.1"),
        ("0" * 32, "::"),
        ("00000000000000000000000001000000", "::1"),
    ],
)
def test_addresses_as_the_kernel_writes_them(digits: str, address: str) -> None:
    assert _address(digits) == address


def test_who_listens(tmp_path: Path) -> None:
    table = tmp_path / "tcp"
    other = f"{DEFAULT_PORT + 1:04X}"
    table.write_text(
        "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt\n"
        f"   0: 0100007F:{DEFAULT_PORT:04X} 00000000:0000 0A 00000000:00000000 00:00000000\n"
        f"   1: 00000000:{other} 00000000:0000 0A 00000000:00000000 00:00000000\n"
        f"   2: 00000000:{DEFAULT_PORT:04X} 0100007F:9999 01 00000000:00000000 00:00000000\n"
    )
    assert list(_listening(str(table))) == ["127.0.0.1"]
    assert list(_listening(str(tmp_path / "no table"))) == []
