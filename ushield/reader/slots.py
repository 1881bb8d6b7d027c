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

from ushield.reader.card import CardPort
from ushield.reader.codes import Disposition, Protocol, Rv, Share
from ushield.reader.contacts import Contacts
from ushield.reader.messages import ReaderRecord


class Wait(Enum):
    """The one value of "not yet"."""

    WAIT = "wait"


WAIT: Final = Wait.WAIT

GRACE_SECONDS = 5.0
"""How long a card that nobody is connected to keeps its power, as pcscd has it."""

_EXCLUSIVE = -1
_RAW, _ANY_OLD = int(Protocol.RAW), int(Protocol.ANY_OLD)
_ANY_PROTOCOL = Protocol.T0 | Protocol.T1 | Protocol.RAW | Protocol.ANY_OLD


@dataclass(slots=True)
class Handle:
    """One connection to the card.

    `event` is what happened to the card since it was made; `initialised`, that the reset which a
    reconnection asked for was made already, and it waits to be alone.
    """

    number: int
    event: Rv = Rv.SUCCESS
    initialised: bool = False


class Reader:
    """A reader with at most one card in it. `clock` gives seconds, for the grace period."""

    def __init__(self, name: str, clock: Callable[[], float]) -> None:
        self.name = name
        self.contacts = Contacts()
        self._clock = clock
        self._handles: dict[int, Handle] = {}
        self._idle_since: float | None = None
        self._sharing = 0
        self._owner = 0
        self._depth = 0

    # --- what everybody may see -----------------------------------------------------------------

    @property
    def record(self) -> ReaderRecord:
        """The reader as the service tells its clients."""
        on = self.contacts
        return ReaderRecord(self.name, on.events, on.state, self._sharing, on.atr, on.protocol)

    @property
    def locked(self) -> bool:
        """Whether a connection holds the card in a transaction."""
        return bool(self._owner)

    @property
    def ready(self) -> bool:
        """Whether another connection would leave the card's power as it is."""
        return self.contacts.powered and not self._left_alone()

    def owned_by(self, handle: int) -> bool:
        """Whether this connection holds the card in a transaction."""
        return self._owner == handle

    def locked_for(self, handle: int) -> bool:
        """Whether another connection holds the card in a transaction."""
        return self._owner not in (0, handle)

    # --- the card comes and goes ----------------------------------------------------------------

    def insert(self, card: CardPort) -> None:
        """Put a card in and power it."""
        self.contacts.insert(card)
        self._idle_since = None

    def remove(self) -> CardPort | None:
        """Take the card out: every connection is told. The card, None when there was none."""
        card = self.contacts.remove()
        if card is not None:
            self._mark(Rv.REMOVED_CARD)
            self._owner = self._depth = 0
        return card

    def reset(self) -> Rv:
        """Reset the card by hand: every connection is told."""
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
        if self._left_alone():
            self.contacts.unpower()
        if share != Share.DIRECT:
            rv = self.contacts.make_ready()
        if rv is Rv.SUCCESS:
            rv = self.contacts.choose_protocol(share, protocols)
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
        handle = self._handles[number]
        if not handle.initialised:
            rv = self._initialise(initialization)
        if rv is Rv.SUCCESS and share != Share.DIRECT:
            rv = self.contacts.make_ready()
        if rv is Rv.SUCCESS:
            rv = self.contacts.choose_protocol(share, protocols)
        handle.initialised = rv is Rv.SUCCESS and share == Share.EXCLUSIVE and self._sharing > 1
        if handle.initialised:
            return WAIT
        if rv is not Rv.SUCCESS:
            return rv
        self._share_as(number, share)
        handle.event = Rv.SUCCESS
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
            self._mark(Rv.RESET_CARD)
            self.contacts.unpower()
        del self._handles[number]
        self._sharing = 0 if self._sharing == _EXCLUSIVE else max(0, self._sharing - 1)
        if not self._sharing:
            self._idle_since = self._clock()
        return Rv.SUCCESS

    def abandon(self, number: int) -> None:
        """The client is gone: what it left half-done in a transaction is ended by a reset."""
        intact = self._handles[number].event is Rv.SUCCESS
        reset = intact and self.owned_by(number)
        self.disconnect(number, Disposition.RESET if reset else Disposition.LEAVE)

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
        if disposition == Disposition.EJECT:
            rv = Rv.UNSUPPORTED_FEATURE
        elif disposition != Disposition.LEAVE:
            rv = self._reset(cold=disposition == Disposition.UNPOWER)
            rv = Rv.REMOVED_CARD if rv is Rv.NO_SMARTCARD else rv
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
        if protocol == _RAW:
            return Rv.SUCCESS if self.contacts.card else Rv.NOT_TRANSACTED
        if self.contacts.card is None:
            return Rv.NO_SMARTCARD
        if protocol not in (self.contacts.protocol, _ANY_OLD):
            return Rv.PROTO_MISMATCH
        return Rv.SUCCESS

    def event_of(self, number: int) -> Rv:
        """What happened to the card since the connection was made, transaction or not."""
        return self._handles[number].event

    # --- helpers --------------------------------------------------------------------------------

    def _reset(self, *, cold: bool) -> Rv:
        """Reset the card; every connection is told, also the one that asked for it."""
        self._mark(Rv.RESET_CARD)
        return self.contacts.reset(cold=cold)

    def _left_alone(self) -> bool:
        """Whether nobody was connected for so long that the card's power is to be taken away."""
        if self._idle_since is None or self._sharing or not self.contacts.powered:
            return False
        return self._clock() - self._idle_since > GRACE_SECONDS

    def _initialise(self, initialization: int) -> Rv:
        if initialization != Disposition.LEAVE:
            return self._reset(cold=initialization == Disposition.UNPOWER)
        if self.contacts.card is None:
            return Rv.NO_SMARTCARD
        return Rv.UNRESPONSIVE_CARD if self.contacts.mute else Rv.SUCCESS

    def _share_as(self, number: int, share: int) -> None:
        if share == Share.EXCLUSIVE and self._sharing != _EXCLUSIVE:
            self._sharing, self._owner = _EXCLUSIVE, number
            self._depth += 1
        elif share != Share.EXCLUSIVE and self._sharing == _EXCLUSIVE:
            # As pcscd: one transaction ends, but never the last.
            self._sharing = 1
            if self._depth > 1:
                self._depth -= 1

    def _mark(self, event: Rv) -> None:
        for handle in self._handles.values():
            handle.event = event


def check_wish(share: int, protocols: int, *, share_first: bool = False) -> Rv:
    """Whether a way of sharing and a set of protocols can be asked for at all."""
    known = share in frozenset(Share)
    speaks = share == Share.DIRECT or protocols & _ANY_PROTOCOL
    if share_first and not known:
        return Rv.INVALID_VALUE
    if not speaks:
        return Rv.PROTO_MISMATCH
    return Rv.SUCCESS if known else Rv.INVALID_VALUE
