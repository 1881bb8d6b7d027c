"""A limit for what may never come back: a silent service, a card that another program holds."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from queue import Empty, SimpleQueue
from typing import TypeVar

from host.aside import begin_aside
from host.transport import ClosedByWith, Transport

T = TypeVar("T")

Heard = Callable[[], None]
"""To be called at each sign of life."""


def within(seconds: float, act: Callable[[Heard], T]) -> T:
    """What an act comes to; TimeoutError when nothing is heard of it for so long.

    It has a thread of its own, which is left behind when its time is up.
    """
    news: SimpleQueue[None] = SimpleQueue()

    def hear() -> None:
        news.put(None)

    outcome = begin_aside(lambda: act(hear), name="ushield-asking", tell=hear)
    while not outcome.done():
        try:
            news.get(timeout=seconds)
        except Empty:
            raise TimeoutError("it does not answer") from None
    return outcome.result()


class HeardTransport(ClosedByWith):
    """A connection to a card whose every answer is a sign of life: a slow card may be slow."""

    def __init__(self, transport: Transport, heard: Heard) -> None:
        self._transport = transport
        self._heard = heard
        self.transaction: Callable[[], AbstractContextManager[None]] = transport.transaction
        heard()

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
        answer = self._transport.transmit(command)
        self._heard()
        return answer

    def reset(self) -> bytes:
        """Reset the card; the answer to reset."""
        atr = self._transport.reset()
        self._heard()
        return atr

    def close(self) -> None:
        """Let the card go."""
        self._transport.close()
