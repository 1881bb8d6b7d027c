"""A small PIV card, what a host may do with it, and what it must not be able to do.

The rules are those of SP 800-73-4 part 1 tables 2 and 4b and part 2 §2.4, and for Yubico's commands
those of docs/piv.md.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from applet.os.card import Card
from applet.os.store import MemoryStore
from tests.chip.cards import AID, cells
from tests.piv.cards import P_256, PivChip
from tests.states.search import Broken
from tests.states.token import WRONG
from tests.vectors.lab import LabEntropy
from ushield.device.applets import Applets, note_applets
from ushield.device.assembly import assemble
from vectors.cipher import decipher, encipher
from vectors.pattern import fill, parse_command
from vectors.profile import PIV_MANAGEMENT_KEY, VALUES

PIN_TRIES, PUK_TRIES = 2, 1
"""Few, so that blocking is near."""
ONCE, EACH, FREE = "once", "each time", "never"
SLOTS = {"9A": ONCE, "9C": EACH, "9D": ONCE, "9E": FREE, "95": ONCE, "94": EACH}
"""When the key of a slot asks for the PIN; 94 was given another rule than its slot has."""
_PROTECTED, _FREE_TO_READ = "5FC109", "5FC102"

_SELECT = "00 A4 04 0C [ A000000308 ]"
_POINT = (
    "04 6B17D1F2E12C4247F8BCE6E563A440F277037D812DEB33A0F4A13945D898C296"
    " 4FE342E2FE1A7F9B8EE7EB4A7C0F9E162BCE33576B315ECECBB6406837BF51F5"
)
_VALUES = {**VALUES, "wrong": WRONG}


def make() -> Card:
    """The card, with PIV selected."""
    card = assemble(MemoryStore(_cells()), entropy=LabEntropy(), strict=True)
    card.power_on()
    card.transmit(_apdu(_SELECT))
    return card


@cache
def _cells() -> Mapping[str, bytes]:
    store = MemoryStore()
    note_applets(store, Applets.BOTH)
    assemble(store, entropy=LabEntropy())
    piv = PivChip(store)
    piv.administer()
    piv.verify()
    piv.ok(f"00 FA {PIN_TRIES:02X} {PUK_TRIES:02X}")
    for slot, rule in SLOTS.items():
        each = {"pin_policy": 0x03} if rule is EACH and slot != "9C" else {}
        piv.generate(int(slot, 16), P_256, **each)
    for tag in (_PROTECTED, _FREE_TO_READ):
        assert piv.put(int(tag, 16), b"something") == 0x9000
    return cells(store)


@cache
def _apdu(command: str) -> bytes:
    return fill(parse_command(command), _VALUES)


@dataclass(frozen=True, slots=True)
class Act:
    """Commands, or a proof of the management key, and what they mean to the watcher."""

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
        elif self.what == "reset":
            card.reset()
        elif self.what == "prove":
            return _prove(card, mutual=self.about, right=self.right)
        sw = 0x9000
        for command in self.commands:
            sw = int.from_bytes(card.transmit(_apdu(command))[-2:], "big")
        return sw


def _prove(card: Card, *, mutual: bool, right: bool) -> int:
    """Answer the card's challenge, or read its witness; the status word of the answer."""
    asked = card.transmit(_apdu(f"00 87 03 9B [ 7C ( 8{0 if mutual else 1} ( ) ) ] 00"))
    if len(asked) != 14:
        return int.from_bytes(asked[-2:], "big")
    block = asked[4:12]
    if right:
        block = (decipher if mutual else encipher)(PIV_MANAGEMENT_KEY, block)
    answer = "7C ( 80 ( {block} ) 81 ( 00*8 ) 82 ( ) )" if mutual else "7C ( 82 ( {block} ) )"
    command = fill(parse_command(f"00 87 03 9B [ {answer} ] 00"), {"block": block})
    return int.from_bytes(card.transmit(command)[-2:], "big")


def acts() -> list[Act]:
    """Everything, each act once."""
    return [*_uses(), *_changes(), *_moves()]


