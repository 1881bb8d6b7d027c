"""The rules of asking, the buttons, and how the last question ended.

Nothing that needs the holder happens before Confirm, and Confirm counts only once the last page was
on the display. Cancel, the end of the time, and a key that is pulled out refuse (6985). Nothing
else ends the wait, and one press answers one question.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from apdu.edge import Data
from apdu.payload.consent import (
    Asked,
    ConsentReport,
    ConsentSettings,
    Outcome,
    build_consent_report,
    build_consent_settings,
    parse_consent_settings,
)
from apdu.status import SW
from applet.consent.statement import Statement
from applet.os.errors import CardError
from applet.os.panel import Panel, Screen, Signal
from applet.os.store import Records, Store

_CELL = "settings"
_DEFAULTS = ConsentSettings()
_NOT_ASKED = ConsentReport()

_ENDS = {
    Signal.CANCEL: Outcome.CANCELLED,
    Signal.TIMED_OUT: Outcome.TIMED_OUT,
    Signal.GONE: Outcome.GONE,
}


@dataclass(frozen=True, slots=True)
class Reading:
    """Where the holder is in a question of so many pages, counted from 0."""

    pages: int
    page: int = 0
    seen_last: bool = False

    @property
    def complete(self) -> bool:
        """Whether the last page has been on the display."""
        return self.seen_last or self.page == self.pages - 1

    def after(self, signal: Signal) -> Reading | Outcome:
        """What a signal makes of it: another place, the same one, or the end."""
        match signal:
            case Signal.CONFIRM:
                return Outcome.CONFIRMED if self.complete else self
            case Signal.UP:
                return self._at(max(self.page - 1, 0))
            case Signal.DOWN:
                return self._at(min(self.page + 1, self.pages - 1))
            case Signal.CANCEL | Signal.TIMED_OUT | Signal.GONE:
                return _ENDS[signal]

    def _at(self, page: int) -> Reading:
        return replace(self, page=page, seen_last=self.complete)


class ConsentDesk:
    """Asks the holder at the panel, if there is one. Settings last; the report is volatile."""

    def __init__(self, store: Store, panel: Panel | None = None) -> None:
        self._panel = panel
        self._kept = Records(store, "consent/", parse_consent_settings, build_consent_settings)
        self.report = _NOT_ASKED

    @property
    def settings(self) -> ConsentSettings:
        """How the holder is asked."""
        return self._kept.get(_CELL) or _DEFAULTS

    @property
    def has_settings(self) -> bool:
        """Whether anybody has said how to ask: it is a key that was made to have a display."""
        return self._kept.get(_CELL) is not None

    def keep(self, settings: ConsentSettings) -> None:
        """Ask so from now on."""
        self._kept.put(_CELL, settings)

    def clear_settings(self) -> None:
        """Ask as a token does to which nobody has said how."""
        self._kept.delete(_CELL)

    @property
    def has_panel(self) -> bool:
        """Whether there is anybody to ask."""
        return self._panel is not None

    def told(self, tag: Data) -> bytes:
        """What GET DATA answers: how the last question ended, or how the holder is asked."""
        if tag is Data.CONSENT:
            return build_consent_report(self.report)
        return build_consent_settings(self.settings)

    def forget(self) -> None:
        """Nobody was asked anything as yet."""
        self.report = _NOT_ASKED

    def wants(self, what: Asked) -> bool:
        """Whether this needs Confirm on this token."""
        return what in self.settings.asked

    def refuse(self, outcome: Outcome, sw: SW = SW.CONDITIONS, reason: str = "") -> CardError:
        """The refusal of something that is not even asked; the report says why."""
        self.report = ConsentReport(outcome, reason)
        return CardError(sw)

    def ask(self, statement: Statement) -> None:
        """Return when the holder has confirmed; CardError (6985) for whatever else.

        A statement that the display cannot show is refused (6A80) without a word.
        """
        # Only now: most tokens never ask, and a card has to start fast.
        from applet.consent.pages import DoesNotFit, lay_out

        panel = self._panel
        if panel is None:
            raise self.refuse(Outcome.NO_DISPLAY)
        try:
            pages = lay_out(statement, panel.columns, panel.rows)
        except DoesNotFit as error:
            raise self.refuse(Outcome.REFUSED, SW.WRONG_DATA, str(error)) from None
        outcome = self._answer(panel, pages)
        self.report = ConsentReport(outcome)
        if outcome is not Outcome.CONFIRMED:
            raise CardError(SW.CONDITIONS)

    def _answer(self, panel: Panel, pages: Sequence[Screen]) -> Outcome:
        panel.begin(self.settings.seconds)
        try:
            return self._read_through(panel, pages)
        finally:
            panel.end()

    @staticmethod
    def _read_through(panel: Panel, pages: Sequence[Screen]) -> Outcome:
        reading = Reading(len(pages))
        panel.show(pages[reading.page])
        while True:
            after = reading.after(panel.wait())
            if isinstance(after, Outcome):
                return after
            if after.page != reading.page:
                panel.show(pages[after.page])
            reading = after
