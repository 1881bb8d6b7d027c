"""The language of the scripts: who calls what, a line each.

    == the title [out]          a script begins; the card in the reader (cards.py), T1 if not said

    A connect shared T0|T1      client A connects; clients come to life at their first word
    B begin ...                 the call is expected to wait, so the next line does not
    B returns                   it has returned now
    A.2 connect exclusive       a second handle of client A; A is short for A.1
    A@x establish               a second context of client A; A@x.2 a handle made in it
    A fork status; release      the calls are made by a child of A, forked for them
    A kill                      by SIGKILL; `A exit`: an end without a word, everything left open
    card out                    also: card in, card T0 (in, with that ATR; see cards.py)
    until 2                     the service counts so many connections to the first reader
    see                         what the service says of that reader

Arguments come in the order of `VERBS`, or by name (`room=2`); what is left out has its default.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, NamedTuple

from tests.pcsc.differential import cards

READERS = ("Virtual PCD 00 00", "Virtual PCD 00 01")
NAMES = {
    "first": READERS[0],
    "second": READERS[1],
    "pnp": "\\\\?PnP?\\Notification",
    "nobody": "Nobody 00 00",
    "nameless": "",
    "longest": "x" * 127,
    "128": "x" * 128,
    "129": "x" * 129,
}
SHARES = {"exclusive": 1, "shared": 2, "direct": 3}
PROTOCOLS = {"none": 0, "T0": 1, "T1": 2, "RAW": 4, "T15": 8, "OLD": 0x1000}
DISPOSITIONS = {"leave": 0, "reset": 1, "unpower": 2, "eject": 3}
TAGS = {"ATR": 0x00090303, "FRIENDLY": 0x7FFF0003, "SYSTEM": 0x7FFF0004, "VENDOR": 0x00010100}
CODES = {"FEATURES": 0x42000D48}
EVENTS = {
    "UNAWARE": 0,
    "IGNORE": 1,
    "CHANGED": 2,
    "UNKNOWN": 4,
    "UNAVAILABLE": 8,
    "EMPTY": 0x10,
    "PRESENT": 0x20,
    "ATRMATCH": 0x40,
    "EXCLUSIVE": 0x80,
    "INUSE": 0x100,
    "MUTE": 0x200,
    "UNPOWERED": 0x400,
}
STATES = {
    "UNKNOWN": 1,
    "ABSENT": 2,
    "PRESENT": 4,
    "SWALLOWED": 8,
    "POWERED": 0x10,
    "NEGOTIABLE": 0x20,
    "SPECIFIC": 0x40,
}
ROOM = 65_548
"""The largest answer that pcsc-lite has room for."""


class Watched(NamedTuple):
    """A reader in a call of SCardGetStatusChange. `state` None: as it was said last.

    `counter` is what is added to the number of events before the script; None: no counter.
    """

    name: str
    state: int | None
    counter: int | None


class Step(NamedTuple):
    """One line. `client` is empty for what the harness does itself."""

    text: str
    client: str
    do: str
    arguments: dict[str, Any]
    waits: bool = False


def number(names: dict[str, int]) -> Callable[[str], int]:
    """Names put together by |, or a number."""

    def parse(text: str) -> int:
        return sum(names[word] if word in names else int(word, 0) for word in text.split("|"))

    return parse


def name(text: str) -> str:
    return NAMES[text]


def room(text: str) -> int | None:
    return None if text == "null" else int(text)


def data(text: str) -> str:
    """Hexadecimal digits, or a word that stands for a command (cards.py)."""
    word, _, size = text.partition(":")
    match word:
        case "empty":
            return ""
        case "count":
            return cards.counting().hex()
        case "answer":
            return cards.asking(int(size)).hex()
        case "size":
            return cards.of(int(size)).hex()
        case _:
            return bytes.fromhex(text).hex()


def watched(text: str) -> Watched:
    """As in first=last, first=PRESENT|INUSE, first=EMPTY+1."""
    who, _, state = text.partition("=")
    if state == "last":
        return Watched(name(who), None, None)
    flags, plus, counter = state.partition("+")
    return Watched(name(who), number(EVENTS)(flags), int(counter) if plus else None)


Kind = Callable[[str], Any]

VERBS: dict[str, list[tuple[str, str, Kind]]] = {
    "establish": [("scope", "0", int)],
    "release": [],
    "valid": [],
    "cancel": [],
    "readers": [("room", "200", room)],
    "groups": [("room", "200", room)],
    "connect": [
        ("share", "shared", number(SHARES)),
        ("protocols", "T0|T1", number(PROTOCOLS)),
        ("reader", "first", name),
    ],
    "reconnect": [
        ("initialization", "leave", number(DISPOSITIONS)),
        ("share", "shared", number(SHARES)),
        ("protocols", "T0|T1", number(PROTOCOLS)),
    ],
    "disconnect": [("disposition", "leave", number(DISPOSITIONS))],
    "begin": [],
    "end": [("disposition", "leave", number(DISPOSITIONS))],
    "status": [("name_room", "200", room), ("atr_room", "33", room)],
    "transmit": [
        ("command", "count", data),
        ("room", str(ROOM), int),
        ("protocol", "T1", number(PROTOCOLS)),
    ],
    "control": [("code", "FEATURES", number(CODES)), ("data", "empty", data), ("room", "300", int)],
    "attribute": [("tag", "FRIENDLY", number(TAGS)), ("room", "264", room)],
    "set_attribute": [("tag", "FRIENDLY", number(TAGS)), ("data", "00", data)],
    "null": [("call", "", str)],
}
OF_A_CONTEXT = {"establish", "release", "valid", "cancel", "readers", "groups", "wait"}
OF_BOTH = {"connect", "null"}
OF_THE_HARNESS = {"returns", "kill", "exit"}

ACTOR = re.compile(r"(?P<client>[A-Z])(@(?P<context>\w+))?(\.(?P<card>\w+))?")


class Script(NamedTuple):
    """A title, the card that is in the reader at first (`out`: none), and what happens."""

    title: str
    card: str
    steps: list[Step]


TITLE = re.compile(r"== (?P<title>[^\[]+?)( \[(?P<card>\w+)\])?")
USUAL = "T1"


def scripts(text: str) -> list[Script]:
    """The scripts of a chapter. Empty lines and those that begin with # say nothing."""
    found: list[Script] = []
    for line in text.splitlines():
        if title := TITLE.fullmatch(line):
            found.append(Script(title["title"], title["card"] or USUAL, []))
        elif line.strip() and not line.startswith("#"):
            found[-1].steps.append(step(line.strip()))
    return found


