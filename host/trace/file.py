"""Trace files: written while a card works, and read whoever wrote them.

The ending of a file's name decides what is written: ``.jsonl`` or ``.pcapng``. What is read is
told by its first bytes.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from threading import Event, Lock, Thread
from typing import NamedTuple, Protocol

from host.trace.blocks import section_block
from host.trace.capture import Capture, CaptureParser
from host.trace.jsonl import JsonLines, JsonLinesParser, lone_head
from host.trace.logs import LogParser
from host.trace.record import Direction, Entry, TraceError, TraceHead
from host.trace.tracing import Tracer
from host.transport import ClosedByWith

_PCAPNG = b"\x0a\x0d\x0d\x0a"
_PCAP = (
    *(b"\xd4\xc3\xb2\xa1", b"\xa1\xb2\xc3\xd4"),
    *(b"\x4d\x3c\xb2\xa1", b"\xa1\xb2\x3c\x4d"),
)
_CHUNK = 1 << 16

_PATIENCE_SECONDS = 0.1
"""How long a command waits for its answer before it is written alone."""


class _Writer(Protocol):
    """A format: the bytes for each entry, with all that has to stand before it."""

    def encode(self, entry: Entry) -> bytes: ...


class _Format(NamedTuple):
    """A kind of trace. `empty` is a whole one in which nothing happens."""

    writer: Callable[[datetime, str], _Writer]
    empty: Callable[[datetime, str], bytes]


_FORMATS = {
    ".jsonl": _Format(JsonLines, lone_head),
    ".pcapng": _Format(Capture, lambda _, by: section_block(by)),
}


def _now() -> datetime:
    return datetime.now(UTC)


class TraceFile(ClosedByWith):
    """A trace that is being written, by as many tracers as there are readers, from any thread.

    The file is new, its mode 0600; one of that name is replaced. Each entry is written at once, so
    that a reader sees it; only a command is written together with its answer, when that comes soon.
    So a program that is killed loses the command that is under way, and no more. The end writes
    how a trace begins if nothing has happened.

    TraceError for a name with another ending, OSError when there can be no such file. `now` tells
    the time of the day, with its zone, and `clock` nanoseconds from any beginning.

    When the file cannot be written any more the cards go on, and `fault` says why.
    """

    def __init__(
        self,
        path: Path,
        *,
        by: str = "ushield",
        now: Callable[[], datetime] = _now,
        clock: Callable[[], int] = time.perf_counter_ns,
    ) -> None:
        kind = _FORMATS.get(path.suffix)
        if kind is None:
            endings = " or ".join(_FORMATS)
            raise TraceError(f"{path}: what kind of trace? Its name ends in {endings}")
        self.fault = ""
        self._path = path
        self._file: int | None = _new_file(path)
        when = now()
        self._writer = kind.writer(when, by)
        self._empty = kind.empty(when, by)
        self._lock = Lock()
        self._held = b""
        self._clock = clock
        self._begin = clock()
        self._ended = Event()
        self._attendant = Thread(target=self._attend, name="ushield-trace", daemon=True)
        self._attendant.start()

    def tracer(self, reader: str) -> Tracer:
        """What listens in to the card of this reader."""
        return Tracer(self._write, reader, self.clock)

    def clock(self) -> int:
        """Microseconds since the trace began."""
        return (self._clock() - self._begin) // 1000

    def close(self) -> None:
        """End it. What comes later is not written."""
        self._ended.set()
        self._attendant.join()
        with self._lock:
            self._held += self._empty
            self._put()
            if self._file is not None:
                os.close(self._file)
                self._file = None

    def _write(self, entry: Entry) -> None:
        with self._lock:
            if self._file is None or self.fault:
                return
            self._held += self._writer.encode(entry)
            self._empty = b""
            if entry.what[0] is not Direction.TO_CARD:
                self._put()

    def _attend(self) -> None:
        """Write commands that still wait for their answers, until the end."""
        while not self._ended.wait(_PATIENCE_SECONDS):
            with self._lock:
                if self._held:
                    self._put()

    def _put(self) -> None:
        """Write what is held back. Two lines by one call: the call is what costs most."""
        if self._file is None or self.fault:
            return
        data, self._held = self._held, b""
        try:
            written = os.write(self._file, data)
            if written < len(data):
                os.write(self._file, data[written:])
        except OSError as error:
            self.fault = f"{self._path}: {error.strerror}: the trace ends early"


def _new_file(path: Path) -> int:
    """A file that nobody else may read, also when there was one that others might."""
    if path.is_file():
        path.unlink()
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
    return os.open(path, flags, 0o600)


class _Parser(Protocol):
    """A format that is read: bytes in as they come, entries out."""

    head: TraceHead

    def feed(self, data: bytes) -> list[Entry]: ...
    def end(self) -> str: ...


class TraceParser:
    """Reads any of the formats: bytes in as they come, entries out. No file and no clock here.

    Everything that is whole comes out, and `end` says what is not.
    """

    def __init__(self) -> None:
        self._held = b""
        self._parser: _Parser | None = None

    @property
    def head(self) -> TraceHead:
        """How the trace begins, as far as it has been read."""
        return TraceHead() if self._parser is None else self._parser.head

    def feed(self, data: bytes) -> list[Entry]:
        """The entries that are complete now. TraceError when this can be no trace."""
        if self._parser is None:
            self._held += data
            if len(self._held) < len(_PCAPNG):
                return []
            self._parser = _parser_for(self._held)
            data, self._held = self._held, b""
        return self._parser.feed(data)

    def end(self) -> str:
        """Nothing more comes. One line that says what is wrong with the trace; empty if nothing."""
        if self._parser is None:
            return "there is nothing in it that could be a trace"
        return self._parser.end()


def _parser_for(begin: bytes) -> _Parser:
    if begin.startswith(_PCAPNG):
        return CaptureParser(pcapng=True)
    if begin.startswith(_PCAP):
        return CaptureParser(pcapng=False)
    return JsonLinesParser() if begin.startswith(b"{") else LogParser()


@dataclass(frozen=True, slots=True)
class Trace:
    """A whole trace. `damage` says in one line what of it is missing; empty when nothing is."""

    head: TraceHead
    entries: tuple[Entry, ...]
    damage: str = ""


def read_trace(path: Path) -> Trace:
    """Read a trace, a capture or a log; TraceError for what is none, OSError without a file.

    Of one that is cut off or damaged, all that stands before the damage.
    """
    parser, entries = TraceParser(), list[Entry]()
    try:
        for chunk in _chunks(path):
            entries += parser.feed(chunk)
    except TraceError as error:
        raise TraceError(f"{path}: {error}") from None
    damage = parser.end()
    if damage and not entries:
        raise TraceError(f"{path}: {damage}")
    return Trace(parser.head, tuple(entries), damage)


def _chunks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            yield chunk


def follow(path: Path, pause: Callable[[], None]) -> Iterator[bytes]:
    """What is in a file, and what is written to it later, without end. `pause` waits a little."""
    with path.open("rb") as file:
        while True:
            if chunk := file.read(_CHUNK):
                yield chunk
            else:
                pause()
