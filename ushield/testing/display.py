"""The display and the buttons of a token, for tests."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from applet.consent.glyphs import columns
from applet.os.panel import Signal
from ushield.device.display.key import KeyWithDisplay
from ushield.device.display.model import Model
from ushield.device.display.panel import View
from ushield.device.display.picture import draw
from ushield.device.display.reading import Reading, read
from ushield.device.display.script import Decide, parse_script

if TYPE_CHECKING:
    from ushield.testing.tokens import Token

_PATIENCE = 30.0
"""Seconds; a program has to start first."""


class NotShown(AssertionError):
    """The display did not show in time what a test waited for."""


class NotPressed(AssertionError):
    """A press counted for nothing: nothing is asked, or another screen is there by now."""


class TokenDisplay:
    """What a test sees of a token that asks its holder, and what it presses.

    Whatever waits raises NotShown after so many `seconds`. `unplug` pulls the token out of the
    reader that it is in.
    """

    def __init__(self, key: KeyWithDisplay) -> None:
        self._panel = key.panel
        self._hand = key.hand
        self.unplug: Callable[[], Token | None] = self._in_no_reader

    def __repr__(self) -> str:
        return f"TokenDisplay({self.lines!r})"

    # --- looking --------------------------------------------------------------------------------

    @property
    def model(self) -> Model:
        """What kind of display it is."""
        return self._panel.model

    @property
    def view(self) -> View:
        """What is to be seen now: lines, page, what is waited for, the number of the screen."""
        return self._panel.view()

    @property
    def lines(self) -> tuple[str, ...]:
        """The lines on the display; none while nothing is asked."""
        return self.view.lines

    def wait_for(self, text: str = "", seconds: float = _PATIENCE) -> View:
        """Wait until a question is asked and its page shows this text; spaces do not count."""
        return self._seen(lambda view: view.asks and view.shows(text), repr(text), seconds)

    def wait_for_redraw(self, after: View | int, seconds: float = _PATIENCE) -> View:
        """Wait until something else is on the display than at that view."""
        number = after.number if isinstance(after, View) else after
        return self._seen(lambda view: view.number > number, f"anything after {number}", seconds)

    def wait_for_rest(self, seconds: float = _PATIENCE) -> View:
        """Wait until nothing is asked any more."""
        return self._seen(lambda view: not view.asks, "that it is at rest", seconds)

    def pages(self, seconds: float = _PATIENCE) -> list[tuple[str, ...]]:
        """The lines of each page of the question that is asked next, or now; the last one stays."""
        view = self.wait_for(seconds=seconds)
        while view.page > 1:
            view = self.press(Signal.UP)
        pages = [view.lines]
        while view.page < view.pages:
            view = self.press(Signal.DOWN)
            pages.append(view.lines)
        return pages

    def read(self, seconds: float = _PATIENCE) -> Reading:
        """All that the question says: `read()["Payee"]`, `.title`, `.amount()`, `.text`."""
        lines = [line for page in self.pages(seconds) for line in page]
        return read(lines, self._panel.columns)

    def picture(self) -> str:
        """The display as it is now, an SVG document."""
        return draw(self.view, self.model)

    # --- pressing -------------------------------------------------------------------------------

    def press(self, button: Signal | str, screen: View | int | None = None) -> View:
        """Press confirm, cancel, up or down; what is to be seen when the key has done with it.

        With `screen` the press is for that one. NotPressed when it counts for nothing.
        """
        number = screen.number if isinstance(screen, View) else screen
        counted, view = self._panel.press_and_see(Signal(button), number)
        if not counted:
            raise NotPressed(f"{Signal(button).value} counts for nothing now\n{self.text()}")
        return view

    def confirm(self, seconds: float = _PATIENCE) -> Reading:
        """Read all pages of the question and press Confirm; what was read."""
        reading = self.read(seconds)
        self.press(Signal.CONFIRM)
        return reading

    def cancel(self, seconds: float = _PATIENCE) -> None:
        """Press Cancel at the question that is asked next, or now."""
        self.wait_for(seconds=seconds)
        self.press(Signal.CANCEL)

    def script(self, script: str | Decide | None) -> None:
        """From now on press what rules say, or a function; None: no more (docs/display.md)."""
        self._hand.follow(parse_script(script) if isinstance(script, str) else script)

    def time_out(self) -> None:
        """Let the time be over that the question has."""
        self._panel.time_out()

    # --- the end --------------------------------------------------------------------------------

    @property
    def fault(self) -> Exception | None:
        """What a function raised that was to press the buttons."""
        return self._hand.fault

    def close(self) -> None:
        """Switch it off for good; a question that stands is over."""
        self._panel.interrupt()
        self._panel.close()

    def text(self) -> str:
        """The display as text, in a frame."""
        view = self.view
        what = f"screen {view.number}, page {view.page} of {view.pages}" if view.asks else "at rest"
        width = self.model.columns
        frame = f"+{'-' * width}+"
        lines = [f"|{line}{' ' * (width - columns(line))}|" for line in view.lines]
        return "\n".join([what, frame, *lines, frame])

    def _in_no_reader(self) -> None:
        raise ValueError("the token is in no reader")

    def _seen(self, seen: Callable[[View], bool], what: str, seconds: float) -> View:
        view = self._panel.wait_for(seen, seconds)
        if view is None:
            raise NotShown(f"the display did not show {what} in {seconds:g} s\n{self.text()}")
        return view
