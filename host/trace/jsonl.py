"""A trace as lines of JSON: one for its head, one for each entry (docs/trace.md).

Fields and kinds of lines that are not known here are passed over, so that an older reader takes
what a newer writer adds. `VERSION` changes only when what is there already changes its meaning.
"""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from host.trace.record import (
    CardEvent,
    Direction,
    Entry,
    Happening,
    TraceError,
    TraceHead,
    TraceRecord,
)

FORMAT, VERSION = "ushield-trace", 1

_LONGEST_LINE = 1 << 20
"""Characters; the longest APDU takes 131,072 of them."""


class JsonLines:
    """Writes: the bytes for each entry, which begin with the head for the first one."""

    def __init__(self, when: datetime, by: str) -> None:
        self._head = TraceHead(when, by)
        self._reader: str | None = None

    def encode(self, entry: Entry) -> bytes:
        """One line, and before the first one the head."""
        at, reader, what = entry
        if reader == self._reader:
            return f'{{"t":{at}{_fields_of(what)}}}\n'.encode()
        if self._reader is None:
            self._reader = reader
            atr = what.atr if isinstance(what, CardEvent) else b""
            head = replace(self._head, reader=reader, atr=atr)
            return _head_line(head) + self.encode(entry)
        return f'{{"t":{at},"reader":{json.dumps(reader)}{_fields_of(what)}}}\n'.encode()


def lone_head(when: datetime, by: str) -> bytes:
    """A trace in which nothing happens."""
    return _head_line(TraceHead(when, by))


def _head_line(head: TraceHead) -> bytes:
    fields = {
        "format": FORMAT,
        "version": VERSION,
        "by": head.by,
        "when": None if head.when is None else head.when.astimezone(UTC).isoformat(),
        "reader": head.reader,
        "atr": head.atr.hex(),
    }
    return json.dumps(fields, separators=(",", ":")).encode() + b"\n"


def _fields_of(what: TraceRecord | CardEvent) -> str:
    """Written out by hand: `json.dumps` takes three times as long, and a card waits for it."""
    if isinstance(what, CardEvent):
        atr = f',"atr":"{what.atr.hex()}"' if what.atr else ""
        return f',"event":"{what.happening}"{atr}'
    direction, name, header, length, data, le, sw, extended, malformed = what
    if direction is Direction.TO_CARD:
        text = f',"command":"{name}","header":"{header.hex()}"'
        size = "lc"
    else:
        text = f',"answer":"{sw:04x}"'
        size = "length"
    if length:
        shown = "null" if data is None else f'"{data.hex()}"'
        text += f',"{size}":{length},"data":{shown}'
    if le:
        text += f',"le":{le}'
    if extended:
        text += ',"extended":true'
    if malformed:
        text += ',"malformed":true'
    return text


class _BadLineError(ValueError):
    """A line that is none of a trace; the message says what is wrong with it."""


class JsonLinesParser:
    """Reads: bytes in as they come, entries out."""

    def __init__(self) -> None:
        self.head = TraceHead()
        self._held = b""
        self._number = 0
        self._damage = ""
        self._commands: dict[str, TraceRecord] = {}

    def feed(self, data: bytes) -> list[Entry]:
        """The entries that are complete now. TraceError when this is no trace of this version."""
        *lines, self._held = (self._held + data).split(b"\n")
        entries: list[Entry] = []
        for line in lines:
            if self._damage:
                break
            self._number += 1
            try:
                entry = self._read(line)
            except _BadLineError as reason:
                self._damage = f"line {self._number} {reason}: what stands before it is whole"
            else:
                if entry is not None:
                    entries.append(entry)
        if len(self._held) > _LONGEST_LINE:
            self._damage = self._damage or f"line {self._number + 1} is too long for a trace"
            self._held = b""
        return entries

    def end(self) -> str:
        """Nothing more comes. What is wrong with the end of the trace; empty if it is whole."""
        if not self._damage and self._held:
            self._damage = f"line {self._number + 1} is cut off: the end of the trace is missing"
        return self._damage

    def _read(self, line: bytes) -> Entry | None:
        try:
            fields = json.loads(line)
        except (ValueError, RecursionError):
            fields = None
        if self._number == 1:
            self.head = _head_of(fields)
            return None
        if not isinstance(fields, dict):
            raise _BadLineError("is no JSON object")
        try:
            return self._entry(fields)
        except (KeyError, TypeError, ValueError):
            raise _BadLineError("has a field with something else in it than it should") from None

    def _entry(self, fields: dict[str, Any]) -> Entry | None:
        reader = str(fields.get("reader", self.head.reader))
        what: TraceRecord | CardEvent | None = None
        if "command" in fields:
            what = self._commands[reader] = _command_of(fields)
        elif "answer" in fields:
            what = _answer_of(fields, self._commands.get(reader))
        elif fields.get("event") in list(Happening):
            what = CardEvent(Happening(fields["event"]), _octets(fields.get("atr", "")))
        return None if what is None else Entry(_count(fields["t"]), reader, what)


def _head_of(fields: Any) -> TraceHead:
    if not isinstance(fields, dict) or fields.get("format") != FORMAT:
        raise TraceError("this is no trace: its first line is not the head of one")
    version = fields.get("version")
    if version != VERSION:
        raise TraceError(
            f"this trace is of version {version!r}, and version {VERSION} is read here: "
            "a newer ushield reads it"
        )
    try:
        when = datetime.fromisoformat(fields["when"]) if fields.get("when") else None
        atr = _octets(fields.get("atr", ""))
    except (TypeError, ValueError):
        raise TraceError("the head of this trace is damaged") from None
    if when is not None and when.tzinfo is None:
        when = when.replace(tzinfo=UTC)
    return TraceHead(when, str(fields.get("by", "")), str(fields.get("reader", "")), atr)


def _command_of(fields: dict[str, Any]) -> TraceRecord:
    length, data = _content(fields, "lc")
    return TraceRecord(
        Direction.TO_CARD,
        str(fields["command"]),
        _octets(fields["header"]),
        length,
        data,
        le=_count(fields.get("le", 0)),
        extended=fields.get("extended") is True,
        malformed=fields.get("malformed") is True,
    )


def _answer_of(fields: dict[str, Any], command: TraceRecord | None) -> TraceRecord:
    length, data = _content(fields, "length")
    return TraceRecord(
        Direction.FROM_CARD,
        command.name if command else "",
        command.header if command else b"",
        length,
        data,
        sw=int.from_bytes(_octets(fields["answer"]), "big"),
        malformed=fields.get("malformed") is True,
    )


def _content(fields: dict[str, Any], size: str) -> tuple[int, bytes | None]:
    """How many bytes of data there are, and the data when it is shown."""
    length = _count(fields.get(size, 0))
    if not length:
        return 0, b""
    if fields.get("data") is None:
        return length, None
    data = _octets(fields["data"])
    if len(data) != length:
        raise ValueError(size)
    return length, data


def _octets(value: Any) -> bytes:
    if not isinstance(value, str):
        raise TypeError
    return bytes.fromhex(value)


def _count(value: Any) -> int:
    if type(value) is not int or value < 0:
        raise TypeError
    return value
