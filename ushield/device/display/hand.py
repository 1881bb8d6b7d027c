"""Who presses the buttons as a script says: it reads every page first, as a careful person does."""

from __future__ import annotations

import logging
from contextlib import suppress
from threading import Lock, Thread

from applet.os.panel import Signal
from ushield.device.display.panel import BUTTONS, Panel, PanelClosed, View
from ushield.device.display.reading import pages_in_order, read
from ushield.device.display.script import Decide

_log = logging.getLogger(__name__)


class Hand:
    """Presses the buttons of one panel, in a thread of its own, as long as it follows a script.

    A script that fails presses Cancel; `fault` is what it raised.
    """

    def __init__(self, panel: Panel) -> None:
        self._panel = panel
        self._lock = Lock()
        self._thread: Thread | None = None
        self._decide: Decide | None = None
        self._question = 0
        self._pages: dict[int, tuple[str, ...]] = {}
        self.fault: Exception | None = None

    def follow(self, decide: Decide | None) -> None:
        """From now on press what this says; None: press nothing any more."""
        with self._lock:
            self._decide = decide
            if decide is not None and self._thread is None:
                self._thread = Thread(target=self._work, name="ushield-hand", daemon=True)
                self._thread.start()
        self._panel.tick()

    def _work(self) -> None:
        done: tuple[Decide | None, int] | None = None
        with suppress(PanelClosed):
            while True:
                view = self._panel.wait_for(
                    lambda view, done=done: (  # type: ignore[misc]
                        view.asks
                        and self._decide is not None
                        and (self._decide, view.number) != done
                    ),
                    None,
                )
                decide = self._decide
                if view is not None and decide is not None:
                    done = (decide, view.number)
                    self._look(view, decide)

    def _look(self, view: View, decide: Decide) -> None:
        """Press what is to be pressed at this page."""
        if view.question != self._question:
            self._question, self._pages = view.question, {}
        self._pages[view.page] = view.lines
        missing = set(range(1, view.pages + 1)) - set(self._pages)
        if missing:
            button: Signal | None = Signal.UP if min(missing) < view.page else Signal.DOWN
        else:
            button = self._decided(decide)
        if button is not None:
            self._panel.press(button, view.number)

    def _decided(self, decide: Decide) -> Signal | None:
        try:
            wanted = decide(read(pages_in_order(self._pages), self._panel.columns))
            button = None if wanted is None else Signal(wanted)
            if button is not None and button not in BUTTONS:
                raise ValueError(f"{button.value} is no button")
        except Exception as fault:  # noqa: BLE001 a script is anybody's code
            _log.warning("a script failed, and Cancel is pressed", exc_info=True)
            self.fault = fault
            return Signal.CANCEL
        return button
