"""Lines of JSON: what is written is read again; newer ones, cut ones and damaged ones are read."""

from __future__ import annotations

import json
from contextlib import suppress
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from host.trace import CardEvent, Direction, Entry, Happening, TraceError, TraceHead, TraceRecord
from host.trace.jsonl import JsonLines, JsonLinesParser
from tests.trace.dialogues import everyday
from tests.trace.strategies import dialogues

WHEN = datetime(2026, 1, 31, 12, 0, 0, 123456, tzinfo=UTC)


def written(entries: tuple[Entry, ...] | list[Entry]) -> bytes:
    writer = JsonLines(WHEN, "somebody")
    return b"".join(writer.encode(entry) for entry in entries)


def read(data: bytes) -> tuple[TraceHead, list[Entry], str]:
    parser = JsonLinesParser()
    entries = parser.feed(data)
    damage = parser.end()
    return parser.head, entries, damage


@given(dialogues())
def test_what_is_written_is_read_again(entries: list[Entry]) -> None:
    data = written(entries)
    head, again, damage = read(data)
    assert again == entries
    assert not damage
    if entries:
        assert (head.when, head.by, head.reader) == (WHEN, "somebody", entries[0].reader)


@given(dialogues(), st.data())
def test_it_may_come_in_any_pieces(entries: list[Entry], data: st.DataObject) -> None:
    whole = written(entries)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(whole)), max_size=5)))
    parser = JsonLinesParser()
    found: list[Entry] = []
    for begin, end in zip([0, *cuts], [*cuts, len(whole)], strict=True):
        found += parser.feed(whole[begin:end])
    assert found == entries and not parser.end()


def test_every_line_is_what_json_makes_of_it() -> None:
    lines = written(everyday()).splitlines()
    for line in lines:
        fields = json.loads(line)
        assert json.dumps(fields, separators=(",", ":")).encode() == line
    assert json.loads(lines[0])["atr"].startswith("3b")


def test_another_reader_is_named_in_its_lines() -> None:
    event = CardEvent(Happening.RESET)
    entries = [Entry(0, "left", event), Entry(1, "右", event), Entry(2, "left", event)]
    _, *lines = written(entries).decode("ascii").splitlines()
    assert [json.loads(line).get("reader") for line in lines] == [None, "右", None]


@given(dialogues(least=1), st.data())
def test_of_a_trace_that_is_cut_all_that_is_whole_is_read(
    entries: list[Entry], data: st.DataObject
) -> None:
    whole = written(entries)
    end = data.draw(st.integers(whole.index(b"\n") + 1, len(whole)))
    _, again, damage = read(whole[:end])
    lines = whole[:end].count(b"\n")
    assert again == entries[: lines - 1]
    assert bool(damage) is (whole[end - 1 : end] != b"\n")
    if damage:
        assert damage == f"line {lines + 1} is cut off: the end of the trace is missing"


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"{", "no JSON object"),
        (b"[]", "no JSON object"),
        (b"\xff", "no JSON object"),
        (b"[" * 5000, "no JSON object"),
        (b'{"t":1,"command":"X","header":"zz"}', "something else"),
        (b'{"t":1,"command":"X"}', "something else"),
        (b'{"t":-1,"event":"reset"}', "something else"),
        (b'{"t":"1","event":"reset"}', "something else"),
        (b'{"event":"reset"}', "something else"),
        (b'{"t":1,"answer":"9000","length":3,"data":"aa"}', "something else"),
        (b'{"t":1,"answer":5}', "something else"),
        (b'{"t":1,"answer":"9000","length":true}', "something else"),
    ],
)
def test_what_stands_before_damage_is_read(line: bytes, reason: str) -> None:
    event = Entry(5, "R", CardEvent(Happening.RESET))
    data = written([event]) + line + b"\n" + written([event]).splitlines()[1] + b"\n"
    _, entries, damage = read(data)
    assert entries == [event]
    assert damage.startswith("line 3 ") and reason in damage and "\n" not in damage


def test_a_line_without_end() -> None:
    parser = JsonLinesParser()
    parser.feed(written([Entry(0, "R", CardEvent(Happening.RESET))]))
    for _ in range(3):
        parser.feed(b"x" * (1 << 20))
    assert parser.end() == "line 3 is too long for a trace"


def test_a_newer_trace_is_read() -> None:
    data = b"""\
{"format":"ushield-trace","version":1,"by":"later","new":{"a":1},"when":null}
{"t":1,"event":"heated","degrees":30}
{"t":2,"note":"something new"}
{"t":3,"command":"GET DATA","header":"00ca01b0","le":256,"channel":2}
{"t":4,"answer":"9000","length":1,"data":"aa","signed":true}
"""
    head, entries, damage = read(data)
    assert (head, damage) == (TraceHead(None, "later"), "")
    header = bytes.fromhex("00ca01b0")
    assert entries == [
        Entry(3, "", TraceRecord(Direction.TO_CARD, "GET DATA", header, 0, b"", le=256)),
        Entry(4, "", TraceRecord(Direction.FROM_CARD, "GET DATA", header, 1, b"\xaa", sw=0x9000)),
    ]


@pytest.mark.parametrize(
    ("head", "reason"),
    [
        ('{"format":"ushield-trace","version":2}', "a newer ushield reads it"),
        ('{"format":"ushield-trace"}', "version None"),
        ('{"format":"other"}', "no trace"),
        ('{"a":1}', "no trace"),
        ("{", "no trace"),
        ('{"format":"ushield-trace","version":1,"when":"yesterday"}', "head of this trace"),
        ('{"format":"ushield-trace","version":1,"atr":5}', "head of this trace"),
    ],
)
def test_what_is_no_trace_of_this_version(head: str, reason: str) -> None:
    with pytest.raises(TraceError, match=reason):
        read(head.encode() + b"\n")


@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    event = written([Entry(0, "R", CardEvent(Happening.RESET))])
    _, entries, _ = read(event + data)
    assert entries
    with suppress(TraceError):
        read(data + b"\n")
