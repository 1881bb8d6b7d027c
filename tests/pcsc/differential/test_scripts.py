"""Scripted sequences of calls: pcscd and our service answer the same, or differ on purpose."""

from __future__ import annotations

from pathlib import Path
from zlib import crc32

import pytest

from tests.pcsc.differential import cards
from tests.pcsc.differential.conversation import play
from tests.pcsc.differential.differences import DELIBERATE
from tests.pcsc.differential.lanes import USUAL_SECONDS, Lane, Lanes
from tests.pcsc.differential.script import Script, scripts, step

CHAPTERS = sorted(Path(__file__).with_name("scripts").glob("*.txt"))
DOCUMENT = Path(__file__).parents[3] / "docs" / "reader.md"


@pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda chapter: chapter.stem)
def test_chapter(lanes: Lanes, chapter: Path) -> None:
    wrong = lanes.each(Lane.differences, scripts(chapter.read_text()))
    assert not wrong, "\n".join(wrong)


def test_a_hundred_contexts(lane: Lane) -> None:
    names = [f"A@c{number}" for number in range(100)]
    lines = [
        *(f"{name} establish" for name in names),
        *(f"{name}.1 connect" for name in names),
        "until 100",
        *(f"{name}.1 transmit" for name in names[::9]),
        *(f"{name} wait 0 first=UNAWARE" for name in names[::9]),
        "B connect exclusive",
        *(f"{name} release" for name in names[1:]),
        "until 1",
        f"{names[0]}.1 transmit",
        "A kill",
        "B connect exclusive",
    ]
    wrong = lane.differences(Script("a hundred contexts", "T1", [step(line) for line in lines]))
    assert not wrong, "\n".join(wrong)


def test_what_vpcd_cannot_carry(lane: Lane) -> None:
    sizes = (0, 1, 65_536, 65_544)
    commands = [cards.of(size).hex() or "empty" for size in sizes]
    steps = [step("A connect"), *(step(f"A transmit {command}") for command in commands)]
    lines = play(lane.ours, "T1", [*steps, step("A transmit answer:65538")], USUAL_SECONDS)
    answers = [f"SUCCESS 10 {size:08x}{crc32(cards.of(size)):08x}9000 by T0" for size in sizes]
    assert [line.result for line in lines[1:-1]] == answers
    assert lines[-1].result.startswith("SUCCESS 65538 ")


def test_the_differences_are_documented() -> None:
    rows = DOCUMENT.read_text()
    assert [one.subject for one in DELIBERATE if f"| {one.subject} |" not in rows] == []
