"""The display in a terminal: what it shows, and which press of a key or a click counts."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Awaitable, Callable

import pytest
from textual.pilot import Pilot

from apdu.payload import Outcome
from tests.display.pictures import ENGLISH, Shown
from tests.display.question import Question, asked
from ushield.device.display.model import Style
from ushield.device.display.terminal import TerminalFace

Steps = Callable[[Pilot[None], Question], Awaitable[None]]


def at_the_terminal(shown: Shown, steps: Steps, answer: Callable[[bytes], bytes]) -> Outcome:
    """Ask a question, do the steps at the terminal, and say how the question ended."""

    async def sit() -> Outcome:
        async with TerminalFace(shown, answer).run_test(size=(80, 30)) as pilot:
            await pilot.pause()
            await steps(pilot, question)
            return await asyncio.to_thread(question.outcome)

    with asked(shown.key.panel, ENGLISH) as question:
        return asyncio.run(sit())


async def redrawn(pilot: Pilot[None], question: Question, key: str) -> None:
    """Press a key of the keyboard, and wait until the display shows something else."""
    before = question.panel.view().number
    await pilot.press(key)
    await asyncio.to_thread(question.panel.wait_for, lambda view: view.number > before)
    await pilot.pause()


def no_answer(_line: bytes) -> bytes:
    raise AssertionError("nothing is asked")


@pytest.mark.parametrize("style", Style)
def test_read_and_confirmed_by_keyboard(style: Style) -> None:
    async def steps(pilot: Pilot[None], question: Question) -> None:
        await pilot.press("enter")
        assert question.stands, "before the last page was seen"
        while question.panel.view().page < question.panel.view().pages:
            await redrawn(pilot, question, "down")
        await pilot.press("enter")

    assert at_the_terminal(Shown(style), steps, no_answer) is Outcome.CONFIRMED


def test_cancelled_by_keyboard() -> None:
    async def steps(pilot: Pilot[None], _question: Question) -> None:
        await pilot.press("escape")

    assert at_the_terminal(Shown(Style.LCD), steps, no_answer) is Outcome.CANCELLED


def test_cancelled_by_a_click() -> None:
    async def steps(pilot: Pilot[None], _question: Question) -> None:
        buttons = pilot.app.query("Button")
        (cancel,) = (one for one in buttons if "Cancel" in str(getattr(one, "label", "")))
        await pilot.click(cancel)

    assert at_the_terminal(Shown(Style.LCD), steps, no_answer) is Outcome.CANCELLED


def test_pulled_out() -> None:
    shown, asked_for = Shown(Style.LCD), threading.Event()

    def answer(line: bytes) -> bytes:
        assert json.loads(line)["do"] == "remove"
        shown.key.interrupt()
        asked_for.set()
        return b'{"ok": true}'

    async def steps(pilot: Pilot[None], _question: Question) -> None:
        await pilot.press("u")

    assert at_the_terminal(shown, steps, answer) is Outcome.GONE
    assert asked_for.is_set()
