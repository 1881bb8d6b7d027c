"""Errors in a user's words: what is wrong, and what to do about it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from types import MappingProxyType

from apdu.status import SW
from applet.os.store import StoreError
from host.errors import (
    CardError,
    ConditionsError,
    ConsentCancelled,
    ConsentTimedOut,
    HostError,
    NoApplication,
    NoDisplay,
    NoService,
    NoSpace,
    NotShowable,
    PinBlocked,
    SecurityStatusError,
    WrongPin,
)
from ushield.device.applets import UnknownApplets
from ushield.device.image import ImageError
from ushield.reader.keeper import TokenError
from ushield.reader.place import PlaceError
from ushield.reader.remote import VARIABLE, ControlError
from ushield.reader.specs import ReaderError

_UNBLOCKING = "RESET RETRY COUNTER"
_OF_PINS = ("VERIFY", "CHANGE REFERENCE DATA", _UNBLOCKING)
_IN_WORDS = (
    *(HostError, ImageError, StoreError, UnknownApplets),
    *(TokenError, PlaceError, ControlError, ReaderError),
)
"""What says in words of its own, in one line, what is wrong."""
_OF_THE_HOLDER: Mapping[type[CardError], str] = MappingProxyType(
    {
        ConsentCancelled: "cancelled at the key: nothing was done",
        ConsentTimedOut: "nobody pressed Confirm at the key in time: nothing was done",
        NoDisplay: "this wants Confirm at the key, which has no display here: `ushield serve IMAGE "
        "--display web` gives it one, `ushield run --display-script` one that is pressed by rules",
        NotShowable: "this key signs only what it can show: an order, or a message of its formats",
    }
)
"""What keys with a display refuse, and their holders."""


def advice(error: Exception) -> str | None:
    """One line; None for an error that no user can cause."""
    match error:
        case ConsentCancelled() | ConsentTimedOut() | NoDisplay() | NotShowable():
            return _OF_THE_HOLDER[type(error)]
        case CardError():
            return _of_card(error)
        case NoService() if service := os.environ.get(VARIABLE):
            return f"no PC/SC service answers at {service} ({VARIABLE}): has it ended?"
        case OSError():
            return f"{error.filename or 'system'}: {error.strerror or error}"
        case _:
            return str(error) if isinstance(error, _IN_WORDS) else None


def _of_card(error: CardError) -> str:
    """For a refusal that a user cannot cause, the card's own words."""
    what = "PUK" if error.command == _UNBLOCKING else "PIN"
    match error:
        case NoApplication():
            return f"{error}: `ushield info` tells what it has"
        case WrongPin():
            left = f"{error.tries_left} {'try' if error.tries_left == 1 else 'tries'} left"
            return f"the {what} is wrong: {left}"
        case PinBlocked() if what == "PUK":
            return "the PUK is blocked: a blocked PIN stays so until the token is erased"
        case PinBlocked():
            return "the PIN is blocked: `ushield unblock` sets a new one with the PUK"
        case SecurityStatusError():
            return f"{error.command} needs the PIN: another program may have logged out"
        case ConditionsError() if error.command in _OF_PINS:
            return (
                f"{error.command}: the token has no PIN yet, or is out of use: `ushield info` "
                "shows its phase"
            )
        case ConditionsError():
            return f"{error.command}: this key, or the token in its phase of life, does not do that"
        case NoSpace():
            return "the token has no room for that: it holds a dozen keys or two, with certificates"
        case CardError(sw=SW.MEMORY_FAILURE):
            return "the token could not write: is the image, or its folder, read-only or full?"
        case _:
            return str(error)
