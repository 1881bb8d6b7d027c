"""A card in this very process, without reader and service."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext

from host.errors import TransportClosed
from host.transport import CardPort, ClosedByWith

_ALONE: AbstractContextManager[None] = nullcontext()


class MemoryTransport(ClosedByWith):
    """The card is powered on here, and off by `close`. Nobody else can reach it meanwhile."""

    exclusive = True

    def __init__(self, card: CardPort) -> None:
        self._card = card
        self._atr = card.power_on()
        self._send = card.transmit

    @property
    def atr(self) -> bytes:
        """The answer to the last reset."""
        return self._atr

    def transmit(self, command: bytes, /) -> bytes:
        """Send one command APDU; the response APDU."""
        return self._send(command)

    def reset(self) -> bytes:
        """Reset the card; the answer to reset."""
        if self._send is _closed:
            _closed()
        self._atr = self._card.reset()
        return self._atr

    def transaction(self) -> AbstractContextManager[None]:
        """Nothing to keep out."""
        return _ALONE

    def close(self) -> None:
        """Take the card's power away."""
        if self._send is not _closed:
            self._send = _closed
            self._card.power_off()


def _closed(_command: bytes = b"", /) -> bytes:
    raise TransportClosed("the card in memory was closed")
