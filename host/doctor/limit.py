"""A limit for what may never come back: a silent service, a card that another program holds."""

from __future__ import annotations

from collections.abc import Callable
from queue import Empty, SimpleQueue
from typing import TypeVar

from host.aside import begin_aside
from host.transport import AroundTransport, Transport

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


class HeardTransport(AroundTransport):
    """A connection to a card whose every answer is a sign of life: a slow card may be slow."""

    def __init__(self, transport: Transport, heard: Heard) -> None:
        super().__init__(transport)
        self._heard = heard
        heard()

    def transmit(self, command: bytes, /) -> bytes:
        """Send one command APDU; the response APDU."""
        answer = super().transmit(command)
        self._heard()
        return answer

    def reset(self) -> bytes:
        """Reset the card; the answer to reset."""
        atr = super().reset()
        self._heard()
        return atr
