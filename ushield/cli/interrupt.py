"""Ctrl-C while a PC/SC driver is at work: Python would notice it only when the driver returns."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from threading import current_thread, main_thread
from typing import TYPE_CHECKING

from host.transport import ClosedByWith

if TYPE_CHECKING:
    from host.transport import Transport


@contextmanager
def ends_at_once() -> Iterator[None]:
    """Ctrl-C ends the program as it ends any other; another thread than the main one hears none."""
    if current_thread() is not main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_DFL)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


class Interruptible(ClosedByWith):
    """A way to a card in a reader that Ctrl-C ends, whoever holds the card and however long."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self.exclusive = transport.exclusive

    @property
    def atr(self) -> bytes:
        """The answer to the last reset."""
        return self._transport.atr

    def transmit(self, command: bytes, /) -> bytes:
        """Send one command APDU; the response APDU."""
        with ends_at_once():
            return self._transport.transmit(command)

    def reset(self) -> bytes:
        """Reset the card; the answer to reset."""
        with ends_at_once():
            return self._transport.reset()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Several commands that nobody else's may come between; another's is waited for."""
        transaction: AbstractContextManager[None] = self._transport.transaction()
        with ends_at_once():
            transaction.__enter__()
        try:
            yield
        finally:
            transaction.__exit__(None, None, None)

    def close(self) -> None:
        """Let the card go."""
        self._transport.close()
