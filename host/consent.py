"""Keys with a display: whom they ask, and what became of the last question."""

from __future__ import annotations

from apdu.edge import Data
from apdu.errors import ApduError
from apdu.instruction import INS
from apdu.payload import ConsentReport, Outcome, parse_consent_report
from apdu.status import SW
from host.errors import (
    CardError,
    ConsentCancelled,
    ConsentTimedOut,
    MessageRefused,
    NoDisplay,
    NotShowable,
)
from host.exchange import Transmit
from host.link import ALL, build

_ASK = build(INS.GET_DATA, Data.CONSENT, le=ALL)
_OK = b"\x90\x00"

_ERRORS = {
    Outcome.CANCELLED: ConsentCancelled,
    Outcome.TIMED_OUT: ConsentTimedOut,
    Outcome.NO_DISPLAY: NoDisplay,
    Outcome.NOT_SHOWABLE: NotShowable,
}


def explained(refusal: CardError, transmit: Transmit) -> CardError:
    """The refusal as it was meant: the holder's, the display's, or, as it is, the card's own.

    Only the status words that a question can end in are looked into, with one GET DATA more. A card
    that does not know it has asked nobody.
    """
    if refusal.sw not in (SW.CONDITIONS, SW.WRONG_DATA):
        return refusal
    report = _report(transmit)
    if report.outcome is Outcome.REFUSED:
        return MessageRefused(refusal.sw, refusal.command, report.reason)
    kind = _ERRORS.get(report.outcome)
    return refusal if kind is None else kind(refusal.sw, refusal.command)


def _report(transmit: Transmit) -> ConsentReport:
    answer = transmit(_ASK)
    if answer[-2:] != _OK:
        return ConsentReport()
    try:
        return parse_consent_report(answer[:-2])
    except ApduError:
        return ConsentReport()
