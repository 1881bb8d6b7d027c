"""Which PINs of a card can be presented, found out without ever risking the last try."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from apdu import pivedge
from apdu.edge import PKCS15_AID, SO_PIN, USER_PIN
from apdu.instruction import INS
from apdu.payload import PinStatus
from apdu.pivnames import PIV_AID
from apdu.status import SW, describe
from host.conformance.asking import Asking, Said


@dataclass(frozen=True, slots=True)
class Pin:
    """A PIN by its name in dialogues: what people call it, where it is, and the same of its PUK."""

    name: str
    words: str
    reference: int
    application: bytes
    puk: str = ""
    puk_words: str = ""


PINS = (
    Pin("pin", "the PIN", USER_PIN, PKCS15_AID, "puk", "the PUK"),
    Pin("so-pin", "the SO PIN", SO_PIN, PKCS15_AID),
    Pin("piv-pin", "PIV's PIN", pivedge.PIN, PIV_AID, "piv-puk", "PIV's PUK"),
)
PIN_OF = {pin.reference: pin for pin in PINS}
WORDS = {pin.name: pin.words for pin in PINS} | {pin.puk: pin.puk_words for pin in PINS if pin.puk}
"""What people call the values of dialogues that are PINs and PUKs."""

LEAST = 2
"""Tries that must be left for one to be risked."""
NO_PIN = frozenset(
    {SW.REFERENCE_NOT_FOUND, SW.WRONG_P1P2, SW.INS_UNSUPPORTED, SW.FUNCTION_UNSUPPORTED}
)
"""Answers to the question for the tries of a PIN that is not there."""

_NO_COUNT = 16
"""More tries than a status word tells."""


@dataclass(frozen=True, slots=True)
class PinSurvey:
    """Why a PIN or PUK cannot be presented, by its name, and the tries when none is spent.

    `tries` are those of a PIN or PUK, by its name, as far as the card tells them. A card that is
    not `telling` answers the question for them by something else, and may have counted it.
    """

    lacking: Mapping[str, str] = field(default_factory=dict)
    tries: Mapping[str, int] = field(default_factory=dict)
    telling: bool = True


def tries_left(sw: int) -> int | None:
    """The tries that a status word tells (63Cx, 6983), or None."""
    if sw & 0xFFF0 == 0x63C0:
        return sw & 0x0F
    return 0 if sw == SW.AUTH_BLOCKED else None


def survey_pins(
    ask: Asking,
    begin: Callable[[bytes], bool],
    values: Mapping[str, bytes],
    statuses: Sequence[PinStatus],
    before: PinSurvey,
    *,
    copy: bool,
) -> PinSurvey:
    """Present each PIN and PUK once. `begin` resets the card and selects an application.

    `statuses` is what the card tells of its PUKs, if it does. What could not be presented `before`
    is not tried again. With a `copy` nothing is risked.
    """
    lacking: dict[str, str] = {}
    tries: dict[str, int] = {}
    puks = {status.reference: status for status in statuses}
    telling = before.telling
    for pin in PINS:
        why = before.lacking.get(pin.name, "")
        if not why:
            why, telling = _survey_pin(ask, begin, pin, values.get(pin.name), telling=telling)
        lacking[pin.name] = why
        if not why:
            begin(pin.application)
            tries[pin.name] = tries_left(ask.command(INS.VERIFY, pin.reference).sw) or 0
        if pin.puk:
            status = puks.get(pin.reference)
            why = why or before.lacking.get(pin.puk, "")
            lacking[pin.puk] = why or _present_puk(ask, pin, values, status, copy=copy)
            tries |= {pin.puk: status.puk_max} if status else {}
    return PinSurvey(lacking, tries, telling)


def _survey_pin(
    ask: Asking,
    begin: Callable[[bytes], bool],
    pin: Pin,
    block: bytes | None,
    *,
    telling: bool,
) -> tuple[str, bool]:
    """Why this PIN cannot be presented, or nothing; and whether the card tells of tries."""
    there = begin(pin.application)
    if not there and pin.application == PIV_AID:
        return "the card does not have the PIV application", telling
    if block is None:
        return f"{pin.words} was not given", telling
    if not telling:
        return f"the card does not tell the tries left of {pin.words}", telling
    why, telling = _risk(ask, pin)
    if not why:
        said = ask.command(INS.VERIFY, pin.reference, block)
        why = "" if said.ok else f"{pin.words} that was given is refused: {describe(said.sw)}"
    return why, telling


def _risk(ask: Asking, pin: Pin) -> tuple[str, bool]:
    """Why no try of this PIN is to be risked, or nothing; and whether the card tells of tries."""
    before = _NO_COUNT
    # Twice: a card may count the question itself.
    for _ in range(2):
        said = ask.command(INS.VERIFY, pin.reference)
        left = tries_left(said.sw)
        if left is None:
            return _untold(pin, said), said.ok or said.sw in NO_PIN
        if left < LEAST:
            return f"{pin.words} has {'one try' if left else 'no try'} left: not risked", True
        if left < before < _NO_COUNT:
            return f"the card counts a question about {pin.words} as a try", False
        before = left
    return "", True


def _untold(pin: Pin, said: Said) -> str:
    if said.ok:
        return f"the card asks for no PIN under reference {pin.reference:02X}"
    if said.sw in NO_PIN:
        return f"the card has no PIN with reference {pin.reference:02X}"
    told = f"{said.sw:04X}, {describe(said.sw)}"
    return f"the card does not tell the tries left of {pin.words}: {told}"


def _present_puk(
    ask: Asking, pin: Pin, values: Mapping[str, bytes], status: PinStatus | None, *, copy: bool
) -> str:
    """Why the PUK cannot be presented. It sets the PIN to what it is."""
    what, puk = pin.puk_words, values.get(pin.puk)
    if puk is None:
        return f"{what} was not given"
    if status is None and not copy:
        return f"the card does not tell the tries left of {what}"
    if status is not None and status.puk_left < LEAST:
        return f"{what} has no try left that could be risked"
    said = ask.command(INS.RESET_RETRY, pin.reference, puk + values[pin.name])
    return "" if said.ok else f"{what} that was given is refused: {describe(said.sw)}"