def _moves() -> list[Act]:
    pin, puk = "{piv-pin}", "{piv-puk}"
    return [
        Act("reset", (), "reset"),
        Act("power off and on", (), "power"),
        Act("select PIV", (_SELECT,), "select", "piv"),
        Act("select the other application", (f"00 A4 04 0C [ {AID} ]",), "select", "other"),
        Act("select what there is not", ("00 A4 04 0C [ A000000309 ]",), "nothing"),
        Act("PIN", (f"00 20 00 80 [ {pin} ]",), "present"),
        Act("wrong PIN", ("00 20 00 80 [ {wrong} ]",), "present", right=False),
        Act("PIN too short", ("00 20 00 80 [ 31*6 ]",), "nothing"),
        Act("ask for the PIN's state", ("00 20 00 80",), "nothing"),
        Act("take the PIN back", ("00 20 FF 80",), "logout"),
        Act("change the PIN", (f"00 24 00 80 [ {pin} {pin} ]",), "present"),
        Act(
            "change the PIN wrongly", (f"00 24 00 80 [ {{wrong}} {pin} ]",), "present",
            right=False,
        ),
        Act("PUK", (f"00 2C 00 80 [ {puk} {pin} ]",), "unblock"),
        Act("wrong PUK", (f"00 2C 00 80 [ {{wrong}} {pin} ]",), "unblock", right=False),
        Act("change the PUK", (f"00 24 00 81 [ {puk} {puk} ]",), "change puk"),
        Act(
            "change the PUK wrongly", (f"00 24 00 81 [ {{wrong}} {puk} ]",), "change puk",
            right=False,
        ),
        Act("prove the management key", (), "prove", False),
        Act("prove it wrongly", (), "prove", False, right=False),
        Act("prove it both ways", (), "prove", True),
        Act("prove it both ways wrongly", (), "prove", True, right=False),
        Act("prove it unasked", ("00 87 03 9B [ 7C ( 82 ( 00*8 ) ) ]",), "unproved"),
        Act("prove it by nothing", ("00 87 03 9B [ 7C ( 80 ( ) 82 ( ) ) ]",), "unproved"),
        Act("ask for a challenge", ("00 87 03 9B [ 7C ( 81 ( ) ) ] 00",), "unproved"),
    ]  # fmt: skip


def _uses() -> list[Act]:
    found = []
    for slot, rule in SLOTS.items():
        sign = (f"00 87 11 {slot} [ 7C ( 82 ( ) 81 ( 5A*32 ) ) ] 00",)
        chained = (f"10 87 11 {slot} [ 7C 24 82 00 ]", f"00 87 11 {slot} [ 81 ( 5A*32 ) ] 00")
        agree = (f"00 87 11 {slot} [ 7C ( 82 ( ) 85 ( {_POINT} ) ) ] 00",)
        found += [
            Act(f"sign with {slot}", sign, "use", slot, leads_on=rule is EACH),
            Act(f"sign in a chain with {slot}", chained, "use", slot, leads_on=False),
            Act(f"agree with {slot}", agree, "use", slot, leads_on=False),
        ]
    return found


def _changes() -> list[Act]:
    """Reading and writing; all of it is judged, and nothing of it kept."""
    writes = {
        "put an object": "00 DB 3F FF [ 5C ( 5FC10D ) 53 ( 01 ) ]",
        "remove an object": f"00 DB 3F FF [ 5C ( {_FREE_TO_READ} ) 53 ( ) ]",
        "generate a key": "00 47 00 9A [ AC ( 80 ( 11 ) ) ] 00",
        "import a key": "00 FE 11 9A [ 06 ( 55*32 ) ]",
        "set the management key": "00 FF FF FF [ 03 9B 18 55*24 ]",
        "move a key": "00 F6 93 95",
        "delete a key": "00 F6 FF 95",
    }
    read = "00 CB 3F FF [ 5C ( {} ) ] 00"
    return [
        *(Act(words, (command,), "write", leads_on=False) for words, command in writes.items()),
        Act("set tries", ("00 FA 03 03",), "set tries", leads_on=False),
        Act("make it as from the factory", ("00 FB 00 00",), "factory", leads_on=False),
        Act("read what asks for the PIN", (read.format(_PROTECTED),), "read", leads_on=False),
        Act("read what is free", (read.format(_FREE_TO_READ),), "nothing", leads_on=False),
    ]


