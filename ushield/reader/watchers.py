"""Clients that wait for something to happen to a reader, and what they are told.

Up to 4:5 a client that begins to wait gets the list of readers in the same breath; one of 4:6 asks
for it next, and would take an event for the beginning of that list. So it hears of an event after
the list.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from ushield.reader.answers import NEWEST_MINOR
from ushield.reader.codes import Rv
from ushield.reader.messages import Wait, build_body
from ushield.reader.slots import Reader

_MINOR_THAT_ASKS = 6


@dataclass(eq=False, slots=True)
class Client:
    """One connection of a program to the service."""

    minor: int = NEWEST_MINOR
    context: int = 0
    handles: dict[int, Reader] = field(default_factory=dict)
    unsettled: bool = False
    """It has asked to wait; what it reads next, it will take for the list of readers."""
    late: bytes = b""
    """A signal that it is told after the list."""


class Watchers:
    """Who waits, and the signals that are to be sent."""

    def __init__(self) -> None:
        self._waiting: dict[Client, None] = {}
        self._signals: list[tuple[Client, bytes]] = []

    def __iter__(self) -> Iterator[Client]:
        """Those who wait now."""
        return iter(self._waiting)

    def begin(self, client: Client) -> None:
        """The client waits for the next event."""
        self._waiting[client] = None
        client.unsettled = client.minor >= _MINOR_THAT_ASKS

    def end(self, client: Client) -> bytes:
        """The client waits no more; what it is to be told: that, or the event it has missed."""
        waited = client in self._waiting
        self.forget(client)
        late = self.settle(client)
        return build_body(Wait()) if waited else late

    def settle(self, client: Client) -> bytes:
        """The client has got its list of readers; what it could not be told before."""
        late, client.late, client.unsettled = client.late, b"", False
        return late

    def forget(self, client: Client) -> None:
        """The client is gone."""
        self._waiting.pop(client, None)

    def tell_all(self) -> None:
        """Something happened: nobody waits any more."""
        for client in list(self._waiting):
            self._tell(client, Rv.SUCCESS)

    def cancel(self, client: Client) -> None:
        """End the client's wait, if it waits, at the wish of another one."""
        if client in self._waiting:
            self._tell(client, Rv.CANCELLED)

    def take_signals(self) -> list[tuple[Client, bytes]]:
        """Who is to be told what; it counts as told."""
        signals, self._signals = self._signals, []
        return signals

    def _tell(self, client: Client, code: Rv) -> None:
        del self._waiting[client]
        signal = build_body(Wait(rv=code))
        if client.unsettled:
            client.late = signal
        else:
            self._signals.append((client, signal))
