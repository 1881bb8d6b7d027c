"""What a service says, out of a stream of bytes: answers, and the signals between them.

The counterpart of `Inbox`, for who reads along or is a client himself. An answer has no header, so
what it is follows from the request that it belongs to; only the signal of an event comes unasked.
"""

from __future__ import annotations

from collections import deque
from typing import NamedTuple

from ushield.reader.codes import Rv
from ushield.reader.messages.bodies import (
    MINORS_WITH_RECORDS,
    RECORD_SIZE,
    RECORDS,
    layout_of,
    parse_record,
)
from ushield.reader.messages.inbox import MAX_DATA, Message
from ushield.reader.messages.layout import Layout, MessageError
from ushield.reader.messages.values import (
    Body,
    ControlCode,
    Events,
    ReaderCount,
    ReaderRecord,
    Request,
    Transmit,
    Version,
    Wait,
)


class Reply(NamedTuple):
    """An answer with the request that it belongs to; a signal belongs to none.

    `body` is the structure, if there is one; `records` are the readers', where these were asked
    for; `data` the bytes behind the structure.
    """

    request: Message | None
    body: Body | None = None
    records: tuple[ReaderRecord, ...] = ()
    data: bytes = b""


class Replies:
    """What a service says to one client, whatever pieces it arrives in.

    Call `expect` for each request before its answer can arrive, `feed` with what was received, and
    then `next` until it gives None. A MessageError is for good.
    """

    def __init__(self) -> None:
        self._held = bytearray()
        self._expected: deque[Message] = deque()
        self._waits = False
        self._minor = 0
        self._count = RECORDS

    def expect(self, request: Message) -> None:
        """This request is on its way to the service."""
        if request.command is Request.WAIT:
            self._waits = True
            if self._minor not in MINORS_WITH_RECORDS:
                return
        if request.command is not Request.STOP_WAITING:
            # The answer of that one is the signal which is due anyway, or there is none.
            self._expected.append(request)

    def feed(self, data: bytes) -> None:
        """Take what was received."""
        self._held += data

    def next(self) -> Reply | None:
        """The oldest reply that is complete; MessageError for bytes that nobody has asked for."""
        if self._expected:
            return self._answer(self._expected[0])
        if self._waits:
            return self._signal()
        if self._held:
            raise MessageError("the service says what nobody has asked for")
        return None

    def _signal(self) -> Reply | None:
        layout = layout_of(Wait)
        if len(self._held) < layout.size:
            return None
        self._waits = False
        return Reply(None, layout.parse(self._take(layout.size)))

    def _answer(self, request: Message) -> Reply | None:
        if request.command in (Request.READERS, Request.WAIT):
            return self._records(request, RECORDS)
        if request.command is Request.READER_ARRAY:
            return self._records(request, self._count)
        layout = _layout(request)
        if len(self._held) < layout.size:
            return None
        body = layout.parse(self._held[: layout.size])
        data = _count_data(body)
        if len(self._held) < layout.size + data:
            return None
        self._take(layout.size)
        self._expected.popleft()
        self._learn(body)
        return Reply(request, body, data=self._take(data))

    def _records(self, request: Message, count: int) -> Reply | None:
        if len(self._held) < count * RECORD_SIZE:
            return None
        self._expected.popleft()
        records = tuple(parse_record(self._take(RECORD_SIZE)) for _ in range(count))
        return Reply(request, records=tuple(record for record in records if record.name))

    def _learn(self, body: Body) -> None:
        if isinstance(body, Version):
            self._minor = body.minor
        elif isinstance(body, ReaderCount):
            if not 0 <= body.number <= RECORDS:
                raise MessageError(f"{body.number} readers are more than {RECORDS}")
            self._count = body.number

    def _take(self, count: int) -> bytes:
        taken = bytes(self._held[:count])
        del self._held[:count]
        return taken


def _layout(request: Message) -> Layout[Body]:
    if request.command is Request.EVENTS:
        return layout_of(Events)
    if request.command is Request.READER_COUNT:
        return layout_of(ReaderCount)
    assert request.body is not None, "every other request has a structure"
    return layout_of(type(request.body))


def _count_data(body: Body) -> int:
    """How many bytes follow the structure of an answer."""
    if isinstance(body, (Transmit, ControlCode)) and body.rv == Rv.SUCCESS:
        count = body.room if isinstance(body, Transmit) else body.returned
        if count > MAX_DATA:
            raise MessageError(f"{count} bytes of an answer are over {MAX_DATA}")
        return count
    return 0
