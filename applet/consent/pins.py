"""The questions about a PIN, the same in every applet; each returns when it need not be asked."""

from __future__ import annotations

from apdu.payload.consent import Asked
from applet.consent.desk import ConsentDesk
from applet.consent.words import Word

_FEW = 2
"""Tries of a PIN that are few."""


def ask_new_pin(desk: ConsentDesk, reference: str, left: int) -> None:
    """A PIN with so many tries left is to have a new value, by its PUK."""
    if desk.wants(Asked.PIN_CHANGE):
        _ask(desk, Word.CHANGE_PIN, reference, left)


def ask_pin_change(desk: ConsentDesk, reference: str, left: int) -> None:
    """It is to have a new value, by the old one, which is a try: this is one question at most."""
    if desk.wants(Asked.PIN_CHANGE):
        ask_new_pin(desk, reference, left)
    else:
        ask_pin_try(desk, reference, left)


def ask_pin_try(desk: ConsentDesk, reference: str, left: int) -> None:
    """One of its tries is to be spent."""
    if desk.wants(Asked.LAST_TRIES) and 0 < left <= _FEW:
        _ask(desk, Word.TRY_PIN, reference, left)


def _ask(desk: ConsentDesk, what: Word, reference: str, left: int) -> None:
    from applet.consent.questions import about_pin

    desk.ask(about_pin(what, reference, left, desk.settings.language))
