"""The part that a recorded card plays: what it was asked, in order, and what it answered."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from apdu.command import Command
from apdu.instruction import INS
from host.trace import CardEvent, Direction, Entry, Happening, TraceRecord
from host.trace.selection import Selection

_READ_RECORD = 0xB2
_READS = frozenset(
    {
        *(INS.SELECT, INS.READ_BINARY, _READ_RECORD),
        *(INS.GET_DATA, INS.GET_DATA_ODD, INS.GET_RESPONSE),
    }
)
_CHAINING = 0x10
_MASTER_FILE = b"\x3f\x00"


Place = tuple[bytes, bytes | None]
"""An application's identifier and a file's path, as far as they are known."""


class Exchange(NamedTuple):
    """One command and its answer, which is None if the card gave none.

    `number` counts the commands of the trace from 1 on. `place` is what was selected then, None
    where that makes no difference.
    """

    number: int
    command: TraceRecord
    answer: TraceRecord | None
    place: Place | None


def exchanges(entries: Iterable[Entry]) -> Iterator[Exchange]:
    """The exchanges in the entries of one reader."""
    where = Whereabouts()
    asked: TraceRecord | None = None
    number = 0
    for entry in entries:
        what = entry.what
        if isinstance(what, TraceRecord) and what.direction is Direction.TO_CARD:
            asked, number = what, number + 1
        elif asked is not None and (
            isinstance(what, TraceRecord) or what.happening is Happening.NO_ANSWER
        ):
            answer = what if isinstance(what, TraceRecord) else None
            yield Exchange(number, asked, answer, None if _is_absolute(asked) else where.place)
            where.went(asked, answer)
            asked = None
        if isinstance(what, CardEvent) and what.happening is not Happening.NO_ANSWER:
            where.reset()


class Whereabouts:
    """What is selected, told from the records of one card's dialogue."""

    def __init__(self) -> None:
        self._selection = Selection()

    @property
    def place(self) -> Place:
        """The application and the file that a command is for."""
        return self._selection.aid, self._selection.path

    def reset(self) -> None:
        """The card was reset."""
        self._selection.reset()

    def went(self, command: TraceRecord, answer: TraceRecord | None) -> None:
        """This was asked and answered."""
        if command.data is not None or not command.length:
            self._selection.command(as_command(command))
            if answer is not None:
                self._selection.answer(answer.data, answer.sw)


def as_command(record: TraceRecord) -> Command:
    """A command as it was, as far as the trace shows it."""
    cla, ins, p1, p2 = record.header.ljust(4, b"\0")
    return Command(cla, ins, p1, p2, record.data or b"", record.le, record.extended)


def _is_absolute(record: TraceRecord) -> bool:
    """Whether a command is SELECT by name, by path from the master file, or of that file."""
    _, ins, p1, _ = record.header.ljust(4, b"\0")
    return ins == INS.SELECT and (p1 in (0x04, 0x08) or record.data in (b"", _MASTER_FILE))


def only_reads(record: TraceRecord) -> bool:
    """Whether a command leaves the card as it is, but for what is selected."""
    cla, ins = record.header[:2].ljust(2, b"\0")
    if cla & _CHAINING or record.malformed:
        return False
    return ins in _READS or (ins == INS.VERIFY and not record.length)
