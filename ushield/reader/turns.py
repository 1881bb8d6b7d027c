"""Who is next when a transaction ends: first come, first served.

pcsc-lite's client library asks again ten times a second instead, so whoever is lucky is next.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable

from ushield.reader.codes import Rv
from ushield.reader.slots import WAIT, Reader, Wait


class Turns:
    """The clients that wait for a reader's transaction to end, in the order in which they came.

    `moves` counts how often a client left a queue and others stayed: somebody else may be first.
    """

    def __init__(self) -> None:
        self.moves = 0
        self._queues: dict[Reader, dict[Hashable, None]] = {}

    def __bool__(self) -> bool:
        """Whether anybody waits."""
        return bool(self._queues)

    def take(
        self, client: Hashable, reader: Reader, call: Callable[[], Rv | Wait], *, holder: bool
    ) -> Rv | Wait:
        """Make a call that may have to wait, unless somebody else waits already.

        `holder` says that the client holds the transaction: it never queues, or it would wait for
        those who wait for it. Nor does who waits for something else, which is to be alone: others
        have to get on with their work before they leave.
        """
        queue = self._queues.get(reader)
        if queue and not holder and next(iter(queue)) is not client:
            queue[client] = None
            return WAIT
        rv = call()
        if rv is WAIT and reader.locked:
            self._queues.setdefault(reader, {})[client] = None
        elif queue:
            self._drop(reader, client)
        return rv

    def leave(self, client: Hashable) -> None:
        """The client is gone, or waits no more."""
        for reader in list(self._queues):
            self._drop(reader, client)

    def _drop(self, reader: Reader, client: Hashable) -> None:
        queue = self._queues[reader]
        if client not in queue:
            return
        del queue[client]
        if queue:
            self.moves += 1
        else:
            del self._queues[reader]
