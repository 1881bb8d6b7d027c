"""The table of every command in wrong states and forms (``commands.txt``) against the chip."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from apdu.instruction import INS
from tests.chip import cards
from tests.chip.cards import Chip
from vectors.pattern import fill, parse_command
from vectors.profile import VALUES

TABLE = Path(__file__).with_name("commands.txt")

DIGEST = bytes(range(32))
GIVEN = {
    "aid": bytes.fromhex(cards.AID),
    "digest": DIGEST,
    "di": cards.DIGEST_INFO + DIGEST,
    "wrong": b"999999\xff\xff",
    "point": bytes.fromhex(
        "046B17D1F2E12C4247F8BCE6E563A440F277037D812DEB33A0F4A13945D898C296"
        "4FE342E2FE1A7F9B8EE7EB4A7C0F9E162BCE33576B315ECECBB6406837BF51F5"
    ),
    "fcp": bytes.fromhex("6210 80020010 820101 83024F4F 86030000FF"),
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

BASES: dict[str, Callable[[], Chip]] = {
    "active": cards.activated,
    "built": cards.personalised,
    "blank": cards.blank,
}


def _block(chip: Chip) -> None:
    for _ in range(6):
        chip.send("00 20 00 01 [ {wrong} ]", **GIVEN)


def _leave_rest(chip: Chip) -> None:
    chip.environment("41 B6", "02", cards.SIGN)
    assert chip.send("00 2A 9E 9A [ {di} ] 10", **GIVEN)[1] == 0x61F0


WORDS: dict[str, Callable[[Chip], object]] = {
    "pin": Chip.verify,
    "so": lambda chip: chip.ok("00 20 00 03 [ {so-pin} ]"),
    "blocked": _block,
    "off": lambda chip: chip.ok("00 04 00 00"),
    "dead": lambda chip: chip.ok("00 FE 00 00"),
    "ef": lambda chip: chip.ok("00 A4 08 0C [ 2F00 ]"),
    "secret": lambda chip: chip.ok("00 A4 08 0C [ 5015 4401 ]"),
    "key": lambda chip: chip.ok(f"00 A4 08 0C [ 5015 {cards.EC} ]"),
    "fixed": lambda chip: chip.ok(f"00 A4 08 0C [ 5015 {cards.SIGN} ]"),
    "empty": lambda chip: chip.ok(f"00 A4 08 0C [ 5015 {cards.EMPTY} ]"),
    "sign": lambda chip: chip.environment("41 B6", "04", cards.EC),
    "sign-rsa": lambda chip: chip.environment("41 B6", "02", cards.SIGN),
    "sign-raw": lambda chip: chip.environment("41 B6", "00", cards.SIGN),
    "no-key": lambda chip: chip.environment("41 B6", "02", cards.EMPTY),
    "decipher": lambda chip: chip.environment("41 B8", "02", cards.DECIPHER),
    "agree": lambda chip: chip.environment("41 A4", "04", cards.EC),
    "check": lambda chip: chip.environment("81 B6", "04", cards.EC),
    "encipher": lambda chip: chip.environment("81 B8", "02", cards.DECIPHER),
    "hashed": lambda chip: chip.ok("00 2A 90 80 [ 616263 ]"),
    "rest": _leave_rest,
}


def _in_state(words: str) -> Chip:
    base, *more = words.split()
    chip = BASES[base]()
    for word in more:
        WORDS[word](chip)
    return chip


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_status_word(row: Row) -> None:
    chip = _in_state(row.state)
    before = cards.cells(chip.store)
    data, sw = chip.send(row.command, **GIVEN)
    assert row.sw in (f"{sw:04X}", f"{sw >> 8:02X}xx")
    if sw >> 8 not in (0x90, 0x61):
        assert not data
    if sw >> 8 not in (0x90, 0x61, 0x63):
        assert cards.cells(chip.store) == before, "a refused command changed the memory"


def _kinds() -> dict[int, set[str]]:
    kinds: dict[int, set[str]] = {}
    for row in ROWS:
        command = fill(parse_command(row.command), {**VALUES, **GIVEN})
        if row.name not in ("class", "unknown instruction", "length"):
            kinds.setdefault(command[1], set()).add(row.what)
    return kinds


def test_the_table_has_every_instruction_and_every_kind_of_fault() -> None:
    kinds = _kinds()
    assert kinds.keys() == set(INS)
    always = {"right", "P1-P2", "Lc", "Le", "state"}
    excused = {
        INS.SELECT: "it works in every state",
        INS.GET_CHALLENGE: "it works in every state",
        INS.GET_DATA_ODD: "these cards have no certificate: see the dialogues",
        INS.GENERATE_KEY: "a key pair needs no data: what is wrong with them is under data",
    }
    assert {ins for ins, found in kinds.items() if not always <= found} == excused.keys()


def test_ids_are_unique() -> None:
    assert len({str(row) for row in ROWS}) == len(ROWS)
