"""Trace files on a disk: who may read them, what becomes of them when things go wrong."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from host.trace import CardEvent, Entry, Happening, TracedCard, TraceError, TraceRecord
from host.trace.blocks import section_block
from host.trace.capture import Capture
from host.trace.file import Trace, TraceFile, TraceParser, follow, read_trace
from host.trace.jsonl import JsonLines
from host.trace.record import TraceHead
from tests.host import tokens
from tests.trace.dialogues import commands, everyday

ROOT = Path(__file__).parents[2]
NOW = datetime(2026, 1, 31, 12, 0, 0, tzinfo=UTC)
CHALLENGE = bytes.fromhex("0084000008")


@pytest.mark.parametrize("name", ["t.jsonl", "t.pcapng"])
def test_written_and_read(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    ticks = count(5_000_000, 2_000)
    with TraceFile(path, by="me", now=lambda: NOW, clock=lambda: next(ticks)) as file:
        left, right = (
            TracedCard(tokens.token_card(), file.tracer(reader)) for reader in ("left", "right")
        )
        left.power_on()
        right.power_on()
        left.transmit(CHALLENGE)
        right.power_off()
    trace = read_trace(path)
    assert (trace.head.reader, trace.head.atr) == ("left", tokens.token_card().power_on())
    assert trace.head.when is not None and (trace.head.when - NOW).total_seconds() < 0.001
    assert [(entry.at, entry.reader) for entry in trace.entries][:2] == [
        (trace.entries[0].at, "left"),
        (trace.entries[0].at + 2, "right"),
    ]
    assert [entry.reader for entry in trace.entries] == ["left", "right", "left", "left", "right"]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_file_that_others_could_read_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "t.jsonl"
    path.write_text("old")
    path.chmod(0o644)
    other = path.open()
    TraceFile(path).close()
    assert "old" not in path.read_text() and stat.S_IMODE(path.stat().st_mode) == 0o600
    assert other.read() == "old", "who had it open does not see the new one"
    other.close()


@pytest.mark.parametrize("name", ["t", "t.json", "t.txt", "jsonl", ".jsonl"])
def test_other_endings_are_refused(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_text("precious")
    with pytest.raises(TraceError, match=r"ends in \.jsonl or \.pcapng$"):
        TraceFile(path)
    assert path.read_text() == "precious"


def test_a_place_where_no_file_can_be(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        TraceFile(tmp_path / "no" / "t.jsonl")
    (tmp_path / "t.jsonl").mkdir()
    with pytest.raises(IsADirectoryError):
        TraceFile(tmp_path / "t.jsonl")


def test_a_full_disk_ends_the_trace_and_not_the_card(tmp_path: Path) -> None:
    path = tmp_path / "t.jsonl"
    path.symlink_to("/dev/full")
    with TraceFile(path) as file:
        card = TracedCard(tokens.token_card(), file.tracer("R"))
        card.power_on()
        assert card.transmit(CHALLENGE)[-2:] == b"\x90\x00"
    assert file.fault == f"{path}: No space left on device: the trace ends early"


def test_a_trace_in_which_nothing_happened(tmp_path: Path) -> None:
    path = tmp_path / "t.jsonl"
    with TraceFile(path, by="me", now=lambda: NOW):
        pass
    assert read_trace(path) == Trace(TraceHead(NOW, "me"), ())
    path = tmp_path / "t.pcapng"
    with TraceFile(path, by="me"):
        pass
    assert path.read_bytes() == section_block("me")
    with TraceFile(path, by="ushield 1"):
        pass
    assert read_trace(path) == Trace(TraceHead(), ())


def test_nothing_on_a_full_disk(tmp_path: Path) -> None:
    path = tmp_path / "t.jsonl"
    path.symlink_to("/dev/full")
    with TraceFile(path) as file:
        pass
    assert file.fault == f"{path}: No space left on device: the trace ends early"


def test_after_its_end_nothing_is_written(tmp_path: Path) -> None:
    path = tmp_path / "t.jsonl"
    with TraceFile(path) as file:
        card = TracedCard(tokens.token_card(), file.tracer("R"))
        card.power_on()
    size = path.stat().st_size
    card.transmit(CHALLENGE)
    file.close()
    assert path.stat().st_size == size
    assert not file.fault
    assert "ushield-trace" not in {thread.name for thread in threading.enumerate()}


def test_a_command_that_takes_long_is_seen_before_its_answer(tmp_path: Path) -> None:
    path = tmp_path / "t.jsonl"
    parser = TraceParser()

    class Slow:
        """A card that thinks until its command is in the trace."""

        def power_on(self) -> bytes:
            return b"\x3b\x00"

        def transmit(self, _command: bytes, /) -> bytes:
            with path.open("rb") as file:
                while not any(
                    isinstance(entry.what, TraceRecord) for entry in parser.feed(file.read())
                ):
                    pass
            return b"\x90\x00"

        reset = power_off = power_on

    with TraceFile(path) as file:
        card: Any = TracedCard(Slow(), file.tracer("R"))  # type: ignore[arg-type]
        card.power_on()
        assert card.transmit(CHALLENGE) == b"\x90\x00"


KILLED = """
import os, signal, sys
from pathlib import Path
from host.trace import TracedCard
from host.trace.file import TraceFile
from tests.reader.cards import NullCard

