"""Who is next when a transaction ends: first come, first served.

pcsc-lite's client library asks again ten times a second instead, so whoever is lucky is next.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable

from ushield.reader.codes import Rv
from ushield.reader.slots import WAIT, Reader, Wait


class Turns:
    """The clients that wait for a reader, in the order in which they came."""

    def __init__(self) -> None:
        self._queues: dict[Reader, dict[Hashable, None]] = {}

    def __bool__(self) -> bool:
        """Whether anybody waits."""
        return bool(self._queues)

    def take(
        self, client: Hashable, reader: Reader, call: Callable[[], Rv | Wait], *, holder: bool
    ) -> Rv | Wait:
        """Make a call that may have to wait, unless somebody else waits already.

        `holder` says that the client holds the transaction: it never queues, or it would wait for
        those who wait for it.
        """
        if not self._queues:
            rv = call()
            if rv is WAIT:
                self._queues[reader] = {client: None}
            return rv
        queue = self._queues.setdefault(reader, {})
        if not holder and queue and next(iter(queue)) is not client:
            queue[client] = None
            return WAIT
        rv = call()
        if rv is WAIT:
            queue[client] = None
        else:
            self._drop(reader, client)
        return rv

    def leave(self, client: Hashable) -> None:
        """The client is gone, or waits no more."""
        for reader in list(self._queues):
            self._drop(reader, client)

    def _drop(self, reader: Reader, client: Hashable) -> None:
        queue = self._queues[reader]
        queue.pop(client, None)
        if not queue:
            del self._queues[reader]
