"""The table of every command in wrong states and forms (``commands.txt``) against the applet."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from apdu.instruction import INS
from apdu.piv import PivINS
from tests.chip.cards import cells
from tests.piv import cards
from tests.piv.cards import PivChip
from vectors.pattern import fill, parse_command
from vectors.profile import VALUES

TABLE = Path(__file__).with_name("commands.txt")

GENERATOR = bytes.fromhex(
    "046B17D1F2E12C4247F8BCE6E563A440F277037D812DEB33A0F4A13945D898C296"
    "4FE342E2FE1A7F9B8EE7EB4A7C0F9E162BCE33576B315ECECBB6406837BF51F5"
)


def _template(text: str) -> bytes:
    return fill(parse_command(text), {"point": GENERATOR})


GIVEN = {
    "aid": bytes.fromhex(cards.AID),
    "wrong": b"999999\xff\xff",
    "sign": _template("7C ( 82 ( ) 81 ( 55*32 ) )"),
    "agree": _template("7C ( 82 ( ) 85 ( {point} ) )"),
    "raw": _template("7C ( 82 ( ) 81 ( 01*128 ) )"),
}


class Row(NamedTuple):
    """One row of the table."""

    name: str
    what: str
    state: str
    command: str
    sw: str

    def __str__(self) -> str:
        return f"{self.name}, {self.what}, {self.state}: {self.command}"


ROWS = [
    Row(*(cell.strip() for cell in line.split("|")))
    for line in TABLE.read_text(encoding="utf-8").splitlines()
    if line and not line.startswith("#")
]

BASES: dict[str, Callable[[], PivChip]] = {"born": cards.born, "full": cards.full}


def _leave_rest(chip: PivChip) -> None:
    assert chip.send("00 87 06 95 [ {raw} ] 10", **GIVEN)[1] == 0x6176


WORDS: dict[str, Callable[[PivChip], object]] = {
    "pin": PivChip.verify,
    "logout": lambda chip: chip.ok("00 20 FF 80"),
    "admin": PivChip.administer,
    "blocked": PivChip.block_pin,
    "puk": PivChip.block_puk,
    "asked": lambda chip: chip.ok("00 87 03 9B [ 7C ( 81 ( ) ) ]"),
    "witness": lambda chip: chip.ok("00 87 03 9B [ 7C ( 80 ( ) ) ]"),
    "failed": lambda chip: chip.sw("00 87 03 9B [ 7C ( 82 ( 55*8 ) ) ]"),
    "signed": lambda chip: chip.ok("00 87 11 9C [ {sign} ]", **GIVEN),
    "chained": lambda chip: chip.ok("10 87 11 9E [ 7C 24 82 00 ]"),
    "rest": _leave_rest,
    "attesting": cards.prepare_attestation,
}


def _in_state(words: str) -> PivChip:
    base, *more = words.split()
    chip = BASES[base]()
    for word in more:
        WORDS[word](chip)
    return chip


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_status_word(row: Row) -> None:
    chip = _in_state(row.state)
    before = cells(chip.store)
    data, sw = chip.send(row.command, **GIVEN)
    assert re.fullmatch(row.sw.replace("xx", ".."), f"{sw:04X}")
    if sw >> 8 not in (0x90, 0x61):
        assert not data
    if sw >> 8 not in (0x90, 0x61, 0x63):
        assert cells(chip.store) == before, "a refused command changed the memory"


def _kinds() -> dict[int, set[str]]:
    kinds: dict[int, set[str]] = {}
    for row in ROWS:
        command = fill(parse_command(row.command), {**VALUES, **GIVEN})
        if row.name not in ("class", "unknown instruction", "GET RESPONSE"):
            kinds.setdefault(command[1], set()).add(row.what)
    return kinds


def test_the_table_has_every_instruction_and_every_kind_of_fault() -> None:
    kinds = _kinds()
    assert kinds.keys() == {*PivINS, INS.GET_DATA}
    always = {"right", "P1-P2", "Lc", "Le", "state", "data"}
    excused: dict[int, set[str]] = {
        INS.GET_DATA: {"data"},
        PivINS.MOVE_KEY: {"data"},
        PivINS.GET_METADATA: {"data"},
        PivINS.ATTEST: {"data"},
        PivINS.GET_SERIAL: {"data", "state"},
        PivINS.SET_TRIES: {"data"},
        PivINS.RESET: {"data"},
        PivINS.GET_VERSION: {"data", "state"},
    }
    for instruction, found in kinds.items():
        assert always - found == excused.get(instruction, set()), instruction


def test_rows_are_unique() -> None:
    assert len({str(row) for row in ROWS}) == len(ROWS)