card = TracedCard(NullCard(), TraceFile(Path(sys.argv[1])).tracer("R"))
card.power_on()
for _ in range(10):
    card.transmit(bytes.fromhex("0084000008"))
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.parametrize("name", ["t.jsonl", "t.pcapng"])
def test_a_program_that_is_killed_leaves_all_that_was_answered(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    command = [sys.executable, "-c", KILLED, str(path)]
    done = subprocess.run(command, cwd=ROOT, env=os.environ | {"PYTHONPATH": "."}, check=False)
    assert done.returncode == -signal.SIGKILL
    trace = read_trace(path)
    assert len(commands(trace.entries)) == 10 and not trace.damage


def test_readers_in_many_threads(tmp_path: Path) -> None:
    path = tmp_path / "t.jsonl"

    def work(card: TracedCard) -> None:
        card.power_on()
        for _ in range(100):
            card.transmit(CHALLENGE)

    with TraceFile(path) as file:
        cards = [TracedCard(tokens.token_card(), file.tracer(str(n))) for n in range(4)]
        threads = [threading.Thread(target=work, args=(card,)) for card in cards]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    trace = read_trace(path)
    assert not trace.damage
    for number in range(4):
        own = tuple(entry for entry in trace.entries if entry.reader == str(number))
        assert len(own) == 201 and [e.at for e in own] == sorted(e.at for e in own)


@pytest.mark.parametrize("writer", [JsonLines, Capture])
def test_what_is_left_of_a_damaged_file(
    tmp_path: Path, writer: Callable[[datetime, str], JsonLines | Capture]
) -> None:
    write = writer(NOW, "ushield").encode
    path = tmp_path / "t"
    whole = b"".join(write(entry) for entry in everyday())
    path.write_bytes(whole[:-7])
    trace = read_trace(path)
    assert [entry.what for entry in trace.entries] == [entry.what for entry in everyday()[:-1]]
    assert "cut off" in trace.damage


@pytest.mark.parametrize(
    "content", [b"", b"\n", b"{}", b"{}\n", b"hello\nworld\n", bytes(1000), b"\x0a\x0d\x0d\x0a1"]
)
def test_what_is_no_trace(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "t"
    path.write_bytes(content)
    with pytest.raises(TraceError) as refusal:
        read_trace(path)
    line = str(refusal.value)
    assert line.startswith(f"{path}: ") and "\n" not in line


def test_what_is_written_later_is_followed(tmp_path: Path) -> None:
    path = tmp_path / "t.jsonl"
    write = JsonLines(NOW, "me").encode
    lines = [write(Entry(at, "R", CardEvent(Happening.RESET))) for at in range(3)]
    path.write_bytes(lines.pop(0))

    def pause() -> None:
        with path.open("ab") as file:
            file.write(lines.pop(0))

    parser = TraceParser()
    seen: list[Entry] = []
    for chunk in follow(path, pause):
        seen += parser.feed(chunk)
        if len(seen) == 3:
            break
    assert [entry.at for entry in seen] == [0, 1, 2]
