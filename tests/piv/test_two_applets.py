"""One card with two applications: neither sees or changes what is the other's."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from applet.os.store import MemoryStore
from tests.chip import cards as pkcs15
from tests.chip.cards import cells
from tests.piv.cards import AID, DES, DES_KEY, P_256, PivChip, encipher, full

PIV, TOKEN = AID, pkcs15.AID


@pytest.fixture
def chip() -> PivChip:
    """PIV with keys, which is selected after reset, and a PKCS#15 token in use."""
    store = MemoryStore({**cells(full().store), **cells(pkcs15.activated().store)})
    return PivChip(store, pkcs15=True)


def select(chip: PivChip, aid: str) -> None:
    chip.ok(f"00 A4 04 0C [ {aid} ]")


def test_the_first_application_is_selected_after_reset(chip: PivChip) -> None:
    for _ in range(2):
        assert chip.sw("00 20 00 80") == "63C6"
        select(chip, TOKEN)
        assert chip.sw("00 20 00 80") == "6A88"
        assert chip.sw("00 20 00 01") == "63C6"
        chip.card.reset()


@pytest.mark.parametrize("other", [TOKEN, "A000000063", "F0555348 49454C44 01"])
def test_choosing_the_other_ends_the_session_here(chip: PivChip, other: str) -> None:
    chip.verify()
    chip.administer()
    assert chip.sign(0x9A) == "9000"
    select(chip, other)
    select(chip, "A000000308")
    assert chip.sw("00 20 00 80") == "63C6"
    assert chip.sign(0x9A) == chip.sign(0x9C) == "6982"
    assert chip.put(0x5FC102, b"x") == 0x6982
    assert chip.sign(0x9E) == "9000"


def test_choosing_what_is_not_there_ends_nothing(chip: PivChip) -> None:
    chip.verify()
    assert chip.sw("00 A4 04 00 [ A000000527200101 ]") == "6A82"
    assert chip.sign(0x9A) == "9000"


def test_choosing_this_one_ends_the_session_there(chip: PivChip) -> None:
    select(chip, TOKEN)
    chip.ok("00 20 00 01 [ {pin} ]")
    select(chip, PIV)
    assert chip.sw("00 20 00 80") == "63C6", "the other's PIN is no PIN here"
    select(chip, TOKEN)
    assert chip.sw("00 20 00 01") == "63C6"


def test_a_question_is_not_answered_after_a_visit_elsewhere(chip: PivChip) -> None:
    challenge = chip.ask(DES, 0x9B, challenge=b"").challenge
    assert challenge
    select(chip, TOKEN)
    select(chip, PIV)
    assert chip.ask_bare(DES, response=encipher(DES, DES_KEY, challenge)) == 0x6982


def test_a_chain_does_not_go_on_in_the_other(chip: PivChip) -> None:
    chip.ok("10 20 00 01 [ 313233 ]")
    select(chip, TOKEN)
    assert chip.sw("00 20 00 01 [ 343536FFFF ]") == "6700"


def test_an_answer_does_not_go_on_in_the_other(chip: PivChip) -> None:
    assert chip.send("00 CB 3F FF [ 5C ( 5FC105 ) ] 10")[1] == 0x61F4
    select(chip, TOKEN)
    assert chip.sw("00 C0 00 00 00") == "6985"


def test_a_security_environment_does_not_outlive_a_visit_elsewhere(chip: PivChip) -> None:
    select(chip, TOKEN)
    chip.ok("00 22 41 B6 [ 80 01 04 81 02 4B03 ]")
    select(chip, PIV)
    select(chip, TOKEN)
    chip.ok("00 20 00 01 [ {pin} ]")
    assert chip.sw("00 2A 9E 9A [ 55*32 ] 00") == "6985"


def test_commands_of_the_one_are_unknown_to_the_other(chip: PivChip) -> None:
    for command in ("00 22 41 B6 [ 800104 ]", "00 2A 9E 9A [ 55*32 ]", "00 B0 00 00 00",
                    "00 CA 01 B0 0A", "00 84 00 00 08", "A0 E4 00 00 [ 5031 ]"):  # fmt: skip
        assert chip.sw(command) in ("6D00", "6E00"), command
    select(chip, TOKEN)
    for command in ("00 87 11 9A", "00 47 00 9A", "00 DB 3F FF", "00 FD 00 00", "00 FB 00 00"):
        assert chip.sw(command) == "6D00", command
    assert chip.sw("00 CB 3F FF [ 5C ( 5FC102 ) ] 00") == "6A88"


def _make_key(chip: PivChip) -> None:
    chip.administer()
    chip.generate(0x9A, P_256)


def _reset(chip: PivChip) -> None:
    chip.block_pin()
    chip.block_puk()
    chip.ok("00 FB 00 00")


def _erase(chip: PivChip) -> None:
    chip.ok("00 20 00 03 [ {so-pin} ]")
    chip.ok("00 DA 01 E0 [ 0000 113FFF 111FFF ]")


def _terminate(chip: PivChip) -> None:
    chip.ok("00 20 00 03 [ {so-pin} ]")
    chip.ok("00 FE 00 00")


ACTS: dict[str, tuple[str, Callable[[PivChip], object]]] = {
    "PIV: PIN blocked": (PIV, PivChip.block_pin),
    "PIV: PIN changed": (PIV, lambda chip: chip.ok("00 24 00 80 [ {pin} 39*8 ]")),
    "PIV: key made": (PIV, _make_key),
    "PIV: reset": (PIV, _reset),
    "token: PIN changed": (TOKEN, lambda chip: chip.ok("00 24 00 01 [ {pin} 39*8 ]")),
    "token: erased": (TOKEN, _erase),
    "token: terminated": (TOKEN, _terminate),
}


@pytest.mark.parametrize(("aid", "act"), ACTS.values(), ids=ACTS.keys())
def test_what_happens_in_the_one_leaves_the_other(
    chip: PivChip, aid: str, act: Callable[[PivChip], object]
) -> None:
    before = cells(chip.store)
    select(chip, aid)
    act(chip)
    after = cells(chip.store)
    changed = {name for name in {**before, **after} if before.get(name) != after.get(name)}
    assert {name.split("/")[0] for name in changed} == {"piv" if aid == PIV else "pkcs15"}
