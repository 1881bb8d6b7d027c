"""Watching over commands that may take as long as a person does: does their client still listen?

A key with a button can wait for it for minutes. Meanwhile the thread of its client cannot notice
that the client has died; one thread here notices it for all of them.
"""

from __future__ import annotations

import os
import select
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Lock, Thread

from ushield.reader.connection import Connection

PAUSE_SECONDS = 0.02
"""How long to wait for a command that was called off, before it is called off again: it may not
have come to its question yet."""

_GONE = select.EPOLLRDHUP | select.EPOLLHUP | select.EPOLLERR


class Vigil:
    """Calls off the commands of clients that hang up. It costs a thread once it has been used."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._watched: dict[int, Callable[[], None]] = {}
        self._epoll: select.epoll | None = None
        self._thread: Thread | None = None
        self._bell = -1

    @contextmanager
    def over(self, connection: Connection, call_off: Callable[[], None]) -> Iterator[None]:
        """Watch this client for as long as its command is at the card."""
        number = connection.line.fileno()
        with self._lock:
            epoll = self._started()
            self._watched[number] = call_off
            epoll.register(number, select.EPOLLRDHUP)
        try:
            yield
        finally:
            with self._lock:
                epoll.unregister(number)
                del self._watched[number]

    def end(self) -> None:
        """Watch no more."""
        with self._lock:
            thread, epoll, self._thread, self._epoll = self._thread, self._epoll, None, None
        if thread is None or epoll is None:
            return
        os.eventfd_write(self._bell, 1)
        thread.join()
        epoll.close()
        os.close(self._bell)

    def _started(self) -> select.epoll:
        if self._epoll is None:
            self._epoll = select.epoll()
            self._bell = os.eventfd(0, os.EFD_CLOEXEC)
            self._epoll.register(self._bell, select.EPOLLIN)
            self._thread = Thread(
                target=self._watch, args=(self._epoll,), name="ushield-vigil", daemon=True
            )
            self._thread.start()
        return self._epoll

    def _watch(self, epoll: select.epoll) -> None:
        while True:
            numbers = [number for number, events in epoll.poll() if events & _GONE]
            # Under the lock: no other command than the client's own can be at the card.
            with self._lock:
                if self._epoll is not epoll:
                    return
                for call_off in [self._watched[n] for n in numbers if n in self._watched]:
                    call_off()
            if numbers:
                select.select([self._bell], [], [], PAUSE_SECONDS)
