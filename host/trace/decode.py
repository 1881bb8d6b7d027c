"""A dialogue explained: each command by its name and what it is about, each answer in words.

A decoder follows what it explains: which application and file are selected, which key is meant,
what the card calls its files and keys. Give it the entries of a trace in order.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from apdu.atr import parse_atr
from apdu.command import Command
from apdu.errors import ApduError
from apdu.instruction import INS, name_of
from apdu.piv import piv_name_of
from apdu.status import describe
from host.trace import explain_piv, tags
from host.trace.explain import Context, answer_words, command_words
from host.trace.record import CardEvent, Direction, Entry, Happening, TraceRecord
from host.trace.selection import Application

_CHAINING = 0x10

_HAPPENINGS = {
    Happening.CONNECTED: "connected to a card that has power",
    Happening.POWER_ON: "power on",
    Happening.RESET: "reset",
    Happening.POWER_OFF: "power off",
    Happening.NO_ANSWER: "no answer: the card failed, or was pulled out",
}


@dataclass(frozen=True, slots=True)
class Decoded:
    """An entry in words: `title` says what it is, `about` which file or key is meant.

    `lines` are what is in its data, each for itself; all of it is printable.
    """

    entry: Entry
    title: str
    about: str
    lines: tuple[str, ...]

    @property
    def mark(self) -> str:
        """Who speaks: > the host, < the card, * nobody."""
        what = self.entry.what
        return what.direction.value if isinstance(what, TraceRecord) else "*"

    @property
    def failed(self) -> bool:
        """Whether this is a refusal, or worse."""
        what = self.entry.what
        if isinstance(what, CardEvent):
            return what.happening is Happening.NO_ANSWER
        return what.direction is Direction.FROM_CARD and what.sw >> 8 not in (0x90, 0x61)


class Decoder:
    """Explains a trace; each of its readers has a dialogue of its own."""

    def __init__(self) -> None:
        self._dialogues: dict[str, _Dialogue] = {}

    def decode(self, entry: Entry) -> Decoded:
        """The next entry in words."""
        dialogue = self._dialogues.setdefault(entry.reader, _Dialogue())
        what = entry.what
        if isinstance(what, CardEvent):
            title, about, lines = dialogue.event(what)
        elif what.direction is Direction.TO_CARD:
            title, about, lines = dialogue.command(what)
        else:
            title, about, lines = dialogue.answer(what)
        return Decoded(
            entry, title, tags.printable(about), tuple(tags.printable(line) for line in lines)
        )


_Said = tuple[str, str, list[str]]


class _Dialogue:
    """One card's dialogue."""

    def __init__(self) -> None:
        self._context = Context()
        self._asked: Command | None = None
        self._parts: bytes | None = b""

    def event(self, event: CardEvent) -> _Said:
        if event.happening is not Happening.NO_ANSWER:
            self._context.reset()
        self._asked = None
        about = f"ATR {event.atr.hex(' ').upper()}" if event.atr else ""
        return _HAPPENINGS[event.happening], about, _historical(event.atr)

    def command(self, record: TraceRecord) -> _Said:
        if record.malformed or len(record.header) < 4:
            self._asked = None
            size = len(record.header) + record.length
            return "no command APDU", f"{size} bytes", []
        cla, ins, p1, p2 = record.header
        shown = record.data is not None
        command = Command(cla, ins, p1, p2, record.data or b"", record.le, record.extended)
        if ins == INS.GET_RESPONSE:
            return name_of(command), f"up to {record.le} bytes", []
        self._parts = b""
        name, about, lines = self._words(command, shown)
        self._asked = command
        if shown:
            self._context.selection.command(command)
        return name, _joined(about, _hidden(record), _chained(cla)), lines

    def _words(self, command: Command, shown: bool) -> _Said:
        if self._is_piv:
            words = explain_piv.command_words(command, shown)
            about, lines = words or command_words(command, shown, self._context)
            return piv_name_of(command), about, lines
        about, lines = command_words(command, shown, self._context)
        return name_of(command), about, lines

    def answer(self, record: TraceRecord) -> _Said:
        if record.malformed:
            return "no response APDU", f"{record.length} bytes", []
        self._context.selection.answer(record.data, record.sw)
        whole = self._whole(record)
        lines = self._content(whole) if whole and record.sw >> 8 != 0x61 else []
        size = f"{record.length} byte{'' if record.length == 1 else 's'}" if record.length else ""
        hidden = "not shown" if record.data is None else ""
        return f"{record.sw:04X} {describe(record.sw)}", _joined(size, hidden), lines

    def _whole(self, record: TraceRecord) -> bytes | None:
        """All that was answered to the command so far; None when a part is not shown."""
        if self._parts is not None:
            self._parts = None if record.data is None else self._parts + record.data
        return self._parts

    def _content(self, data: bytes) -> list[str]:
        command = self._asked
        if command is None:
            return [tags.shorten(data)]
        if self._is_piv and (lines := explain_piv.answer_words(command, data)) is not None:
            return lines
        return answer_words(command, data, self._context)

    @property
    def _is_piv(self) -> bool:
        return self._context.selection.application is Application.PIV


def _joined(*parts: str) -> str:
    return ", ".join(part for part in parts if part)


def _hidden(record: TraceRecord) -> str:
    if record.data is not None:
        return ""
    return f"{record.length} byte{'' if record.length == 1 else 's'}, not shown"


def _chained(cla: int) -> str:
    return "more follows" if cla & _CHAINING else ""


def _historical(atr: bytes) -> list[str]:
    """What the historical bytes say as text, as many cards have it."""
    try:
        historical = parse_atr(atr).historical
    except ApduError:
        return []
    words = [text.decode() for text in _TEXT.findall(b"\0".join(_compact_values(historical)))]
    return [f"historical bytes say {' '.join(words)!r}"] if words else []


_TEXT = re.compile(rb"[A-Za-z0-9][A-Za-z0-9 .-]{3,}")


def _compact_values(historical: bytes) -> Iterator[bytes]:
    """The values of compact objects, a nibble for the tag and one for the length, where they are.

    They are when the first byte, the category, is 80 (ISO 7816-4 §12.1.1.3).
    """
    if historical[:1] != b"\x80":
        yield historical
        return
    at = 1
    while at < len(historical):
        end = at + 1 + (historical[at] & 0x0F)
        yield historical[at + 1 : end]
        at = end
