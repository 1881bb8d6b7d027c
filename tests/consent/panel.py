"""A display and buttons for tests: what was drawn is kept, and a function presses the buttons."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from applet.os.panel import Screen, Signal

Press = Callable[[Screen], Signal]
"""What is pressed when this page is on the display."""


def confirm(screen: Screen) -> Signal:
    """Read to the last page, then press Confirm."""
    return Signal.CONFIRM if screen.page == screen.pages else Signal.DOWN


def always(signal: Signal) -> Press:
    """Press the same at once, whatever is shown."""
    return lambda _screen: signal


def one_by_one(signals: Iterable[Signal]) -> Press:
    """Press these one after the other; when they are used up the test is wrong."""
    left = iter(signals)

    def press(_screen: Screen) -> Signal:
        signal = next(left, None)
        assert signal is not None, "the chip goes on waiting when nobody presses any more"
        return signal

    return press


class ScriptedPanel:
    """A panel whose buttons are pressed by `press`.

    `drawn` are the pages in the order in which they were drawn, `questions` the seconds that each
    question was given, and `lit` whether one stands.
    """

    def __init__(self, press: Press = confirm, columns: int = 16, rows: int = 4) -> None:
        self.press = press
        self.columns = columns
        self.rows = rows
        self.drawn: list[Screen] = []
        self.questions: list[int] = []
        self.lit = False

    def begin(self, seconds: int) -> None:
        assert not self.lit, "a question begins while another one stands"
        self.lit = True
        self.questions.append(seconds)

    def show(self, screen: Screen) -> None:
        assert self.lit, "a page is drawn outside of a question"
        assert len(screen.lines) <= self.rows
        self.drawn.append(screen)

    def wait(self) -> Signal:
        assert self.lit, "the chip waits outside of a question"
        return self.press(self.drawn[-1])

    def end(self) -> None:
        assert self.lit, "a question ends that never began"
        self.lit = False

    @property
    def text(self) -> list[str]:
        """All lines that were drawn, page by page as they came."""
        return [line for screen in self.drawn for line in screen.lines]

    def forget(self) -> None:
        """Begin afresh."""
        assert not self.lit
        self.drawn.clear()
        self.questions.clear()
