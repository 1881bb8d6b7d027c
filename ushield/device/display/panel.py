"""What is on the display, and which press of a button counts.

The chip's thread draws and waits (`applet.os.panel.Panel`); any other thread may look, press, or
wait until something is to be seen. A press is for the screen that was on the display when it was
made. It counts for nothing when another one is there by now, when nothing is asked, and before a
question has been drawn.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from threading import Condition
from typing import Any

from applet.consent.glyphs import SPACE_AT_BORDER
from applet.os.panel import Screen, Signal
from ushield.device.display.model import LCD, Model
from ushield.device.display.reading import squeezed

BUTTONS = (Signal.CONFIRM, Signal.CANCEL, Signal.UP, Signal.DOWN)
"""The signals that are buttons."""


@dataclass(frozen=True, slots=True)
class View:
    """What somebody sees who looks at the key at one moment.

    `number` counts what was on the display, so it tells whether it was redrawn; `question` counts
    questions. While nothing is asked there are no lines. `waits_for` are the buttons that would do
    something; `seconds_left` is how long the question still stands; `ended_by`, what ended the
    last one.
    """

    number: int
    question: int
    powered: bool
    lines: tuple[str, ...] = ()
    page: int = 0
    pages: int = 0
    waits_for: tuple[Signal, ...] = ()
    seconds_left: float | None = None
    ended_by: Signal | None = None

    @property
    def asks(self) -> bool:
        """Whether a question is on the display."""
        return bool(self.lines)

    @property
    def text(self) -> str:
        """The lines, one below the other."""
        return "\n".join(self.lines)

    def shows(self, text: str) -> bool:
        """Whether this text is on the page, where spaces and the ends of lines do not count."""
        return squeezed(text) in squeezed(self.text.replace(SPACE_AT_BORDER, " "))

    def described(self) -> dict[str, Any]:
        """All of it, as JSON has it."""
        return {
            "number": self.number,
            "powered": self.powered,
            "lines": list(self.lines),
            "page": self.page,
            "pages": self.pages,
            "waits_for": [button.value for button in self.waits_for],
            "seconds_left": None if self.seconds_left is None else round(self.seconds_left, 3),
            "ended_by": None if self.ended_by is None else self.ended_by.value,
        }


class PanelClosed(Exception):
    """Nobody is going to draw on this display any more."""


class Panel:
    """A display with four buttons. `clock` gives seconds; `tick` tells that it was set."""

    def __init__(self, model: Model = LCD, clock: Callable[[], float] = time.monotonic) -> None:
        self.model = model
        self._clock = clock
        self._changed = Condition()
        self._listeners: list[Callable[[], None]] = []
        self._number = self._question = 0
        self._powered = False
        self._closed = False
        self._screen: Screen | None = None
        self._deadline: float | None = None
        self._seen_last = False
        self._waiting = False
        self._pressed: Signal | None = None
        self._over: Signal | None = None
        self._ended_by: Signal | None = None

    # --- the chip's side ------------------------------------------------------------------------

    @property
    def columns(self) -> int:
        """Narrow characters in a line; a wide one takes two."""
        return self.model.columns

    @property
    def rows(self) -> int:
        """Lines of a page."""
        return self.model.rows

    def begin(self, seconds: int) -> None:
        """A question begins, for which there is so much time; presses made before count no more."""
        with self._changed:
            self._deadline = self._clock() + seconds
            self._question += 1
            self._pressed = self._over = self._ended_by = None
            self._seen_last = False

    def show(self, screen: Screen) -> None:
        """Draw a page. Presses that were meant for the page before are dropped."""
        with self._changed:
            self._seen_last = self._seen_last or screen.page == screen.pages
            self._draw(screen)
        self._tell()

    def wait(self) -> Signal:
        """Block until a button is pressed, the time is over or the key is gone."""
        with self._changed:
            while (signal := self._signal()) is None:
                self._waiting = True
                # Who has pressed waits for this.
                self._changed.notify_all()
                self._changed.wait(self._seconds_left())
            self._waiting, self._ended_by = False, signal
            return signal

    def end(self) -> None:
        """The question is answered, however it was: the display goes back to rest."""
        with self._changed:
            self._deadline = None
            self._draw(None)
        self._tell()

    # --- the holder's side ----------------------------------------------------------------------

    def view(self) -> View:
        """What is to be seen now."""
        with self._changed:
            return self._view()

    def press(self, button: Signal, number: int | None = None) -> bool:
        """Press a button, at the screen of that number or else at the one there is.

        Whether it counts. A second press counts when the chip has taken the first.
        """
        with self._changed:
            counts = (
                self._screen is not None
                and number in (None, self._number)
                and self._signal_due() is None
                and button in BUTTONS
            )
            if counts:
                self._pressed = button
                self._changed.notify_all()
            return counts

    def press_and_see(
        self, button: Signal, number: int | None = None, seconds: float = 10.0
    ) -> tuple[bool, View]:
        """Press a button, and wait until the chip has done with it. Whether it counted.

        The chip has done when it has redrawn, ended the question, or waits for the next press.
        """
        with self._changed:
            counted = self.press(button, number)
            if counted:
                drawn = self._number
                self._wait_until(
                    lambda: self._number != drawn or (self._waiting and self._pressed is None),
                    seconds,
                )
            return counted, self._view()

    def wait_for(
        self,
        seen: Callable[[View], bool],
        seconds: float | None = 10.0,
        *,
        after: int | None = None,
    ) -> View | None:
        """The first view of which that is true, and whose number is above `after`.

        None if there is none in so many seconds, those of the computer and not of the panel's
        clock. PanelClosed at the end.
        """
        found: list[View] = []

        def look() -> bool:
            view = self._view()
            if (after is None or view.number > after) and seen(view):
                found.append(view)
            return bool(found)

        with self._changed:
            self._wait_until(look, seconds)
        return found[0] if found else None

    def listen(self, listener: Callable[[], None]) -> Callable[[], None]:
        """Call this after each change, from the thread that makes it; what ends that."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    # --- the body's side ------------------------------------------------------------------------

    def power(self, on: bool) -> None:
        """The key gets power, or loses it."""
        with self._changed:
            changed, self._powered = self._powered != on, on
            if changed:
                self._draw(None)
        if changed:
            self._tell()

    def interrupt(self) -> None:
        """The key is pulled out, or reset: a question that stands is over."""
        self._end_question(Signal.GONE)

    def time_out(self) -> None:
        """The time of a question that stands is over, as if it had passed."""
        self._end_question(Signal.TIMED_OUT)

    def tick(self) -> None:
        """The clock was set: look at it."""
        with self._changed:
            self._changed.notify_all()

    def close(self) -> None:
        """Nothing is going to be drawn any more: whoever waits for that waits no more."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        self._tell()

    # --- helpers, under the lock ----------------------------------------------------------------

    def _draw(self, screen: Screen | None) -> None:
        self._screen, self._pressed = screen, None
        self._number += 1
        self._changed.notify_all()

    def _signal_due(self) -> Signal | None:
        """What ends the chip's wait when it looks next."""
        if self._over is not None or self._pressed is not None:
            return self._over or self._pressed
        return Signal.TIMED_OUT if self._seconds_left() == 0 else None

    def _signal(self) -> Signal | None:
        """What ends the chip's wait now. A press is used up by that."""
        signal = self._signal_due()
        self._pressed = None
        return signal

    def _seconds_left(self) -> float | None:
        """For how long the question still stands; None when there is none."""
        return None if self._deadline is None else max(0.0, self._deadline - self._clock())

    def _end_question(self, how: Signal) -> None:
        with self._changed:
            if self._deadline is not None and self._over is None:
                self._over = how
                self._changed.notify_all()

    def _view(self) -> View:
        screen = self._screen
        if screen is None:
            return View(self._number, self._question, self._powered, ended_by=self._ended_by)
        useful = {
            Signal.CONFIRM: self._seen_last,
            Signal.CANCEL: True,
            Signal.UP: screen.page > 1,
            Signal.DOWN: screen.page < screen.pages,
        }
        return View(
            self._number,
            self._question,
            self._powered,
            screen.lines,
            screen.page,
            screen.pages,
            waits_for=tuple(button for button in BUTTONS if useful[button]),
            seconds_left=self._seconds_left(),
        )

    def _wait_until(self, done: Callable[[], bool], seconds: float | None) -> None:
        self._changed.wait_for(lambda: done() or self._closed, seconds)
        if self._closed and not done():
            raise PanelClosed("the display is switched off for good")

    def _tell(self) -> None:
        """Call the listeners, without the lock: they may look."""
        for listener in list(self._listeners):
            listener()