def step(line: str) -> Step:
    """One line. KeyError or ValueError when it is none."""
    waits = line.endswith(" ...")
    words = line.removesuffix(" ...").split()
    actor = ACTOR.fullmatch(words[0])
    if actor is None:
        return Step(line, "", words[0], {"what": words[1:]})
    client, context = actor["client"], actor["context"] or "own"
    who = {"context": context, "card": f"{context}.{actor['card'] or '1'}"}
    do, *rest = words[1:]
    if do in OF_THE_HARNESS:
        return Step(line, client, do, {})
    if do == "fork":
        calls = [call(inner.split(), who) for inner in line.partition(" fork ")[2].split(";")]
        return Step(line, client, do, {"calls": calls}, waits)
    return Step(line, client, *call([do, *rest], who), waits)


def call(words: list[str], who: dict[str, str]) -> tuple[str, dict[str, Any]]:
    """The call and its arguments."""
    do, *rest = words
    if do in OF_BOTH:
        mine = dict(who)
    else:
        key = "context" if do in OF_A_CONTEXT else "card"
        mine = {key: who[key]}
    if do == "wait":
        readers = [watched(word) for word in rest[1:]]
        return do, mine | {"timeout": int(rest[0]), "readers": readers}
    texts = {parameter: default for parameter, default, _ in VERBS[do]}
    for (parameter, _, _), word in zip(VERBS[do], rest, strict=False):
        key, equals, value = word.partition("=")
        texts[key if equals else parameter] = value if equals else word
    return do, mine | {key: kind(texts[key]) for key, _, kind in VERBS[do]}
