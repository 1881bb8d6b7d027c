"""pyscard's monitoring classes see readers, and cards that come and go."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from applet.os.store import MemoryStore
from tests.clients.ledger import Works
from tests.clients.system import PYTHON
from tests.clients.tool import Lines, Tool
from tests.clients.ways import Way, by_every_way, through_service
from ushield.device.assembly import assemble

WATCHER = Path(__file__).with_name("watcher.py")
NAMES = ["Yubico YubiKey OTP+FIDO+CCID 00 00", "U 盾 " + "é" * 60]


@contextmanager
def watching(way: Way, folder: Path, what: str) -> Iterator[Lines]:
    tool = Tool(folder, way.variables)
    tool.write("watcher.py", WATCHER.read_bytes())
    with tool.running(f"{PYTHON} watcher.py {what}") as lines:
        yield lines


@by_every_way
def test_cards_come_and_go(way: Way, folder: Path, works: Works) -> None:
    name = way.reader
    with watching(way, folder, "cards") as lines:
        assert lines.next() == "ready "
        for _ in range(2):
            with way.inserted(assemble(MemoryStore())):
                assert lines.next() == f"in {name}"
            assert lines.next() == f"out {name}"
    works("pyscard", "`CardMonitor` sees cards come and go")


def test_a_card_that_was_there_before(way: Way, folder: Path) -> None:
    with way.inserted(assemble(MemoryStore())), watching(way, folder, "requests") as lines:
        assert lines.next() == "wanted: any card"
        _answers(lines)


def test_readers_of_any_name_are_found(folder: Path, works: Works) -> None:
    with through_service(folder, *NAMES) as way, watching(way, folder, "readers") as lines:
        assert [lines.next() for _ in NAMES] == [f"new {name}" for name in NAMES]
        with way.inserted(assemble(MemoryStore())):
            assert lines.next(0.2) == ""
    works("pyscard", "`ReaderMonitor` finds readers")


@by_every_way
def test_requests_for_a_card(way: Way, folder: Path, works: Works) -> None:
    with watching(way, folder, "requests") as lines:
        assert lines.next() == "wanted: any card"
        with way.inserted(assemble(MemoryStore())):
            _answers(lines)
            # The card that is in already is not a new one.
            assert lines.next() == "wanted: no card"
        assert lines.next() == "wanted: the next card"
        with way.inserted(assemble(MemoryStore())):
            _answers(lines)
    works("pyscard", "`CardRequest` waits for a card")


def _answers(lines: Lines) -> None:
    assert lines.next().endswith("9000")
    assert lines.next() == "answer 8 bytes, 9000"
