"""What is said of readers and cards: certificates at every date, every number of tries."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from applet import piv, pkcs15
from host.doctor.cards import (
    check_certificates,
    check_life,
    check_readers,
    check_tries,
    expected_driver,
)
from host.doctor.computer import ReaderFacts
from host.doctor.examine import examine, is_well
from host.doctor.finding import Finding, State
from host.errors import HostError, NoService, PcscMissing
from host.info import Phase
from host.overview import CardInfo
from tests.doctor.fake import (
    BORN,
    DEAD,
    END,
    OURS,
    SYSTEMS,
    FakeComputer,
    blank_info,
    piv_info,
    pkcs15_info,
    with_piv,
    with_pkcs15,
)


def findings(computer: FakeComputer) -> dict[str, Finding]:
    return {finding.name: finding for finding in check_readers(computer)}


# --- readers and cards ----------------------------------------------------------------------------


def test_a_token_in_a_reader() -> None:
    found = findings(FakeComputer(slots=[with_pkcs15()]))
    assert found == {
        "readers": Finding("readers", State.OK, "ushield"),
        "card in ushield": Finding(
            "card in ushield",
            State.OK,
            f"PKCS#15 token 'mine'; ATR {pkcs15.ATR.hex()}; OpenSC calls it OsEID 4.5.0",
        ),
        "certificates in ushield": Finding(
            "certificates in ushield", State.OK, "1, the first one ends 2030-03-01"
        ),
        "PIN in ushield": Finding(
            "PIN in ushield", State.OK, "6 tries of the PIN left, 10 of the PUK"
        ),
    }


def test_without_opensc_its_driver_is_told() -> None:
    computer = FakeComputer(slots=[with_pkcs15("left"), with_piv("right")], programs={})
    found = findings(computer)
    assert found["card in left"].found.endswith("for OpenSC's driver myeid")
    assert found["card in right"].found.endswith("for OpenSC's driver PIV-II")
    assert found["card in right"].found.startswith("PIV token; ATR")


@pytest.mark.parametrize("said", ["Unsupported card", "", "Failed to connect to card: Card reset"])
def test_a_card_that_opensc_does_not_take(said: str) -> None:
    programs = {"opensc-tool --reader ushield --name": f"Using reader ushield\n{said}\n"}
    if not said:
        programs = {"opensc-tool --reader ushield --name": "\n"}
    finding = findings(FakeComputer(slots=[with_pkcs15()], programs=programs))["card in ushield"]
    assert finding.state is State.WARNING and "opensc.conf" in finding.mend
    assert (said or "nothing") in finding.found


def test_a_card_of_another_kind() -> None:
    finding = findings(FakeComputer(slots=[ReaderFacts("ushield", b"\x3b\x00")]))
    assert finding["card in ushield"].state is State.WARNING
    assert "ATR 3b00" in finding["card in ushield"].found


def test_a_card_that_does_not_answer() -> None:
    trouble = "connecting to the card in ushield: another program holds the card for itself"
    found = findings(FakeComputer(slots=[ReaderFacts("ushield", trouble=trouble)]))
    assert found["card in ushield"].state is State.FAULT
    assert found["card in ushield"].found == trouble
    assert found["card in ushield"].mend.startswith("end the program that holds it")
    assert found["readers"] == Finding("readers", State.OK, "ushield")


def test_a_reader_is_empty_only_without_a_card() -> None:
    slots = [ReaderFacts("a"), ReaderFacts("b", trouble="it does not answer"), with_pkcs15("c")]
    assert findings(FakeComputer(slots=slots))["readers"].found == "a (empty), b, c"


@pytest.mark.parametrize(
    ("slots", "found"),
    [((), "the service has none"), ((ReaderFacts("a"), ReaderFacts("b")), "a (empty), b (empty)")],
)
def test_no_reader_or_no_card(slots: tuple[ReaderFacts, ...], found: str) -> None:
    (finding,) = check_readers(FakeComputer(slots=slots))
    assert (finding.state, finding.found) == (State.WARNING, found)
    assert finding.mend


@pytest.mark.parametrize(
    ("computer", "state"),
    [
        (FakeComputer(pcsc=DEAD), State.NOT_NEEDED),
        (FakeComputer(slots=PcscMissing("no pyscard")), State.NOT_NEEDED),
        (FakeComputer(slots=NoService("the service has stopped")), State.FAULT),
    ],
)
def test_readers_that_cannot_be_asked_for(computer: FakeComputer, state: State) -> None:
    (finding,) = check_readers(computer)
    assert finding.state is state


def test_which_driver_takes_which_atr() -> None:
    assert expected_driver(pkcs15.ATR) == "myeid"
    assert expected_driver(piv.ATR) == expected_driver(b"") == "PIV-II"


# --- certificates ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("time", "state", "found"),
    [
        (BORN - timedelta(seconds=1), State.FAULT, "not valid yet: 'p256 key'"),
        (BORN, State.OK, "1, the first one ends 2030-03-01"),
        (END - timedelta(days=30), State.OK, "1, the first one ends 2030-03-01"),
        (
            END - timedelta(days=30, seconds=-1),
            State.WARNING,
            "'p256 key' ends in 29 days, 2030-03-01",
        ),
        (END - timedelta(days=1), State.WARNING, "'p256 key' ends in 1 day, 2030-03-01"),
        (END - timedelta(hours=1), State.WARNING, "'p256 key' ends in 0 days, 2030-03-01"),
        (END, State.WARNING, "'p256 key' ends in 0 days, 2030-03-01"),
        (END + timedelta(seconds=1), State.FAULT, "over: 'p256 key' since 2030-03-01"),
    ],
)
def test_certificates_at_every_date(time: datetime, state: State, found: str) -> None:
    (finding,) = check_certificates("certificates", pkcs15_info(), time)
    assert (finding.state, finding.found) == (state, found)
    assert bool(finding.mend) == (state is not State.OK)


def test_certificates_of_both_applications_count() -> None:
    both = CardInfo(pkcs15_info().pkcs15, piv_info().piv)
    (finding,) = check_certificates("certificates", both, BORN)
    assert finding.found.startswith("6,")


def test_no_certificates() -> None:
    (finding,) = check_certificates("certificates", blank_info(), BORN)
    assert finding.state is State.NOT_NEEDED


# --- tries ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("pin", "puk", "state", "found"),
    [
        (6, 10, State.OK, "6 tries of the PIN left, 10 of the PUK"),
        (3, 10, State.OK, "3 tries of the PIN left, 10 of the PUK"),
        (2, 10, State.WARNING, "2 tries of the PIN left, 10 of the PUK"),
        (1, 10, State.WARNING, "1 try of the PIN left, 10 of the PUK"),
        (0, 10, State.FAULT, "the PIN is blocked"),
        (6, 0, State.FAULT, "the PUK is blocked"),
        (0, 0, State.FAULT, "the PUK is blocked"),
        (None, None, State.NOT_NEEDED, "no PIN, or the card does not tell its tries"),
        (6, None, State.OK, "6 tries of the PIN left"),
    ],
)
def test_tries(pin: int | None, puk: int | None, state: State, found: str) -> None:
    token = pkcs15_info().pkcs15
    assert token is not None
    info = CardInfo(replace(token, pin_tries_left=pin, puk_tries_left=puk), None)
    (finding,) = check_tries("PIN", info)
    assert (finding.name, finding.state, finding.found) == ("PIN", state, found)
    assert bool(finding.mend) == (state in (State.WARNING, State.FAULT))


def test_both_applications_have_a_pin_of_their_own() -> None:
    both = CardInfo(pkcs15_info().pkcs15, piv_info().piv)
    assert [finding.name for finding in check_tries("PIN", both)] == ["PIN (PKCS#15)", "PIN (PIV)"]


# --- life -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("phase", "states"),
    [
        (Phase.ACTIVATED, []),
        (Phase.PIN_BLOCKED, []),
        (Phase.MANUFACTURED, [State.WARNING]),
        (Phase.PERSONALISED, [State.WARNING]),
        (Phase.DEACTIVATED, [State.FAULT]),
        (Phase.TERMINATED, [State.FAULT]),
    ],
)
def test_the_phase_of_life(phase: Phase, states: list[State]) -> None:
    token = pkcs15_info().pkcs15
    assert token is not None
    found = list(check_life("card", CardInfo(replace(token, phase=phase), None)))
    assert [finding.state for finding in found] == states
    assert all(finding.mend for finding in found)


def test_a_piv_token_has_no_phases() -> None:
    assert list(check_life("card", piv_info())) == []


# --- all of it ------------------------------------------------------------------------------------


def test_all_checks_are_made_and_all_is_well() -> None:
    found = examine(FakeComputer(slots=[with_pkcs15()], pcsc=OURS))
    names = [finding.name for finding in found]
    assert names[:8] == [
        "Python",
        "Python libraries",
        "PC/SC for Python",
        "OpenSC",
        "PKCS#11 module",
        "PC/SC service",
        "pcscd",
        "vpcd",
    ]
    assert len(names) == 12 and is_well(found)
    assert {finding.state for finding in found} == {State.OK, State.NOT_NEEDED}


def test_a_bare_computer_has_warnings_and_no_fault() -> None:
    """Nothing but Python and the libraries: everything in memory works."""
    bare = FakeComputer(
        has={"construct": (2, 10, 70)},
        programs={},
        files=(),
        pcsc=replace(SYSTEMS, protocol=None, trouble="No such file or directory"),
        slots=PcscMissing("no pyscard"),
    )
    found = examine(bare)
    assert is_well(found)
    assert [finding.name for finding in found if finding.state is State.WARNING] == [
        "PC/SC for Python",
        "OpenSC",
        "PKCS#11 module",
        "PC/SC service",
    ]


@pytest.mark.parametrize(
    "ill",
    [
        FakeComputer(runs=(3, 9)),
        FakeComputer(has={}),
        FakeComputer(pcsc=DEAD),
        FakeComputer(slots=HostError("broken")),
        FakeComputer(slots=[with_pkcs15()], time=END + timedelta(days=1)),
    ],
)
def test_one_fault_is_enough(ill: FakeComputer) -> None:
    found = examine(ill)
    assert not is_well(found)
    assert [finding.state for finding in found].count(State.FAULT) == 1


def test_every_mend_is_one_line() -> None:
    for computer in (FakeComputer(pcsc=DEAD, has={}, files=(), programs={}), FakeComputer()):
        for finding in examine(computer):
            assert "\n" not in finding.mend + finding.found + finding.name
            wants_mend = finding.state in (State.WARNING, State.FAULT)
            assert bool(finding.mend) == wants_mend
