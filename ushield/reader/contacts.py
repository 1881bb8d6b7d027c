"""A reader's contacts: the card on them, its power, its answer to reset, the protocol in force."""

from __future__ import annotations

import logging
from collections.abc import Callable

from apdu.atr import parse_atr
from apdu.errors import ApduError
from ushield.reader.card import CardPort
from ushield.reader.codes import Protocol, Rv, Share, State
from ushield.reader.messages import MAX_ATR

_log = logging.getLogger(__name__)

_READY = int(State.PRESENT | State.POWERED | State.NEGOTIABLE)
_MUTE = int(State.PRESENT | State.SWALLOWED)
_MOST_EVENTS = 0xFFFF
_SHORTEST_ATR = 2


class Contacts:
    """At most one card. A card that fails to answer a reset is mute, and stays so until one does.

    `state` has the bits of `State`, `protocol` is 0 until one is chosen, `events` counts how often
    a card came or went. `call_off` ends a command that waits for a person; None for most cards.
    """

    def __init__(self) -> None:
        self.card: CardPort | None = None
        self.call_off: Callable[[], None] | None = None
        self.atr = b""
        self.state = int(State.ABSENT)
        self.protocol = 0
        self.events = 0
        self.powered = False

    @property
    def mute(self) -> bool:
        """Whether there is a card that did not answer its reset."""
        return bool(self.state & State.SWALLOWED)

    def insert(self, card: CardPort) -> None:
        """Put a card on the contacts and power it."""
        self.card, self.call_off = card, interruption(card)
        self._power_on(card)
        self._count_event()

    def remove(self) -> CardPort | None:
        """Take the card away; it, so that its power can be taken. None when there was none."""
        card, self.card, self.call_off = self.card, None, None
        if card is not None:
            self.atr, self.protocol = b"", 0
            self.state, self.powered = int(State.ABSENT), False
            self._count_event()
        return card

    def reset(self, *, cold: bool) -> Rv:
        """Reset the card, `cold` by taking its power away for a moment; nothing is negotiated then.

        A card without power gets it.
        """
        card = self.card
        if card is None:
            return Rv.NO_SMARTCARD
        if self.powered and cold:
            take_power(card)
        if self.powered and not cold:
            self._answer_to(card.reset)
        else:
            self._power_on(card)
        return Rv.SUCCESS if self.powered else Rv.UNRESPONSIVE_CARD

    def unpower(self) -> None:
        """Take the card's power away; the next connection gives it back."""
        if self.card is not None:
            take_power(self.card)
            self.protocol = 0
            self.state, self.powered = int(State.PRESENT), False

    def make_ready(self) -> Rv:
        """Give power to a card that has none."""
        if self.card is None:
            return Rv.NO_SMARTCARD
        if not self.powered:
            self._power_on(self.card)
        return Rv.SUCCESS if self.powered else Rv.UNPOWERED_CARD

    def choose_protocol(self, share: int, protocols: int) -> Rv:
        """Choose among what the client speaks and the card offers, unless it is chosen already."""
        if protocols & Protocol.RAW:
            self.protocol = int(Protocol.RAW)
        elif share == Share.DIRECT:
            return Rv.SUCCESS
        elif self.protocol:
            return Rv.SUCCESS if protocols & self.protocol else Rv.PROTO_MISMATCH
        else:
            if protocols & Protocol.ANY_OLD:
                protocols = Protocol.ANY
            possible = protocols & _protocols_of(self.atr)
            if not possible:
                return Rv.PROTO_MISMATCH
            self.protocol = int(Protocol.T1 if possible & Protocol.T1 else Protocol.T0)
        return Rv.SUCCESS

    def _power_on(self, card: CardPort) -> None:
        self._answer_to(card.power_on)

    def _answer_to(self, reset: Callable[[], bytes]) -> None:
        self.protocol = 0
        try:
            atr = reset()
            if not _SHORTEST_ATR <= len(atr) <= MAX_ATR:
                raise ValueError(f"an answer to reset of {len(atr)} bytes")
            self.atr, self.state, self.powered = atr, _READY, True
        except Exception:  # noqa: BLE001 a card is anybody's code
            _log.exception("a card does not answer its reset")
            self.atr, self.state, self.powered = b"", _MUTE, False

    def _count_event(self) -> None:
        self.events = 0 if self.events >= _MOST_EVENTS else self.events + 1


def take_power(card: CardPort) -> None:
    """Take a card's power away. Its own faults are for the log: there is nobody to tell."""
    try:
        card.power_off()
    except Exception:  # noqa: BLE001 a card is anybody's code
        _log.exception("a card fails when its power is taken away")


def interruption(card: CardPort) -> Callable[[], None] | None:
    """What calls off a command that waits in this card for a person; None for most cards."""
    interrupt = getattr(card, "interrupt", None)
    if interrupt is None:
        return None

    def call_off() -> None:
        try:
            interrupt()
        except Exception:  # noqa: BLE001 a card is anybody's code
            _log.exception("a card fails when its command is called off")

    return call_off


def _protocols_of(atr: bytes) -> int:
    """The protocols that a card offers, as bits."""
    try:
        offered = parse_atr(atr).protocols
    except ApduError:
        offered = (0,)
    bits = {0: Protocol.T0, 1: Protocol.T1}
    return sum(bits.get(protocol, 0) for protocol in offered)
