"""A conversation between a client and a PC/SC service, read along: which card was told what.

Nothing is changed and nothing is held back; whoever carries the bytes shows them to the tap first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from threading import Lock
from typing import Protocol

from ushield.reader.codes import Disposition, Rv
from ushield.reader.messages import (
    Body,
    Connect,
    Disconnect,
    End,
    Inbox,
    ReaderRecord,
    Reconnect,
    Replies,
    Transmit,
)

_RESETS = (Disposition.RESET, Disposition.UNPOWER)
_FAILURES = frozenset(
    {
        *(Rv.COMM_ERROR, Rv.NOT_TRANSACTED, Rv.REMOVED_CARD),
        *(Rv.NO_SMARTCARD, Rv.UNRESPONSIVE_CARD),
    }
)
"""What a command ends with that was sent and never answered; with others it was not sent."""


class Listener(Protocol):
    """Who is told what goes on between programs and cards, from several threads at once.

    An ATR is empty where nobody has asked the service for it.
    """

    def connected(self, reader: str, atr: bytes) -> None:
        """A program is connected to the card in this reader."""
        ...

    def reset(self, reader: str, atr: bytes) -> None:
        """A program has reset the card."""
        ...

    def exchanged(self, reader: str, command: bytes, answer: bytes, since: int) -> None:
        """A command was answered just now; empty if the card failed. `since`: when it was sent."""
        ...


class Atrs:
    """The answers to reset of the cards in the readers, from whatever the service last told."""

    def __init__(self) -> None:
        self._known: dict[str, bytes] = {}

    def learn(self, records: Iterable[ReaderRecord]) -> None:
        """What the service says of its readers."""
        self._known.update({record.name: record.atr for record in records})

    def of(self, reader: str) -> bytes:
        """The answer to reset of the card in this reader; empty if nobody has asked yet."""
        return self._known.get(reader, b"")


class Tap:
    """Reads one client's conversation. What it cannot understand raises MessageError, for good.

    `clock` gives the times that the listener is told.
    """

    def __init__(self, listener: Listener, atrs: Atrs, clock: Callable[[], int]) -> None:
        self._listener = listener
        self._atrs = atrs
        self._clock = clock
        self._asked_at = 0
        self._inbox = Inbox()
        self._replies = Replies()
        self._readers: dict[int, str] = {}
        self._lock = Lock()

    def asked(self, data: bytes) -> None:
        """The client says this; to be called before the service can hear it."""
        with self._lock:
            self._asked_at = self._clock()
            self._inbox.feed(data)
            while (message := self._inbox.next()) is not None:
                self._replies.expect(message)

    def answered(self, data: bytes) -> None:
        """The service says this."""
        with self._lock:
            self._replies.feed(data)
            while (reply := self._replies.next()) is not None:
                self._atrs.learn(reply.records)
                if reply.request is not None and reply.body is not None:
                    self._hear(reply.body, reply.request.data, reply.data)

    def _hear(self, body: Body, sent: bytes, received: bytes) -> None:
        match body:
            case Transmit(card=card, rv=rv):
                if rv == Rv.SUCCESS or rv in _FAILURES:
                    self._listener.exchanged(self._reader(card), sent, received, self._asked_at)
            case Connect(card=card, reader=reader, rv=Rv.SUCCESS):
                self._readers[card] = reader
                self._listener.connected(reader, self._atrs.of(reader))
            case Reconnect(card=card, initialization=disposition, rv=Rv.SUCCESS):
                self._may_reset(card, disposition)
            case End(card=card, disposition=disposition, rv=Rv.SUCCESS):
                self._may_reset(card, disposition)
            case Disconnect(card=card, disposition=disposition, rv=Rv.SUCCESS):
                self._may_reset(card, disposition)
                self._readers.pop(card, None)
            case _:
                pass

    def _may_reset(self, card: int, disposition: int) -> None:
        if disposition in _RESETS:
            reader = self._reader(card)
            self._listener.reset(reader, self._atrs.of(reader))

    def _reader(self, card: int) -> str:
        """The reader of a handle; a handle that the service never gave has none."""
        return self._readers.get(card, "")
