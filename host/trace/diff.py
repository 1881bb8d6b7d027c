"""Where two dialogues part: the first command or answer that is not the same in both.

Times, names of readers and the reader's handling of power do not count. What one side does not show
is taken to be the same if it is as long.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import zip_longest

from apdu.instruction import INS
from apdu.piv import PivINS
from host.trace.record import CardEvent, Entry, Happening, TraceRecord

_EXTERNAL_AUTHENTICATE = 0x82
BY_CHANCE = frozenset(
    {
        *(INS.GET_CHALLENGE, INS.PSO, INS.INTERNAL_AUTHENTICATE, _EXTERNAL_AUTHENTICATE),
        *(INS.GENERAL_AUTHENTICATE, INS.GENERATE_KEY),
        *(PivINS.GENERAL_AUTHENTICATE, PivINS.GENERATE_KEY),
    }
)
"""Commands that bring or give what is new each time: challenges, digests, signatures, keys."""

_COUNTING = frozenset({Happening.RESET, Happening.NO_ANSWER})


@dataclass(frozen=True, slots=True)
class Parting:
    """Where two dialogues part. `common` counts the commands that both have before.

    A side is None when its dialogue ends there. `before` are the entries of the first side up to
    that place, and `reader` counts the readers from 0 on.
    """

    reader: int
    common: int
    before: tuple[Entry, ...]
    left: Entry | None
    right: Entry | None


def find_parting(
    left: Iterable[Entry], right: Iterable[Entry], *, chance: bool = False
) -> Parting | None:
    """The first parting of two traces, None if they are the same.

    With `chance` what is different each time may be: challenges, digests, signatures, cryptograms.
    Readers are compared in the order in which they come.
    """
    sides = zip_longest(_dialogues(left), _dialogues(right))
    for number, (one, other) in enumerate(sides):
        parting = _parting_of(number, one or [], other or [], chance=chance)
        if parting is not None:
            return parting
    return None


def _dialogues(entries: Iterable[Entry]) -> Iterator[list[Entry]]:
    """What counts of each reader's dialogue."""
    found: dict[str, list[Entry]] = {}
    for entry in entries:
        what = entry.what
        if isinstance(what, TraceRecord) or what.happening in _COUNTING:
            found.setdefault(entry.reader, []).append(entry)
    yield from found.values()


def _parting_of(
    number: int, one: list[Entry], other: list[Entry], *, chance: bool
) -> Parting | None:
    for place, (left, right) in enumerate(zip_longest(one, other)):
        if left is None or right is None or not _same(left.what, right.what, chance=chance):
            before = tuple(one[:place])
            common = sum(isinstance(entry.what, TraceRecord) for entry in before)
            return Parting(number, (common + 1) // 2, before, left, right)
    return None


def _same(one: TraceRecord | CardEvent, other: TraceRecord | CardEvent, *, chance: bool) -> bool:
    if isinstance(one, CardEvent) or isinstance(other, CardEvent):
        is_event = isinstance(one, CardEvent) and isinstance(other, CardEvent)
        return is_event and one[0] is other[0]
    if chance and one.header[1:2] and one.header[1] in BY_CHANCE:
        # A signature of ECDSA is a byte or two longer, or shorter, each time.
        one, other = (record._replace(data=None, length=0) for record in (one, other))
    elif None in (one.data, other.data):
        one, other = one._replace(data=None), other._replace(data=None)
    return one._replace(name="") == other._replace(name="")
