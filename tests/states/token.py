"""A small PKCS#15 token, and everything that a host may try with it."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from apdu.edge import Phase
from applet.os.card import Card
from applet.os.store import MemoryStore
from tests.chip.cards import AID, PIN, SO_PIN, cells
from tests.vectors.lab import LabEntropy
from ushield.device.applets import Applets, note_applets
from ushield.device.assembly import assemble
from vectors.pattern import fill, parse_command

HOLDER, OFFICER = 1, 3
ALWAYS, NEVER = 0, 0xF
PUK, WRONG = b"12345678", b"999999\xff\xff"
TRIES = {HOLDER: 2, OFFICER: 1}
"""Few, so that blocking is near."""
PUK_TRIES = 1


@dataclass(frozen=True, slots=True)
class Key:
    """A key on P-256: whose PIN it asks for, and whether each time."""

    fid: str
    rule: int
    each: bool = False


@dataclass(frozen=True, slots=True)
class Rules:
    """Whose PIN a file asks for: to read, to write, to delete."""

    read: int
    write: int
    delete: int


KEYS = (
    Key("4B01", HOLDER),
    Key("4B02", HOLDER, each=True),
    Key("4B03", OFFICER),
    Key("4B04", NEVER),
    Key("4B05", ALWAYS),
)
FILES = {
    "5101": Rules(ALWAYS, HOLDER, OFFICER),
    "5102": Rules(HOLDER, OFFICER, NEVER),
    "5103": Rules(OFFICER, NEVER, HOLDER),
}
MAKE_FILE, MAKE_KEY, WIPE = HOLDER, HOLDER, OFFICER
"""Whose PIN the directory and the key files ask for to create, to generate and import; the MF."""

_VALUES = {"pin": PIN, "so-pin": SO_PIN, "puk": PUK, "wrong": WRONG}
_RIGHT = {HOLDER: "{pin}", OFFICER: "{so-pin}"}
_SELECT = f"00 A4 04 0C [ {AID} ]"
_AGREED = (
    "7C ( 85 ( 04 6B17D1F2E12C4247F8BCE6E563A440F277037D812DEB33A0F4A13945D898C296"
    " 4FE342E2FE1A7F9B8EE7EB4A7C0F9E162BCE33576B315ECECBB6406837BF51F5 ) )"
)


def send(card: Card, *commands: str) -> int:
    """Commands one after another; the status word of the last."""
    answer = b""
    for command in commands:
        answer = card.transmit(_apdu(command))
    return int.from_bytes(answer[-2:], "big")


@cache
def _apdu(command: str) -> bytes:
    return fill(parse_command(command), _VALUES)


def make() -> Card:
    """The token before its activation: PINs, files and keys are there."""
    card = assemble(MemoryStore(_cells()), entropy=LabEntropy(), strict=True)
    card.power_on()
    return card


@cache
def _cells() -> Mapping[str, bytes]:
    store = MemoryStore()
    note_applets(store, Applets.BOTH)
    card = assemble(store, entropy=LabEntropy(), strict=True)
    card.power_on()
    ok = [
        f"00 DA 01 E0 [ 0000 {MAKE_FILE}{MAKE_FILE}{WIPE}FFF {MAKE_FILE}{MAKE_FILE}1FFF ]",
        *(_record(reference) for reference in _RIGHT),
    ]
    for fid, rules in FILES.items():
        access = f"{rules.read:X}{rules.write:X}{rules.delete:X}FFF"
        ok += ["00 A4 08 0C [ 5015 ]", _file(fid, access)]
    for key in KEYS:
        each = f"{key.rule if key.each else 0:X}000"
        access = f"{key.rule:X}{MAKE_KEY}1{MAKE_KEY}FF"
        ok += ["00 A4 08 0C [ 5015 ]", _key_file(key.fid, access, each), "00 46 00 00"]
    for command in ok:
        assert send(card, command) == 0x9000, command
    return cells(store)


def _record(reference: int) -> str:
    tries = f"{TRIES[reference]:02X} {PUK_TRIES:02X} 00"
    return f"00 DA 01 {reference:02X} [ {_RIGHT[reference]} {{puk}} {tries} ]"


def _file(fid: str, access: str) -> str:
    return f"00 E0 00 00 [ 62 ( 80 ( 0004 ) 82 ( 01 ) 83 ( {fid} ) 86 ( {access} ) ) ]"


def _key_file(fid: str, access: str, each: str) -> str:
    return (
        f"00 E0 00 00 [ 62 ( 81 ( 0100 ) 82 ( 22 ) 83 ( {fid} ) 86 ( {access} ) 85 ( {each} ) ) ]"
    )


# What a host may do


@dataclass(frozen=True, slots=True)
class Act:
    """Commands, and what they mean to the watcher: `what` and `about`."""

    words: str
    commands: tuple[str, ...]
    what: str
    about: Any = None
    right: bool = True
    leads_on: bool = True

    def __str__(self) -> str:
        return self.words

    def done(self, card: Card) -> int:
        """Send the commands; a reset and cut power have none."""
        if self.what == "power":
            card.power_off()
            card.power_on()
            return 0x9000
        if self.what == "reset":
            card.reset()
        return send(card, *self.commands) if self.commands else 0x9000


def acts() -> list[Act]:
    """Everything, each act once."""
    return [*_uses(), *_changes(), *_moves()]


def _moves() -> list[Act]:
    """What leads from one state to another."""
    found = [
        Act("reset", (), "reset"),
        Act("power off and on", (), "power"),
        Act("select the application", (_SELECT,), "forget"),
        Act("select PIV, then the application", ("00 A4 04 0C [ A000000308 ]", _SELECT), "forget"),
        Act("log all out", ("00 2E 00 00",), "logout", 0),
        Act("activate", ("00 44 00 00",), "activate"),
        Act("deactivate", ("00 04 00 00",), "wipe", Phase.DEACTIVATED),
        Act("terminate", ("00 FE 00 00",), "wipe", Phase.TERMINATED),
        Act("erase", ("00 DA 01 E0 [ 0000 113FFF 111FFF ]",), "wipe", Phase.MANUFACTURED),
        Act("prepare nothing", ("00 22 41 B6 [ 80 01 04 81 02 4BEE ]",), "prepare"),
    ]
    for reference, value in _RIGHT.items():
        p2 = f"{reference:02X}"
        found += [
            Act(f"PIN {p2}", (f"00 20 00 {p2} [ {value} ]",), "present", reference),
            Act(f"wrong PIN {p2}", (f"00 20 00 {p2} [ {{wrong}} ]",), "present", reference, False),
            Act(f"PIN {p2} too long", (f"00 20 00 {p2} [ {value} 00 ]",), "nothing"),
            Act(f"ask PIN {p2}", (f"00 20 00 {p2}",), "nothing"),
            Act(f"change PIN {p2}", (f"00 24 00 {p2} [ {value} {value} ]",), "present", reference),
            Act(
                f"change PIN {p2} wrongly",
                (f"00 24 00 {p2} [ {{wrong}} {value} ]",),
                "present",
                reference,
                False,
            ),
            Act(f"PUK {p2}", (f"00 2C 00 {p2} [ {{puk}} {value} ]",), "unblock", reference),
            Act(
                f"wrong PUK {p2}",
                (f"00 2C 00 {p2} [ {{wrong}} {value} ]",),
                "unblock",
                reference,
                False,
            ),
            Act(f"log PIN {p2} out", (f"00 2E 00 {p2}",), "logout", reference),
            Act(f"store PIN {p2}", (_record(reference),), "store", reference),
        ]
    found += [
        Act(f"prepare {key.fid} to sign", (_prepare(key, "41 B6"),), "prepare") for key in KEYS[:2]
    ]
    return found


def _prepare(key: Key, use: str) -> str:
    return f"00 22 {use} [ 80 01 04 81 02 {key.fid} ]"


def _uses() -> list[Act]:
    """The use of each key in each way; it leads on where it spends a PIN and prepares nothing."""
    found = [Act("sign with what is prepared", ("00 2A 9E 9A [ 5A*32 ] 00",), "sign")]
    for key in KEYS:
        name = key.fid
        sign = (_prepare(key, "41 B6"), "00 2A 9E 9A [ 5A*32 ] 00")
        hashed = ("00 2A 90 80 [ 5A ]", _prepare(key, "41 B6"), "00 2A 9E 9A 00")
        agree = (_prepare(key, "41 A4"), f"00 86 00 00 [ {_AGREED} ] 00")
        log_in = (f"00 88 00 {name[2:]} [ 5A*8 ] 00",)
        found += [
            Act(f"sign with {name}", sign, "use", key, leads_on=False),
            Act(f"hash, then sign with {name}", hashed, "use", key, leads_on=False),
            Act(f"agree with {name}", agree, "use", key, leads_on=False),
            Act(f"authenticate with {name}", log_in, "use", key, leads_on=key.each),
        ]
    return found


def _changes() -> list[Act]:
    """Reading and changing files and keys; all of it is judged, and nothing of it kept."""
    select = "00 A4 08 0C [ 5015 {} ]"
    free, held = _file("5777", "000FFF"), "00 A4 08 0C [ 5015 ]"
    point = _AGREED[_AGREED.index("04 6B") : _AGREED.rindex(" ) )")]
    found = [
        Act("create a file", (held, free), "changed", MAKE_FILE, leads_on=False),
        Act("create a key file", (held, _key_file("4B77", "0000FF", "0000")), "changed", MAKE_FILE,
            leads_on=False),
    ]  # fmt: skip
    for fid, rules in FILES.items():
        at = select.format(fid)
        found += [
            Act(f"read {fid}", (at, "00 B0 00 00 04"), "read", rules.read, leads_on=False),
            Act(f"write {fid}", (at, "00 D6 00 00 [ 01 ]"), "changed", rules.write, leads_on=False),
            Act(f"delete {fid}", (at, "00 E4 00 00"), "changed", rules.delete, leads_on=False),
        ]
    at = select.format(KEYS[0].fid)
    parts = (at, "00 DA 01 87 [ 00*31 01 ]", f"00 DA 01 86 [ {point} ]")
    found += [
        Act("generate a key", (at, "00 46 00 00"), "changed", MAKE_KEY, leads_on=False),
        Act("import a key", parts, "changed", MAKE_KEY, leads_on=False),
        Act("read a key file", (at, "00 B0 00 00 04"), "read", NEVER, leads_on=False),
        Act("take a private part", (at, "00 CA 01 87 00"), "read", NEVER, leads_on=False),
    ]
    return found


def seen_as(card: Card) -> Hashable:
    """What matters of the token: phase, tries, PINs verified and fresh, what is prepared."""
    applet: Any = card._applets[0]
    status, desk = applet._status, applet._desk
    return (
        applet._life.phase,
        tuple(applet._pins.statuses()),
        frozenset(status._verified),
        frozenset(status._fresh),
        frozenset(desk._prepared.items()),
        desk._message is None,
        card._selected is card._applets[0],
    )
