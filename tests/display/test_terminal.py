"""The displays in a terminal, with keys and mouse (Textual's pilot)."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from threading import Event

import pytest
from textual.pilot import Pilot

from apdu.payload import Outcome
from applet.os.panel import Signal
from tests.display.pictures import READER, Shown
from tests.display.question import ORDER, SHORT, asked
from ushield.device.display.drawing import drawn
from ushield.device.display.key import KeyWithDisplay
from ushield.device.display.model import MODELS, Style
from ushield.device.display.terminal import KeyInTerminal, TerminalFace

Do = Callable[[Pilot[None]], Awaitable[None]]


class Moves:
    """What was asked of the reader."""

    def __init__(self) -> None:
        self.asked: list[dict[str, str]] = []
        self.come = Event()

    def answer(self, line: bytes) -> bytes:
        self.asked.append(json.loads(line))
        self.come.set()
        return b'{"ok": true}'


class Two(Shown):
    """Two keys with displays of both kinds."""

    def __init__(self) -> None:
        super().__init__(Style.LCD)
        self.other = Shown(Style.OLED).key

    def keys(self) -> dict[str, KeyWithDisplay]:
        return {READER: self.key, "another": self.other}


def at_the_terminal(shown: Shown, do: Do, moves: Moves | None = None) -> TerminalFace:
    """Run the face, do something at it, and end it."""
    face = TerminalFace(shown, (moves or Moves()).answer, "PCSCLITE_CSOCK_NAME=/run/x")

    async def run() -> None:
        async with face.run_test(size=(120, 30)) as pilot:
            await pilot.pause()
            await do(pilot)

    asyncio.run(run())
    return face


async def until(pilot: Pilot[None], condition: Callable[[], bool]) -> None:
    """Let the face work until something is so."""
    for _ in range(1000):
        if condition():
            return
        await pilot.pause(0.01)
    raise AssertionError("it does not come about")


@pytest.mark.parametrize("style", list(Style))
def test_an_order_by_keyboard(style: Style) -> None:
    shown = Shown(style)
    panel = shown.key.panel

    async def read_and_confirm(pilot: Pilot[None]) -> None:
        await pilot.press("enter")
        assert panel.view().asks, "not before the last page"
        pages = panel.view().pages
        for page in range(2, pages + 1):
            await pilot.press("down")
            await until(pilot, lambda page=page: panel.view().page == page)  # type: ignore[misc]
        await pilot.press("up")
        await until(pilot, lambda: panel.view().page == pages - 1)
        await pilot.press("enter")
        await until(pilot, lambda: not panel.view().asks)

    with asked(panel, ORDER) as question:
        at_the_terminal(shown, read_and_confirm)
        assert question.outcome() is Outcome.CONFIRMED


def test_cancel_by_keyboard_and_by_mouse() -> None:
    shown = Shown(Style.LCD)
    panel = shown.key.panel

    async def cancel(pilot: Pilot[None]) -> None:
        await pilot.press("escape")
        await until(pilot, lambda: not panel.view().asks)

    with asked(panel, SHORT) as question:
        at_the_terminal(shown, cancel)
        assert question.outcome() is Outcome.CANCELLED

    async def click(pilot: Pilot[None]) -> None:
        button = next(b for b in pilot.app.query("Button") if "Cancel" in str(b.render()))
        await pilot.click(button)
        await until(pilot, lambda: not panel.view().asks)

    with asked(panel, SHORT) as question:
        at_the_terminal(shown, click)
        assert question.outcome() is Outcome.CANCELLED


def test_what_is_asked_later_is_drawn() -> None:
    shown = Shown(Style.LCD)

    async def see(pilot: Pilot[None]) -> None:
        state = pilot.app.query_one(".state")
        assert "at rest" in str(state.render())
        with asked(shown.key.panel, SHORT):
            await until(pilot, lambda: "confirm or cancel: 60 s" in str(state.render()))
        await until(pilot, lambda: "nothing was confirmed" in str(state.render()))

    at_the_terminal(shown, see)


def test_the_key_is_pulled_out_and_put_back() -> None:
    shown, moves = Shown(Style.LCD), Moves()

    async def move(pilot: Pilot[None]) -> None:
        for powered in (True, False):
            shown.key.panel.power(powered)
            moves.come.clear()
            await pilot.press("u")
            await until(pilot, moves.come.is_set)

    at_the_terminal(shown, move, moves)
    assert [move["do"] for move in moves.asked] == ["remove", "insert"]
    assert moves.asked[0]["reader"] == READER


def test_two_keys_have_their_turns() -> None:
    shown = Two()

    async def choose(pilot: Pilot[None]) -> None:
        first, second = pilot.app.query(KeyInTerminal)
        assert first.has_class("chosen") and not second.has_class("chosen")
        await pilot.press("tab")
        assert second.has_class("chosen") and not first.has_class("chosen")
        await pilot.press("escape")
        await until(pilot, lambda: not shown.other.panel.view().asks)

    with asked(shown.key.panel, SHORT) as one, asked(shown.other.panel, SHORT) as other:
        at_the_terminal(shown, choose)
        assert other.outcome() is Outcome.CANCELLED
        assert one.stands


def test_quit() -> None:
    async def leave(pilot: Pilot[None]) -> None:
        await pilot.press("q")

    assert at_the_terminal(Shown(Style.LCD), leave).return_code == 0


@pytest.mark.parametrize("style", list(Style))
def test_the_drawing_is_as_wide_whatever_is_in_it(style: Style) -> None:
    shown, model = Shown(style), MODELS[style]
    widths = {line.cell_len for line in drawn(shown.key.panel.view(), model).split("\n")}
    with asked(shown.key.panel, ORDER):
        shown.key.panel.press_and_see(Signal.DOWN)
        text = drawn(shown.key.panel.view(), model)
    assert {line.cell_len for line in text.split("\n")} == widths == {model.columns + 6}
    assert f"2/{'2' if style is Style.OLED else '4'}" in text.plain
