"""The sockets of the service: one that listens, and one for each client."""

from __future__ import annotations

import os
import select
import socket
import struct
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Lock

from ushield.reader.watchers import Client

_CREDENTIALS = struct.Struct("iII")
_GONE = select.POLLRDHUP | select.POLLHUP | select.POLLERR


class Connection:
    """The socket of one client. No signal comes before the answer that was due first, or within."""

    def __init__(self, line: socket.socket) -> None:
        self.line = line
        self.client = Client()
        self.answering = Lock()
        """Held from a request to the end of its answer."""
        self._signals: deque[bytes] = deque()

    def signal(self, data: bytes) -> None:
        """Send a few bytes as soon as no request is being answered; never waits for that."""
        self._signals.append(data)
        self.send_signals()

    def send_signals(self) -> None:
        """Send the signals there are, unless a request is being answered: then call it after."""
        while self._signals and self.answering.acquire(blocking=False):
            try:
                while self._signals:
                    self._send_now(self._signals.popleft())
            finally:
                self.answering.release()

    def _send_now(self, data: bytes) -> None:
        """A client that does not even read so little is dropped."""
        with suppress(OSError):
            if self.line.send(data, socket.MSG_DONTWAIT) == len(data):
                return
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

    def close(self) -> None:
        """The end, also for the client if a child of this process has the socket as well."""
        self.hang_up()
        self.line.close()


@contextmanager
def listen(path: Path) -> Iterator[socket.socket]:
    """A listening socket at this path that only its owner may connect to (mode 0600).

    It is removed at the end, unless another service has taken the path by then.
    """
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(os.fspath(path))
        own = _file_at(path)
        try:
            # Before it listens, so nobody can have connected meanwhile.
            path.chmod(0o600)
            listener.listen(128)
            yield listener
        finally:
            if _file_at(path) == own:
                path.unlink(missing_ok=True)


def _file_at(path: Path) -> tuple[int, int] | None:
    """Which file this is, whatever it is called; None when there is none."""
    try:
        status = path.lstat()
    except FileNotFoundError:
        return None
    return status.st_dev, status.st_ino


def trusted(line: socket.socket) -> bool:
    """Whether the other end is this very user, or root."""
    raw = line.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    _, user, _ = _CREDENTIALS.unpack(raw)
    return user in (os.geteuid(), 0)
