"""Where our service answers otherwise than pcscd with vpcd, each with its reason.

Everything else is a fault. The table of docs/reader.md has the same rows.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import zip_longest
from typing import NamedTuple

from tests.pcsc.differential.conversation import Line


class Difference(NamedTuple):
    """What pcscd answers to a call and what we answer, as patterns, and why."""

    subject: str
    reason: str
    call: str
    pcscd: str
    ours: str


HUNG_UP = r"(SECURITY_VIOLATION|COMM_ERROR|NO_SERVICE)( 65548)?"

DELIBERATE = (
    Difference(
        "SCardGetAttrib: ATR",
        "vpcd has no attributes",
        r"attribute ATR( 4| null)?",
        r"UNSUPPORTED_FEATURE \d+",
        r"SUCCESS 4( 3b800181)?",
    ),
    Difference(
        "SCardGetAttrib: ATR",
        "vpcd has no attributes",
        r"attribute ATR 3",
        r"UNSUPPORTED_FEATURE 3",
        r"INSUFFICIENT_BUFFER 4",
    ),
    Difference(
        "SCardGetAttrib: names of the reader",
        "pcscd knows them, but vpcd spoils the length and pcscd finds any buffer too small",
        r"attribute (FRIENDLY|SYSTEM)( 18| null)?",
        r"INSUFFICIENT_BUFFER \d+",
        r"SUCCESS 18( 5669727475616c2050434420303020303000)?",
    ),
    Difference(
        "SCardGetAttrib: names of the reader",
        "pcscd knows them, but vpcd spoils the length and pcscd finds any buffer too small",
        r"attribute FRIENDLY 17",
        r"INSUFFICIENT_BUFFER 17",
        r"INSUFFICIENT_BUFFER 18",
    ),
    Difference(
        "SCardGetAttrib: vendor",
        "vpcd has no attributes",
        r"attribute VENDOR",
        r"UNSUPPORTED_FEATURE \d+",
        r"SUCCESS 8 75736869656c6400",
    ),
    Difference(
        "SCardSetAttrib",
        "there is nothing to set in either; vpcd's way of saying so comes out as a failure",
        r"set_attribute.*",
        r"NOT_TRANSACTED",
        r"UNSUPPORTED_FEATURE",
    ),
    Difference(
        "SCardControl: CM_IOCTL_GET_FEATURE_REQUEST",
        "vpcd does not know the question; ours answers with an empty list of features",
        r"control( FEATURES( .*)?)?",
        r"UNSUPPORTED_FEATURE 0",
        r"SUCCESS 0",
    ),
    Difference(
        "reconnect after another client took the power away",
        "pcscd leaves the card without power and says that all is well; ours gives power, because "
        "a card needs it",
        r"see|status",
        r"(.* )PRESENT( .*)T1( .*)?",
        r"(.* )PRESENT\|POWERED\|NEGOTIABLE( .*)T1( .*)?",
    ),
    Difference(
        "connect after another client took the power away and a third reconnected",
        "pcscd takes the card for powered and does not power it",
        r"connect( .*)?",
        r"UNPOWERED_CARD",
        r"SUCCESS T1",
    ),
    Difference(
        "connect by a client that holds the transaction itself",
        "in pcscd the client waits for itself, for ever",
        r"connect \.\.\.",
        r"waits",
        r"SUCCESS T1",
    ),
    Difference(
        "a connection that the service has closed",
        "the client library has three codes for it, and chance decides which",
        r".*",
        HUNG_UP,
        HUNG_UP,
    ),
    Difference(
        "several who wait when the card is pulled out",
        "pcscd's clients look ten times a second, and chance decides whose reset comes first",
        r"returns",
        r"(RESET|REMOVED)_CARD( 0)?",
        r"(RESET|REMOVED)_CARD( 0)?",
    ),
)


def explained(call: str, pcscd: str, ours: str) -> bool:
    """Whether the two answers to the call are the same, or differ as they should."""
    return pcscd == ours or any(
        re.fullmatch(rf"(\S+ )?({one.call})", call)
        and re.fullmatch(one.pcscd, pcscd)
        and re.fullmatch(one.ours, ours)
        for one in DELIBERATE
    )


def compare(pcscd: Sequence[Line], ours: Sequence[Line]) -> list[str]:
    """Both sides of a script, as a text, when a line of them differs as none should; else none."""
    nothing = Line("", "")
    pairs = list(zip_longest(pcscd, ours, fillvalue=nothing))
    wrong = [not explained(a.step or b.step, a.result, b.result) for a, b in pairs]
    if not any(wrong):
        return []
    text: list[str] = []
    for (a, b), differs in zip(pairs, wrong, strict=True):
        text.append(f"    {a.step or b.step} -> {a.result}" if a.step else f"    ({b.step})")
        if differs:
            text.append(f"  ! {' ' * len(b.step)} ours: {b.result or 'not reached'}")
    return text
