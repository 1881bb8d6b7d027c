"""The language of commands, answers and status words in a dialogue.

Bytes are pairs of hexadecimal digits in capitals; spaces separate nothing and may stand anywhere
between pairs. Beside them:

==============  ======================================  ===================
``FF*8``        the byte, so many times                 command and answer
``{name}``      the bytes captured under this name      command and answer
``( ... )``     BER length of what is inside, and it    command and answer
``[ ... ]``     Lc of what is inside, and it            command
``??``          any byte; ``??*8`` eight of them        answer
``*``           any rest, of a group or of the answer   answer
``{name:4}``    capture four bytes; ``{name:*}`` rest   answer
``{not name}``  as many bytes as the captured, others   answer
==============  ======================================  ===================

``{encipher name}`` and ``{decipher name}`` are the captured block under PIV's management key and
back from under it (`vectors.cipher`), in command and answer.

A status word is ``9000``, a range ``63C0-63CF``, or ``61{name}``, which captures its second byte.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from vectors.cipher import MANAGEMENT_KEY, decipher, encipher
from vectors.errors import PatternError

MOST_BYTES = 65_536
"""The longest run that ``*n`` may ask for: more than any command or answer can carry."""
DEEPEST = 16
"""How many groups may stand inside each other."""


@dataclass(frozen=True, slots=True)
class Literal:
    """These very bytes."""

    value: bytes


@dataclass(frozen=True, slots=True)
class AnyBytes:
    """So many bytes, whatever they are."""

    count: int


@dataclass(frozen=True, slots=True)
class Rest:
    """All that is left, be it nothing."""


@dataclass(frozen=True, slots=True)
class Use:
    """The bytes captured under a name before."""

    name: str


@dataclass(frozen=True, slots=True)
class Unlike:
    """As many bytes as were captured under a name, but not the same."""

    name: str


@dataclass(frozen=True, slots=True)
class Ciphered:
    """The block captured under a name, enciphered or deciphered with the management key."""

    name: str
    decipher: bool

    def of(self, values: Mapping[str, bytes]) -> bytes:
        """The block that comes out."""
        work = decipher if self.decipher else encipher
        return work(values[MANAGEMENT_KEY], values[self.name])


@dataclass(frozen=True, slots=True)
class Capture:
    """Keep so many bytes, or with None all that is left, under a name."""

    name: str
    count: int | None


@dataclass(frozen=True, slots=True)
class Group:
    """Something with its length before it: a BER length, or Lc of a command."""

    items: tuple[Item, ...]
    lc: bool = False


Item: TypeAlias = Literal | AnyBytes | Rest | Use | Unlike | Ciphered | Capture | Group
Items: TypeAlias = tuple[Item, ...]

_TOKEN = re.compile(
    r"(?P<space> +)"
    r"|(?P<byte>[0-9A-F]{2}|\?\?)(?:\*(?P<times>[1-9][0-9]{0,4}))?"
    r"|(?P<rest>\*)"
    r"|\{(?P<verb>encipher|decipher|not) (?P<block>[a-z][a-z0-9-]*)\}"
    r"|\{(?P<name>[a-z][a-z0-9-]*)(?::(?P<count>[1-9][0-9]{0,4}|\*))?\}"
    r"|(?P<open>[\[(])"
    r"|(?P<close>[\])])"
)
_CLOSES = {"(": ")", "[": "]"}
_STATUS = re.compile(r"([0-9A-F]{4})(?:-([0-9A-F]{4}))?|([0-9A-F]{2})\{([a-z][a-z0-9-]*)\}")


def parse_command(text: str) -> Items:
    """A command to be sent. PatternError when it is none, or asks for what only answers have."""
    items = _parse(text)
    for item in walk(items):
        if isinstance(item, (AnyBytes, Rest, Unlike, Capture)):
            raise PatternError(0, "a command holds no ??, no *, no {not ...} and no capture")
    if not items:
        raise PatternError(0, "a command has at least one byte")
    return items


def parse_pattern(text: str) -> Items:
    """What the data of an answer must be like; the empty text asks for no data."""
    items = _parse(text)
    if any(isinstance(item, Group) and item.lc for item in walk(items)):
        raise PatternError(0, "only a command has an Lc: [ ] is for commands")
    return items


def walk(items: Items) -> Iterator[Item]:
    """Every item, those inside groups too."""
    for item in items:
        yield item
        if isinstance(item, Group):
            yield from walk(item.items)


def _parse(text: str) -> Items:
    stack: list[tuple[str, int, list[Item]]] = [("", 0, [])]
    at = 0
    while at < len(text):
        found = _TOKEN.match(text, at)
        if found is None:
            raise PatternError(at, f"{text[at]!r} begins nothing that is known here")
        if found["open"]:
            if len(stack) > DEEPEST:
                raise PatternError(at, f"more than {DEEPEST} groups inside each other")
            stack.append((found["open"], at, []))
        elif found["close"]:
            _close(stack, found["close"], at)
        elif not found["space"]:
            _append(stack[-1][2], _item(found), at)
        at = found.end()
    if len(stack) > 1:
        raise PatternError(stack[-1][1], f"{stack[-1][0]!r} is not closed")
    return tuple(stack[0][2])


def _close(stack: list[tuple[str, int, list[Item]]], bracket: str, at: int) -> None:
    opened, _, items = stack.pop()
    if _CLOSES.get(opened) != bracket:
        raise PatternError(at, f"{bracket!r} closes nothing")
    _append(stack[-1][2], Group(tuple(items), lc=opened == "["), at)


def _append(items: list[Item], item: Item, at: int) -> None:
    """Put an item after the others: nothing after a rest, and literal bytes as one."""
    last = items[-1] if items else None
    if isinstance(last, Rest) or (isinstance(last, Capture) and last.count is None):
        raise PatternError(at, "nothing can follow what takes the rest")
    if isinstance(last, Literal) and isinstance(item, Literal):
        items[-1] = Literal(last.value + item.value)
    else:
        items.append(item)


def _item(found: re.Match[str]) -> Item:
    times = int(found["times"] or 1)
    count = found["count"]
    if max(times, int(count) if count and count != "*" else 0) > MOST_BYTES:
        raise PatternError(found.start(), f"more than {MOST_BYTES} bytes")
    if found["rest"]:
        return Rest()
    if found["verb"] == "not":
        return Unlike(found["block"])
    if found["verb"]:
        return Ciphered(found["block"], decipher=found["verb"] == "decipher")
    if found["name"]:
        name = found["name"]
        return Capture(name, None if count == "*" else int(count)) if count else Use(name)
    if found["byte"] == "??":
        return AnyBytes(times)
    return Literal(bytes.fromhex(found["byte"]) * times)


# --- building a command --------------------------------------------------------------------


def fill(items: Items, values: Mapping[str, bytes]) -> bytes:
    """The bytes of a command. KeyError for a name without a value."""
    return b"".join(_fill(item, values) for item in items)


def _fill(item: Item, values: Mapping[str, bytes]) -> bytes:
    match item:
        case Literal(value):
            return value
        case Use(name):
            return values[name]
        case Ciphered():
            return item.of(values)
        case Group(inner, lc):
            body = fill(inner, values)
            return (_lc(len(body)) if lc else ber_length(len(body))) + body
        case _:
            raise TypeError(f"{type(item).__name__} is no part of a command")


def ber_length(count: int) -> bytes:
    """A BER length field, as short as can be (ISO 7816-4 §6.3)."""
    if count < 0x80:
        return bytes((count,))
    size = (count.bit_length() + 7) // 8
    return bytes((0x80 | size,)) + count.to_bytes(size, "big")


def _lc(count: int) -> bytes:
    """Lc: one byte up to 255, else 00 and two (ISO 7816-3 §12.1.3)."""
    return bytes((count,)) if count < 0x100 else b"\x00" + count.to_bytes(2, "big")


# --- status words --------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Status:
    """Status words from `first` to `last`; the second byte is kept under `name` if there is one."""

    first: int
    last: int
    name: str | None = None

    def __str__(self) -> str:
        if self.name is not None:
            return f"{self.first >> 8:02X}{{{self.name}}}"
        return f"{self.first:04X}" + (f"-{self.last:04X}" if self.last != self.first else "")

    def __contains__(self, sw: int) -> bool:
        return self.first <= sw <= self.last


def parse_status(text: str) -> Status:
    """One status word, a range of them, or one whose second byte is captured."""
    found = _STATUS.fullmatch(text)
    if found is None:
        raise PatternError(0, "expected a status word like 9000, 63C0-63CF or 61{name}")
    if found[4]:
        first = int(found[3], 16) << 8
        return Status(first, first | 0xFF, found[4])
    low, high = int(found[1], 16), int(found[2] or found[1], 16)
    if high < low:
        raise PatternError(5, "the range ends before it begins")
    return Status(low, high)
