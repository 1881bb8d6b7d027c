"""A socket in front of another PC/SC service: all is passed through, and a tap reads along.

So any program's dialogue with any card can be heard, whatever service and reader it is in. Clients
speak to the service itself: sharing, transactions, events and versions are its own.
"""

from __future__ import annotations

import logging
import os
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from threading import Lock, Thread, current_thread
from types import TracebackType
from typing import Self

from ushield.reader.connection import listen, trusted
from ushield.reader.messages import MessageError
from ushield.reader.place import place
from ushield.reader.tap import Atrs, Listener, Tap

_log = logging.getLogger(__name__)
_CHUNK = 65536
_PATIENCE_SECONDS = 0.1


class Relay:
    """A relay to the service at `service`, as a context manager; `socket` is where clients go.

    `clock` gives the times that the listener is told. PlaceError when there is no place for the
    socket. A client finds a service that is not there as it would without the relay: gone.
    """

    def __init__(self, service: Path, listener: Listener, clock: Callable[[], int]) -> None:
        self._service = service
        self._listener = listener
        self._clock = clock
        self._atrs = Atrs()
        self._lock = Lock()
        self._lines: set[socket.socket] = set()
        self._threads: set[Thread] = set()
        self._stopping = False

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            self.socket = stack.enter_context(place(None)).socket
            self._door = stack.enter_context(listen(self.socket))
            self._life = stack.pop_all()
        self._acceptor = self._start(self._accept)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Hang up on everybody, and leave nothing behind."""
        with self._lock:
            self._stopping = True
            lines = [self._door, *self._lines]
        for line in lines:
            _hang_up(line)
        self._acceptor.join()
        for thread in tuple(self._threads):
            thread.join()
        self._life.close()

    def _accept(self) -> None:
        while not self._stopping:
            try:
                client, _ = self._door.accept()
                self._start(self._attend, client)
            except OSError as fault:
                # No descriptor is left: there may be some later.
                if not self._stopping:
                    _log.warning("a client cannot be attended to: %s", fault)
                    time.sleep(_PATIENCE_SECONDS)

    def _start(self, work: Callable[..., None], *arguments: object) -> Thread:
        thread = Thread(target=work, args=arguments, name="ushield-relay", daemon=True)
        self._threads.add(thread)
        thread.start()
        return thread

    def _attend(self, client: socket.socket) -> None:
        """One client from its first byte to its last."""
        with client, socket.socket(socket.AF_UNIX) as service, self._among_us(client, service):
            try:
                if trusted(client):
                    service.connect(os.fspath(self._service))
                    self._converse(client, service)
            except OSError as error:
                _log.warning("the service at %s does not answer: %s", self._service, error)

    def _converse(self, client: socket.socket, service: socket.socket) -> None:
        """Each direction has a thread: a service may speak unasked."""
        tap = Tap(self._listener, self._atrs, self._clock)
        back = Thread(target=_pump, args=(service, client, tap.answered), name="ushield-relay")
        back.start()
        _pump(client, service, tap.asked)
        back.join()

    @contextmanager
    def _among_us(self, *lines: socket.socket) -> Iterator[None]:
        """While these are connected: the end of the relay hangs up on them."""
        with self._lock:
            self._lines.update(lines)
            if self._stopping:
                _hang_up(lines[0])
        try:
            yield
        finally:
            with self._lock:
                self._lines.difference_update(lines)
                self._threads.discard(current_thread())


def _pump(source: socket.socket, target: socket.socket, hear: Callable[[bytes], None]) -> None:
    """Pass bytes on until one end is closed, which the other is told then."""
    understood = True
    with suppress(OSError):
        while data := source.recv(_CHUNK):
            if understood:
                understood = _told(hear, data)
            target.sendall(data)
    _hang_up(source)
    _hang_up(target)


def _told(hear: Callable[[bytes], None], data: bytes) -> bool:
    try:
        hear(data)
    except MessageError as error:
        _log.warning("a client's dialogue cannot be followed any further: %s", error)
        return False
    except Exception:  # noqa: BLE001 who listens is anybody's code, and not the client's affair
        _log.exception("whoever listened has failed")
        return False
    return True


def _hang_up(line: socket.socket) -> None:
    with suppress(OSError):
        line.shutdown(socket.SHUT_RDWR)