@dataclass(frozen=True, slots=True)
class PivWatcher:
    """What a host has shown, and may do therefore."""

    here: bool = True
    presented: bool = False
    fresh: bool = False
    proved: bool = False
    left: int = PIN_TRIES
    puk_left: int = PUK_TRIES

    def after(self, act: Act, sw: int) -> PivWatcher:
        """Judge an act by its answer."""
        done = sw >> 8 in (0x90, 0x61)
        match act.what:
            case "reset" | "power":
                return replace(self._forgotten(), here=False)
            case "select":
                here = act.about == "piv"
                return self if here and self.here else replace(self._forgotten(), here=here)
            case _:
                pass
        return self._in_piv(act, done=done) if self.here else self._elsewhere(act, done=done)

    def _elsewhere(self, act: Act, *, done: bool) -> PivWatcher:
        if done and act.what in ("present", "unblock", "change puk", "use", "write", "prove"):
            raise Broken("PIV answered while another application is selected")
        return self

    def _in_piv(self, act: Act, *, done: bool) -> PivWatcher:
        match act.what:
            case "present":
                return self._present(right=act.right, done=done)
            case "unblock" | "change puk":
                return self._puk(act, done=done)
            case "logout":
                return replace(self, presented=False, fresh=False)
            case "prove":
                self._require(done, act.right, "a wrong answer proved the key")
                return replace(self, proved=done)
            case "unproved":
                return replace(self, proved=False)
            case "use":
                return self._use(act.about, done=done)
            case "write":
                self._require(done, self.proved, "something was written without the management key")
            case "set tries":
                self._require(done, self.proved and self.presented, "tries were set without both")
            case "factory":
                blocked = not self.left and not self.puk_left
                self._require(done, blocked, "the card was reset with tries left")
            case "read":
                self._require(done, self.presented, "an object was read without the PIN")
            case _:
                pass
        return self

    def _present(self, *, right: bool, done: bool) -> PivWatcher:
        if not self.left:
            self._require(done, False, "a blocked PIN was taken")
            return self
        self._require(done, right, "a wrong PIN was taken")
        if right:
            return replace(self, presented=True, fresh=True, left=PIN_TRIES)
        return replace(self, presented=False, fresh=False, left=self.left - 1)

    def _puk(self, act: Act, *, done: bool) -> PivWatcher:
        if not self.puk_left:
            self._require(done, False, "a blocked PUK was taken")
            return self
        self._require(done, act.right, "a wrong PUK was taken")
        if act.what == "change puk":
            after = replace(self, puk_left=PUK_TRIES if act.right else self.puk_left - 1)
            return after if act.right else replace(after, presented=False, fresh=False)
        after = replace(self, presented=False, fresh=False)
        if act.right:
            return replace(after, left=PIN_TRIES, puk_left=PUK_TRIES)
        return replace(after, puk_left=self.puk_left - 1)

    def _use(self, slot: str, *, done: bool) -> PivWatcher:
        rule = SLOTS[slot]
        allowed = {FREE: True, ONCE: self.presented, EACH: self.fresh}[rule]
        self._require(done, allowed, f"the key {slot} worked without its rule")
        return replace(self, fresh=self.fresh and not (done and rule is EACH))

    def _forgotten(self) -> PivWatcher:
        return replace(self, presented=False, fresh=False, proved=False)

    @staticmethod
    def _require(done: bool, allowed: bool, fault: str) -> None:
        if done and not allowed:
            raise Broken(fault)


def seen_as(card: Card) -> Hashable:
    """The state of the card that matters: tries, PIN verified and fresh, management key proved."""
    applet: Any = card._applets[1]
    management = applet._management
    return (
        tuple(applet._pins.statuses()),
        frozenset(applet._status._verified),
        frozenset(applet._status._fresh),
        management._proved,
        management._challenge is None,
        management._witness is None,
        card._selected is applet,
    )
