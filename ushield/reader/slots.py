"""One reader of the PC/SC service: its card, who is connected, and who may do what when.

A state machine without I/O, after pcsc-lite's winscard.c and readerfactory.c. Methods answer the
return code, or WAIT: the same call is to be made again when something has changed. Whoever calls
sees to it that one call at a time is made, and that none is made that may power the card while a
command is being executed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Final

from apdu.atr import parse_atr
from apdu.errors import ApduError
from ushield.reader.card import CardPort
from ushield.reader.codes import Disposition, Protocol, Rv, Share, State
from ushield.reader.messages import ReaderRecord


class Wait(Enum):
    """The one value of "not yet"."""

    WAIT = "wait"


WAIT: Final = Wait.WAIT

GRACE_SECONDS = 5.0
"""How long a card that nobody is connected to keeps its power, as pcscd has it."""

_READY = State.PRESENT | State.POWERED | State.NEGOTIABLE
_EXCLUSIVE = -1
_ANY_PROTOCOL = Protocol.T0 | Protocol.T1 | Protocol.RAW | Protocol.ANY_OLD
_MOST_EVENTS = 0xFFFF


@dataclass(slots=True)
class Handle:
    """One connection to the card. `event` is what happened to the card since it was made."""

    number: int
    event: Rv = Rv.SUCCESS


class Reader:
    """A reader with at most one card in it. `clock` gives seconds, for the grace period."""

    def __init__(self, name: str, clock: Callable[[], float]) -> None:
        self.name = name
        self.card: CardPort | None = None
        self.protocol = 0
        self._clock = clock
        self._handles: dict[int, Handle] = {}
        self._atr = b""
        self._state = int(State.ABSENT)
        self._powered = False
        self._idle_since: float | None = None
        self._events = 0
        self._sharing = 0
        self._owner = 0
        self._depth = 0

    # --- what everybody may see -----------------------------------------------------------------

    @property
    def record(self) -> ReaderRecord:
        """The reader as the service tells its clients."""
        return ReaderRecord(
            self.name, self._events, self._state, self._sharing, self._atr, self.protocol
        )

    @property
    def atr(self) -> bytes:
        """The answer to the last reset; empty without a card."""
        return self._atr

    def owned_by(self, handle: int) -> bool:
        """Whether this connection holds the card in a transaction."""
        return self._owner == handle

    def locked_for(self, handle: int) -> bool:
        """Whether another connection holds the card in a transaction."""
        return self._owner not in (0, handle)

    # --- the card comes and goes ----------------------------------------------------------------

    def insert(self, card: CardPort) -> None:
        """Put a card in and power it."""
        self.card = card
        self._power_on()
        self._count_event()

    def remove(self) -> CardPort | None:
        """Take the card out; it, so that its power can be taken away. None when there was none."""
        card, self.card = self.card, None
        if card is not None:
            self._mark(Rv.REMOVED_CARD)
            self._atr, self.protocol = b"", 0
            self._state, self._powered = int(State.ABSENT), False
            self._count_event()
        return card

    def reset(self) -> Rv:
        """Reset the card by hand: every connection is told."""
        if self.card is None:
            return Rv.NO_SMARTCARD
        self._mark(Rv.RESET_CARD)
        return self._reset(cold=False)

    # --- connections ----------------------------------------------------------------------------

    def connect(self, number: int, share: int, protocols: int, *, own: bool) -> Rv | Wait:
        """A new connection; `own` says that its client holds the transaction itself."""
        rv = check_wish(share, protocols)
        if rv is not Rv.SUCCESS:
            return rv
        if self._sharing == _EXCLUSIVE:
            return Rv.SHARING_VIOLATION
        if self._owner and not own:
            return WAIT
        if share != Share.DIRECT and (rv := self._make_ready()) is not Rv.SUCCESS:
            return rv
        rv = self._choose_protocol(share, protocols)
        if rv is not Rv.SUCCESS:
            return rv
        if share == Share.EXCLUSIVE:
            if self._sharing:
                return Rv.SHARING_VIOLATION
            self._sharing, self._owner, self._depth = _EXCLUSIVE, number, 1
        else:
            self._sharing += 1
        self._handles[number] = Handle(number)
        self._idle_since = None
        return Rv.SUCCESS

    def reconnect(self, number: int, share: int, protocols: int, initialization: int) -> Rv | Wait:
        """Take what happened as known, perhaps with a reset, and perhaps share otherwise."""
        if initialization not in (Disposition.LEAVE, Disposition.RESET, Disposition.UNPOWER):
            return Rv.INVALID_VALUE
        rv = check_wish(share, protocols, share_first=True)
        if rv is not Rv.SUCCESS:
            return rv
        if self.locked_for(number):
            return WAIT
        if share == Share.EXCLUSIVE and self._sharing > 1:
            return WAIT
        rv = self._initialise(initialization)
        if rv is Rv.SUCCESS:
            rv = self._choose_protocol(share, protocols)
        if rv is not Rv.SUCCESS:
            return rv
        self._share_as(number, share)
        self._handles[number].event = Rv.SUCCESS
        return Rv.SUCCESS

    def disconnect(self, number: int, disposition: int) -> Rv | Wait:
        """End a connection; what it held is free."""
        if disposition not in frozenset(Disposition):
            return Rv.INVALID_VALUE
        if disposition != Disposition.LEAVE and self.locked_for(number):
            return WAIT
        if not self.locked_for(number):
            self._owner = self._depth = 0
        if disposition == Disposition.RESET:
            self.reset()
        elif disposition == Disposition.UNPOWER:
            self._unpower()
        del self._handles[number]
        self._sharing = 0 if self._sharing == _EXCLUSIVE else max(0, self._sharing - 1)
        if not self._sharing:
            self._idle_since = self._clock()
        return Rv.SUCCESS

    def abandon(self, number: int) -> None:
        """The client is gone: what it left half-done in a transaction is ended by a reset."""
        inside = self._owner == number and self._sharing != _EXCLUSIVE
        if self._owner == number:
            self._owner = self._depth = 0
        intact = self._handles[number].event is Rv.SUCCESS
        held = inside or self._sharing == _EXCLUSIVE
        self.disconnect(number, Disposition.RESET if held and intact else Disposition.LEAVE)

    # --- transactions and commands --------------------------------------------------------------

    def begin(self, number: int) -> Rv | Wait:
        """Begin a transaction, or one within one's own."""
        event = self._handles[number].event
        if event is not Rv.SUCCESS:
            return event
        if self.locked_for(number):
            return WAIT
        self._owner = number
        self._depth += 1
        return Rv.SUCCESS

    def end(self, number: int, disposition: int) -> Rv:
        """End a transaction, perhaps with a reset that everybody is told of, the owner too."""
        if disposition not in frozenset(Disposition):
            return Rv.INVALID_VALUE
        event = self._handles[number].event
        if event is not Rv.SUCCESS:
            return event
        if self.locked_for(number):
            return Rv.SHARING_VIOLATION
        rv = Rv.SUCCESS
        if disposition in (Disposition.RESET, Disposition.UNPOWER):
            self._mark(Rv.RESET_CARD)
            rv = self._reset(cold=disposition == Disposition.UNPOWER)
        if self._depth <= (1 if self._sharing == _EXCLUSIVE else 0):
            return Rv.NOT_TRANSACTED if rv is Rv.SUCCESS else rv
        self._depth -= 1
        if not self._depth:
            self._owner = 0
        return rv

    def status(self, number: int) -> Rv | Wait:
        """What happened to the card since the connection was made."""
        return WAIT if self.locked_for(number) else self._handles[number].event

    def may_transmit(self, number: int, protocol: int) -> Rv | Wait:
        """Whether a command may go to the card now."""
        if self._owner not in (0, number):
            return WAIT
        event = self._handles[number].event
        if event is not Rv.SUCCESS:
            return event
        if protocol == Protocol.RAW:
            return Rv.SUCCESS if self.card else Rv.NOT_TRANSACTED
        if self.card is None:
            return Rv.NO_SMARTCARD
        if protocol not in (self.protocol, Protocol.ANY_OLD):
            return Rv.PROTO_MISMATCH
        return Rv.SUCCESS

    def event_of(self, number: int) -> Rv:
        """What happened to the card since the connection was made, transaction or not."""
        return self._handles[number].event

    # --- power and protocol ---------------------------------------------------------------------

    def _power_on(self) -> None:
        assert self.card is not None
        self.protocol = 0
        try:
            self._atr = self.card.power_on()
        except Exception:  # noqa: BLE001 a card is anybody's code; a mute one is a state of its own
            self._atr, self._state, self._powered = b"", int(State.PRESENT | State.SWALLOWED), False
        else:
            self._state, self._powered = int(_READY), True

    def _unpower(self) -> None:
        self._mark(Rv.RESET_CARD)
        if self.card is not None:
            self.card.power_off()
            self.protocol = 0
            self._state, self._powered = int(State.PRESENT), False

    def _reset(self, *, cold: bool) -> Rv:
        """Reset a card that is there; what is negotiated is forgotten."""
        if self.card is None:
            return Rv.NO_SMARTCARD
        if self._powered and not cold:
            self._atr = self.card.reset()
            self.protocol, self._state = 0, int(_READY)
            return Rv.SUCCESS
        if self._powered:
            self.card.power_off()
        self._power_on()
        return Rv.SUCCESS if self._powered else Rv.UNRESPONSIVE_CARD

    def _make_ready(self) -> Rv:
        """Power for a card that has none, or was left alone for too long."""
        if self.card is None:
            return Rv.NO_SMARTCARD
        alone = self._idle_since is not None and not self._sharing
        if alone and self._clock() - (self._idle_since or 0.0) > GRACE_SECONDS:
            self.card.power_off()
            self._powered = False
        if not self._powered:
            self._power_on()
        return Rv.SUCCESS if self._powered else Rv.UNPOWERED_CARD

    def _initialise(self, initialization: int) -> Rv:
        if initialization == Disposition.LEAVE:
            if self.card is None:
                return Rv.NO_SMARTCARD
            return Rv.UNRESPONSIVE_CARD if self._state & State.SWALLOWED else Rv.SUCCESS
        self._mark(Rv.RESET_CARD)
        return self._reset(cold=initialization == Disposition.UNPOWER)

    def _choose_protocol(self, share: int, protocols: int) -> Rv:
        if protocols & Protocol.RAW:
            self.protocol = int(Protocol.RAW)
        elif share == Share.DIRECT:
            return Rv.SUCCESS
        elif self.protocol:
            return Rv.SUCCESS if protocols & self.protocol else Rv.PROTO_MISMATCH
        else:
            if protocols & Protocol.ANY_OLD:
                protocols = Protocol.T0 | Protocol.T1
            possible = protocols & _protocols_of(self._atr)
            if not possible:
                return Rv.PROTO_MISMATCH
            self.protocol = int(Protocol.T1 if possible & Protocol.T1 else Protocol.T0)
        return Rv.SUCCESS

    def _share_as(self, number: int, share: int) -> None:
        if share == Share.EXCLUSIVE and self._sharing != _EXCLUSIVE:
            self._sharing, self._owner = _EXCLUSIVE, number
            self._depth += 1
        elif share != Share.EXCLUSIVE and self._sharing == _EXCLUSIVE:
            self._sharing = 1

    def _mark(self, event: Rv) -> None:
        for handle in self._handles.values():
            handle.event = event

    def _count_event(self) -> None:
        self._events = 0 if self._events >= _MOST_EVENTS else self._events + 1


def check_wish(share: int, protocols: int, *, share_first: bool = False) -> Rv:
    """Whether a way of sharing and a set of protocols can be asked for at all."""
    known = share in frozenset(Share)
    speaks = share == Share.DIRECT or protocols & _ANY_PROTOCOL
    if share_first and not known:
        return Rv.INVALID_VALUE
    if not speaks:
        return Rv.PROTO_MISMATCH
    return Rv.SUCCESS if known else Rv.INVALID_VALUE


def _protocols_of(atr: bytes) -> int:
    """The protocols that a card offers, as bits."""
    try:
        offered = parse_atr(atr).protocols
    except ApduError:
        offered = (0,)
    bits = {0: Protocol.T0, 1: Protocol.T1}
    return sum(bits.get(protocol, 0) for protocol in offered)
