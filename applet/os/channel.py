"""Command chaining, and answers that are longer than the host can take at once.

ISO 7816-4 §5.3.3 (chaining by CLA b5) and §5.3.4 (61xx, GET RESPONSE).
"""

from __future__ import annotations

from apdu.command import Command
from apdu.status import SW, bytes_left, exact_length
from applet.os.errors import CardError

LONGEST_CHAIN = 65535
"""Bytes of command data that a chain may carry in all."""
_OK = int(SW.OK)
_SHORT = 256


class Chain:
    """A command that arrives in pieces."""

    def __init__(self) -> None:
        self._first: Command | None = None
        self._pieces = bytearray()

    def clear(self) -> None:
        """Drop what has arrived."""
        if self._first is not None:
            self._first = None
            self._pieces = bytearray()

    def take(self, command: Command) -> Command | None:
        """One command of the transport: the whole command when it is complete, else None.

        A command that does not go on with the open chain drops it. A chain longer than 65,535
        bytes is dropped with 6700.
        """
        first = self._first
        if first is not None and first[1:4] != command[1:4]:
            self.clear()
            first = None
        if not command.chained and first is None:
            return command
        if len(self._pieces) + len(command.data) > LONGEST_CHAIN:
            self.clear()
            raise CardError(SW.WRONG_LENGTH)
        self._pieces += command.data
        if command.chained:
            self._first = first or command
            return None
        whole = command._replace(data=bytes(self._pieces), extended=True)
        self.clear()
        return whole


class Outbox:
    """The rest of an answer, waiting for GET RESPONSE."""

    def __init__(self) -> None:
        self._rest = b""

    def clear(self) -> None:
        """Drop what was not fetched."""
        self._rest = b""

    def send(self, data: bytes, le: int) -> tuple[bytes, int]:
        """As much as `le` allows, and 9000 or 61xx; without Le (0) up to 256 bytes."""
        room = le or _SHORT
        if len(data) <= room:
            return data, _OK
        self._rest = data[room:]
        return data[:room], bytes_left(len(self._rest))

    def fetch(self, command: Command) -> tuple[bytes, int]:
        """GET RESPONSE: the next part; 6985 when nothing waits, 6Cxx when less waits than asked."""
        rest = self._rest
        if command.p1p2:
            raise CardError(SW.WRONG_P1P2)
        if command.data:
            raise CardError(SW.WRONG_LENGTH)
        if not rest:
            raise CardError(SW.CONDITIONS)
        if len(rest) < command.le < _SHORT:
            raise CardError(exact_length(len(rest)))
        self._rest = b""
        return self.send(rest, command.le)
