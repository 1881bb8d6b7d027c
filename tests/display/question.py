"""A chip that asks, in a thread of its own: the real rules of asking, and a clock set by hand."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Thread

from apdu.payload import ConsentSettings, Outcome
from applet.consent.desk import ConsentDesk
from applet.consent.statement import Field, Statement
from applet.os.errors import CardError
from applet.os.store import MemoryStore
from ushield.device.display.panel import Panel, View

ORDER = Statement(
    "Transfer",
    (
        Field("Payee", "Li Lei"),
        Field("Payee account", ("6222", "0000", "0000", "0002")),
        Field("Amount", ("1,000.00", "CNY")),
        Field("Note", "for the rent of the house in May"),
    ),
)
"""Several pages on either display."""

SHORT = Statement("Try PIN 1", (Field("Tries left", "2"),))
"""One page."""


class Clock:
    """Stands still until it is set."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class Question:
    """One question to the holder, and how it ended."""

    def __init__(self, panel: Panel, statement: Statement, seconds: int) -> None:
        self.desk = ConsentDesk(MemoryStore(), panel)
        self.desk.keep(ConsentSettings(seconds))
        self.panel = panel
        self.refused: CardError | None = None
        self._statement = statement
        self._before = panel.view().question
        self._thread = Thread(target=self._ask, daemon=True)
        self._thread.start()

    def outcome(self) -> Outcome:
        """How it ended; waits until it has."""
        self._thread.join(10)
        assert not self._thread.is_alive(), "the question still stands"
        return self.desk.report.outcome

    @property
    def stands(self) -> bool:
        return self._thread.is_alive()

    def begun(self) -> None:
        """Wait until it is on the display, or was."""
        seen = self.panel.wait_for(lambda view: view.question > self._before)
        assert seen is not None, "nothing is asked"

    def shown(self, page: int = 1) -> View:
        """The view of this page, once it is there."""
        view = self.panel.wait_for(lambda view: view.page == page)
        assert view is not None, "the page is not shown"
        return view

    def _ask(self) -> None:
        try:
            self.desk.ask(self._statement)
        except CardError as refused:
            self.refused = refused


@contextmanager
def asked(panel: Panel, statement: Statement = ORDER, seconds: int = 60) -> Iterator[Question]:
    """A question that stands; it is called off at the end if it still does."""
    question = Question(panel, statement, seconds)
    try:
        question.begun()
        yield question
    finally:
        panel.interrupt()
        question.outcome()
