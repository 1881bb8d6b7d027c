"""vpcd's side of the line in Python: a test says what is sent, and in what pieces."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Self

from ushield.reader.card import CardPort
from ushield.reader.vpcd import Plug, PlugEvents

OFF, ON, RESET, ASK_ATR = b"\x00", b"\x01", b"\x02", b"\x04"


def framed(*messages: bytes) -> bytes:
    """Messages as they are on the wire, glued together."""
    return b"".join(len(message).to_bytes(2, "big") + message for message in messages)


class Line:
    """One connection of a card to the reader."""

    def __init__(self, connection: socket.socket) -> None:
        connection.settimeout(10)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._connection = connection

    def send(self, *pieces: bytes) -> None:
        for piece in pieces:
            self._connection.sendall(piece)

    def receive(self) -> bytes:
        """The next message of the card. EOFError when it has gone."""
        return self._exactly(int.from_bytes(self._exactly(2), "big"))

    def ask(self, message: bytes) -> bytes:
        self.send(framed(message))
        return self.receive()

    def ended(self) -> bool:
        """Whether the card has hung up. Waits until it does or says something."""
        try:
            return not self._connection.recv(1)
        except ConnectionResetError:
            return True

    def close(self) -> None:
        self._connection.close()

    def _exactly(self, size: int) -> bytes:
        data = b""
        while len(data) < size:
            piece = self._connection.recv(size - len(data))
            if not piece:
                raise EOFError
            data += piece
        return data


class FakeReader:
    """Listens as vpcd does. Closed and opened again on the same port, as when pcscd restarts."""

    def __init__(self) -> None:
        self._lines: list[Line] = []
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=0)
        self.port: int = self._listener.getsockname()[1]

    def accept(self) -> Line:
        self._listener.settimeout(10)
        line = Line(self._listener.accept()[0])
        self._lines.append(line)
        return line

    def close(self) -> None:
        """Hang up every line and stop listening."""
        for line in self._lines:
            line.close()
        self._listener.close()

    def open(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", self.port), backlog=0)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class Told:
    """Everything a plug told, in order."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.events = PlugEvents(
            waiting=lambda reason: self.lines.append(f"waiting: {reason}"),
            plugged=lambda: self.lines.append("plugged"),
            session_begins=lambda: self.lines.append("begins"),
            session_ends=lambda session: self.lines.append(f"ends: {session.commands}"),
            unplugged=lambda: self.lines.append("unplugged"),
        )


@contextmanager
def running(card: CardPort, port: int, told: Told | None = None) -> Iterator[Plug]:
    """A plug at work in a thread; stopped at the end, and it must have stopped in time."""
    plug = Plug(card, port=port, events=(told or Told()).events)
    thread = threading.Thread(target=plug.run, name="plug")
    thread.start()
    try:
        yield plug
    finally:
        plug.stop()
        thread.join(5)
        assert not thread.is_alive(), "the plug did not stop"
