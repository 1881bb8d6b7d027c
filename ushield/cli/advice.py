"""The card's refusals in a user's words: what is wrong, and what to do about it."""

from __future__ import annotations

from apdu.status import SW
from host.errors import (
    CardError,
    ConditionsError,
    NoSpace,
    PinBlocked,
    SecurityStatusError,
    WrongPin,
)

_UNBLOCKING = "RESET RETRY COUNTER"


def advice(error: CardError) -> str:
    """One line; for a refusal that a user cannot cause, the card's own words."""
    what = "PUK" if error.command == _UNBLOCKING else "PIN"
    match error:
        case WrongPin():
            left = f"{error.tries_left} {'try' if error.tries_left == 1 else 'tries'} left"
            return f"the {what} is wrong: {left}"
        case PinBlocked() if what == "PUK":
            return "the PUK is blocked: the token can only be erased, with its SO PIN"
        case PinBlocked():
            return "the PIN is blocked: `ushield unblock` sets a new one with the PUK"
        case SecurityStatusError():
            return f"{error.command} needs the PIN: another program may have logged out"
        case ConditionsError():
            return f"{error.command}: this key, or the token in its phase of life, does not do that"
        case NoSpace():
            return "the token has no room for that: it holds a dozen keys or two, with certificates"
        case CardError(sw=SW.MEMORY_FAILURE):
            return "the token could not write: is the image, or its folder, read-only or full?"
        case _:
            return str(error)
