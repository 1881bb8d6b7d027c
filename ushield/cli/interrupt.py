"""Ctrl-C while a PC/SC driver is at work: Python would notice it only when the driver returns."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from threading import current_thread, main_thread

from host.transport import AroundTransport


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


class Interruptible(AroundTransport):
    """A way to a card in a reader that Ctrl-C ends, whoever holds the card and however long."""

    def transmit(self, command: bytes, /) -> bytes:
        """Send one command APDU; the response APDU."""
        with ends_at_once():
            return super().transmit(command)

    def reset(self) -> bytes:
        """Reset the card; the answer to reset."""
        with ends_at_once():
            return super().reset()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Keep everybody else's commands out, once another one's transaction is over."""
        with ExitStack() as stack:
            with ends_at_once():
                stack.enter_context(super().transaction())
            yield
