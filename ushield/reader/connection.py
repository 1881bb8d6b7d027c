"""The sockets of the service: one that listens, and one for each client."""

from __future__ import annotations

import os
import select
import socket
import struct
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Lock

from ushield.reader.core import Client

_CREDENTIALS = struct.Struct("iII")
_GONE = select.POLLRDHUP | select.POLLHUP | select.POLLERR


class Connection:
    """The socket of one client. Answers and signals do not get mixed up on it."""

    def __init__(self, line: socket.socket) -> None:
        self.line = line
        self.client = Client()
        self._sending = Lock()

    def send(self, data: bytes) -> None:
        """Send an answer, however long the client takes to read it."""
        with self._sending:
            self.line.sendall(data)

    def signal(self, data: bytes) -> None:
        """Send a few bytes now; a client that does not even read those is dropped."""
        with self._sending:
            try:
                if self.line.send(data, socket.MSG_DONTWAIT) == len(data):
                    return
            except OSError:
                pass
        self.hang_up()

    def gone(self) -> bool:
        """Whether the client has closed its end, or died."""
        poll = select.poll()
        poll.register(self.line, select.POLLRDHUP)
        return any(event & _GONE for _, event in poll.poll(0))

    def hang_up(self) -> None:
        """Make whoever reads from the line find its end."""
        with suppress(OSError):
            self.line.shutdown(socket.SHUT_RDWR)


@contextmanager
def listen(path: Path) -> Iterator[socket.socket]:
    """A listening socket at this path that only its owner may connect to (mode 0600)."""
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(os.fspath(path))
        # Before it listens, so nobody can have connected meanwhile.
        path.chmod(0o600)
        listener.listen(128)
        try:
            yield listener
        finally:
            path.unlink(missing_ok=True)


def trusted(line: socket.socket) -> bool:
    """Whether the other end is this very user, or root."""
    raw = line.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    _, user, _ = _CREDENTIALS.unpack(raw)
    return user in (os.geteuid(), 0)
