"""The card that plays the part of a recorded one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import takewhile

from apdu.instruction import INS
from apdu.status import SW
from host.replay.matching import Tolerance, difference
from host.replay.script import Exchange, Whereabouts, exchanges, only_reads
from host.trace import CardEvent, Entry, Redactor, TraceRecord, format_record

_LOST = int(SW.INTERNAL).to_bytes(2, "big")
_GET_RESPONSE = bytes((INS.GET_RESPONSE,))
UNNAMED = "recorded"
_DEFAULT_ATR = bytes.fromhex("3B00")


@dataclass(frozen=True, slots=True)
class Departure:
    """Where a program left the trace: at this command of it, which is None after the last one."""

    number: int
    expected: TraceRecord | None
    got: TraceRecord
    reason: str

    def __str__(self) -> str:
        expected = "nothing more" if self.expected is None else format_record(self.expected)[2:]
        return (
            f"the program leaves the trace at its command {self.number}: {self.reason}\n"
            f"  expected  {expected}\n  came      {format_record(self.got)[2:]}"
        )


class ReplayCard:
    """Answers from the entries of one reader, as a card in a reader or in memory.

    The first command that does not fit is the `departure`; it and all after it are answered 6F00.
    Power and resets may come as they like. What the trace does not show of an answer is zeros.
    """

    def __init__(self, entries: Iterable[Entry], *, tolerance: Tolerance = Tolerance.NONE) -> None:
        entries = list(entries)
        events = (entry.what for entry in entries if isinstance(entry.what, CardEvent))
        self.atr = next((event.atr for event in events if event.atr), _DEFAULT_ATR)
        self.departure: Departure | None = None
        self._script = list(exchanges(entries))
        self._tolerance = tolerance
        self._in_any_order = bool(tolerance & Tolerance.ORDER)
        self._next = self._played = 0
        self._where = Whereabouts()
        self._redactor = Redactor()

    @property
    def left(self) -> int:
        """Commands of the trace that nobody has come to yet."""
        return len(self._script) - self._next

    def power_on(self) -> bytes:
        """Give power; the answer to reset."""
        return self.reset()

    def reset(self) -> bytes:
        """Warm reset; the answer to reset."""
        self._where.reset()
        self._redactor.started(self.atr)
        return self.atr

    def power_off(self) -> None:
        """Take the power away."""

    def transmit(self, command: bytes, /) -> bytes:
        """One command APDU in, the recorded response APDU out; empty where there was none."""
        if self.departure is not None:
            return _LOST
        shown = self._redactor.command(command)
        read = self._read_near(command) if self._in_any_order else None
        if read is not None:
            return self._play(read)
        expected = self._next_change() if self._in_any_order else self._next_one()
        why = self._difference(expected, command)
        if why or expected is None:
            number = len(self._script) + 1 if expected is None else expected.number
            self.departure = Departure(number, expected and expected.command, shown, why)
            return _LOST
        return self._play(expected)

    def _play(self, exchange: Exchange) -> bytes:
        self._played = exchange.number
        self._next = max(self._next, exchange.number)
        self._where.went(exchange.command, exchange.answer)
        answer = _answer(exchange.answer)
        self._redactor.answer(answer)
        return answer

    def _next_one(self) -> Exchange | None:
        return self._script[self._next] if self.left else None

    def _difference(self, expected: Exchange | None, raw: bytes) -> str:
        """Why this is not what is expected; empty if it is."""
        if expected is None:
            return "it has nothing more"
        why = difference(expected.command, raw, self._tolerance)
        if not why and self._in_any_order and not self._is_here(expected):
            return "another file or application is selected"
        return why

    # Reads in any order

    def _next_change(self) -> Exchange | None:
        """The next exchange that changes the card."""
        rest = self._script[self._next :]
        return next((one for one in rest if not only_reads(one.command)), None)

    def _read_near(self, raw: bytes) -> Exchange | None:
        """A read of the same place, between the last change that was played and the next."""
        if raw[1:2] == _GET_RESPONSE:
            near: Sequence[Exchange] = self._script[self._played : self._played + 1]
        else:
            near = self._reads_around()
        for exchange in near:
            if self._is_here(exchange) and not difference(exchange.command, raw):
                return exchange
        return None

    def _is_here(self, exchange: Exchange) -> bool:
        return exchange.place in (None, self._where.place)

    def _reads_around(self) -> Sequence[Exchange]:
        """Those that are next come before those that were played."""
        later = list(takewhile(_reads, self._script[self._next :]))
        return later + list(takewhile(_reads, self._script[: self._next][::-1]))


def cards_of(
    entries: Iterable[Entry], *, tolerance: Tolerance = Tolerance.NONE
) -> dict[str, ReplayCard]:
    """A card for each reader of a trace, by the reader's name, in the order of the trace.

    A reader that a log or a capture does not name is called `UNNAMED`.
    """
    of_reader: dict[str, list[Entry]] = {}
    for entry in entries:
        of_reader.setdefault(entry.reader or UNNAMED, []).append(entry)
    return {name: ReplayCard(ones, tolerance=tolerance) for name, ones in of_reader.items()}


def _reads(exchange: Exchange) -> bool:
    return only_reads(exchange.command)


def _answer(record: TraceRecord | None) -> bytes:
    if record is None:
        return b""
    data = bytes(record.length) if record.data is None else record.data
    return data if record.malformed else data + record.sw.to_bytes(2, "big")
