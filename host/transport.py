"""The way to a card, as everything above sees it: one `transmit`.

Two ways are there: `host.memory` for a card in this process, `host.pcsc` for a card in a reader.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from contextlib import AbstractContextManager
from types import TracebackType
from typing import Protocol, Self


class ClosedByWith(ABC):
    """What closes itself at the end of a ``with`` statement."""

    @abstractmethod
    def close(self) -> None:
        """Let it go; closing twice is no error."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


class CardPort(Protocol):
    """What a way to a card knows of it (ISO 7816-3 §6)."""

    def power_on(self) -> bytes:
        """Give power; the answer to reset."""
        ...

    def transmit(self, command: bytes, /) -> bytes:
        """One command APDU in, one response APDU out."""
        ...

    def reset(self) -> bytes:
        """Warm reset; the answer to reset."""
        ...

    def power_off(self) -> None:
        """Take the power away."""
        ...


class Transport(Protocol):
    """A card that this program is connected to. Use it from one thread at a time.

    Everything may raise a `host.errors.TransportError`. As a context manager it closes itself.
    """

    @property
    def exclusive(self) -> bool:
        """Whether nobody else can send this card a command between two of ours."""
        ...

    @property
    def atr(self) -> bytes:
        """The answer to the last reset (ISO 7816-3 §8)."""
        ...

    def transmit(self, command: bytes, /) -> bytes:
        """Send one command APDU; the response APDU, which ends in the status word."""
        ...

    def reset(self) -> bytes:
        """Reset the card, which forgets every verified PIN; the answer to reset."""
        ...

    def transaction(self) -> AbstractContextManager[None]:
        """Keep everybody else's commands out while the context lasts; it may be nested."""
        ...

    def close(self) -> None:
        """Let the card go; closing twice is no error."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...


class AroundTransport(ClosedByWith):
    """A transport around another one, which passes everything on: for what changes a part of it."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    @property
    def exclusive(self) -> bool:
        """Whether nobody else can send this card a command between two of ours."""
        return self._transport.exclusive

    @property
    def atr(self) -> bytes:
        """The answer to the last reset."""
        return self._transport.atr

    def transmit(self, command: bytes, /) -> bytes:
        """Send one command APDU; the response APDU."""
        return self._transport.transmit(command)

    def reset(self) -> bytes:
        """Reset the card; the answer to reset."""
        return self._transport.reset()

    def transaction(self) -> AbstractContextManager[None]:
        """Keep everybody else's commands out."""
        return self._transport.transaction()

    def close(self) -> None:
        """Let the card go."""
        self._transport.close()
