"""Entries as Hypothesis makes them."""

from __future__ import annotations

from hypothesis import strategies as st

from apdu.command import Command
from apdu.instruction import name_of
from host.trace import CardEvent, Direction, Entry, Happening, TraceRecord

READERS = st.sampled_from(["reader", "another", '読取機 \n"1"', ""])


def contents(most: int) -> st.SearchStrategy[tuple[int, bytes | None]]:
    """How many bytes, and the bytes if they are shown."""
    shown = st.binary(max_size=most).map(lambda data: (len(data), data))
    return shown | st.integers(1, most).map(lambda length: (length, None))


@st.composite
def commands(draw: st.DrawFn) -> TraceRecord:
    header = draw(st.binary(min_size=4, max_size=4))
    extended = draw(st.booleans())
    length, data = draw(contents(300 if extended else 255))
    le = draw(st.integers(0, 65536 if extended else 256))
    if not length and not le:
        extended = False
    name = name_of(Command(*header))
    return TraceRecord(Direction.TO_CARD, name, header, length, data, le=le, extended=extended)


@st.composite
def answers(draw: st.DrawFn, command: TraceRecord) -> TraceRecord:
    length, data = draw(contents(300))
    sw = draw(st.integers(0, 0xFFFF))
    return TraceRecord(Direction.FROM_CARD, command.name, command.header, length, data, sw=sw)


def events() -> st.SearchStrategy[CardEvent]:
    atrs = st.just(b"") | st.binary(min_size=2, max_size=33)
    return st.builds(CardEvent, st.sampled_from(Happening), atrs)


@st.composite
def dialogues(draw: st.DrawFn, least: int = 0) -> list[Entry]:
    """Commands with their answers, and events; each reader in turn."""
    entries: list[Entry] = []
    for _ in range(draw(st.integers(least, 6))):
        at, reader = draw(st.integers(0, 10**12)), draw(READERS)
        if draw(st.booleans()):
            entries.append(Entry(at, reader, draw(events())))
            continue
        command = draw(commands())
        entries.append(Entry(at, reader, command))
        entries.append(Entry(at + 1, reader, draw(answers(command))))
    return entries
