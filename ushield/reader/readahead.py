"""Reading on while a card is at work, for what ends a command that waits for a person."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from queue import SimpleQueue
from threading import Event, Thread

from ushield.reader.vigil import PAUSE_SECONDS


class ReadAhead:
    """The same messages, each read as soon as it has come.

    When an urgent one comes, or the end, the command before it is called off until it is done.
    """

    def __init__(
        self,
        messages: Iterable[bytes],
        urgent: Callable[[bytes], bool],
        call_off: Callable[[], None],
    ) -> None:
        self._messages = messages
        self._urgent = urgent
        self._call_off = call_off
        self._come: SimpleQueue[bytes | None] = SimpleQueue()
        self._taken = Event()

    def __iter__(self) -> Iterator[bytes]:
        """The messages; its thread ends with them."""
        Thread(target=self._read, name="ushield-readahead", daemon=True).start()
        while (message := self._take()) is not None:
            yield message

    def _take(self) -> bytes | None:
        message = self._come.get()
        self._taken.set()
        return message

    def _read(self) -> None:
        for message in self._messages:
            self._come.put(message)
            if self._urgent(message):
                self._make_way()
        self._come.put(None)
        self._make_way()

    def _make_way(self) -> None:
        while not self._come.empty():
            self._call_off()
            self._taken.wait(PAUSE_SECONDS)
            self._taken.clear()
