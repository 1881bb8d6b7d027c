"""The PC/SC service without sockets and threads: requests of clients in, answers out.

After pcsc-lite's winscard_svc.c. One context a client, as the client library has it. An answer is
the bytes to send; WAIT says that the request is to be made again when `version` has changed;
Hangup says that the client broke the rules and is to be dropped. What other clients are to be told
meanwhile collects in `watchers`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ushield.reader.answers import (
    MAJOR,
    NEWEST_MINOR,
    OLDEST_MINOR,
    Answer,
    Hangup,
    attribute_answer,
    control_answer,
    is_known,
    version_answer,
)
from ushield.reader.codes import Disposition, Rv
from ushield.reader.messages import (
    EMPTY_RECORD,
    MINORS_WITH_RECORDS,
    RECORDS,
    Begin,
    Cancel,
    Connect,
    ControlCode,
    Disconnect,
    End,
    Establish,
    Events,
    Message,
    ReaderCount,
    Reconnect,
    Release,
    Request,
    Status,
    Transmit,
    Version,
    Wait,
    build_body,
)
from ushield.reader.messages import Attribute as AttributeBody
from ushield.reader.slots import WAIT, Reader, check_wish
from ushield.reader.slots import Wait as NotYet
from ushield.reader.turns import Turns
from ushield.reader.watchers import Client, Watchers

_LAST_SCOPE = 3
_READER_EVENTS = 2
"""As pcscd counts: one from its start, and one for the device whose slots all our readers are."""


class Core:
    """The state of the whole service. Call it from one thread at a time.

    `new_number` gives random 31-bit numbers for contexts and handles; `warn` gets a line for the
    log.
    """

    def __init__(
        self,
        readers: Sequence[Reader],
        new_number: Callable[[], int],
        warn: Callable[[str], None],
    ) -> None:
        self.readers = tuple(readers)
        self.version = 0
        """Changes whenever a request that had to wait may get further."""
        self.watchers = Watchers()
        """Who waits for an event, and the signals to be sent."""
        self._new_number = new_number
        self._warn = warn
        self._contexts: dict[int, Client] = {}
        self._handles: set[int] = set()
        self._turns = Turns()

    # --- clients and cards come and go ----------------------------------------------------------

    def leave(self, client: Client) -> None:
        """The client is gone: what it held is free, what it began is ended."""
        self.watchers.forget(client)
        self._turns.leave(client)
        self._end_context(client)
        self.version += 1

    def tell_all(self) -> None:
        """An event that waiting clients are to look at."""
        self.version += 1
        self.watchers.tell_all()

    def touched(self, client: Client, message: Message) -> Reader | None:
        """The reader whose card a request would power or reset now; for RELEASE see `part`.

        What leaves the card alone has not to wait until the card has done with a command.
        """
        match message.body:
            case Disconnect(disposition=Disposition.LEAVE) | End(disposition=Disposition.LEAVE):
                return None
            case Disconnect() | End():
                return client.handles.get(message.body.card)
            case Reconnect():
                reader = client.handles.get(message.body.card)
                stays = message.body.initialization == Disposition.LEAVE
            case Connect():
                reader, stays = self._reader_named(message.body.reader), True
            case _:
                return None
        return None if reader is None or (stays and reader.ready) else reader

    def held_by(self, client: Client) -> list[Reader]:
        """The readers that the client is connected to."""
        held = set(client.handles.values())
        return [reader for reader in self.readers if reader in held]

    def part(self, client: Client, reader: Reader) -> None:
        """End a client's connections to this reader as if it were gone."""
        for handle in [handle for handle, its in client.handles.items() if its is reader]:
            reader.abandon(handle)
            self._handles.discard(handle)
            del client.handles[handle]
        self.tell_all()

    # --- requests -------------------------------------------------------------------------------

    def handle(self, client: Client, message: Message) -> Answer:  # noqa: C901 one line a request
        """Every request but a transmission."""
        body = message.body
        match body:
            case None:
                return self._without_body(client, message.command)
            case Status():
                reader = self._reader(client, body.card)
                return self._in_turn(client, reader, body, lambda: reader.status(body.card))
            case Begin():
                reader = self._reader(client, body.card)
                return self._in_turn(client, reader, body, lambda: reader.begin(body.card))
            case End():
                return self._end(client, body)
            case Connect():
                return self._connect(client, body)
            case Reconnect():
                return self._reconnect(client, body)
            case Disconnect():
                return self._disconnect(client, body)
            case Version():
                return self._version(client, body)
            case Establish():
                return self._establish(client, body)
            case Release():
                return self._release(client, body)
            case Cancel():
                return self._cancel(body)
            case AttributeBody():
                return attribute_answer(self._reader(client, body.card), message.command, body)
            case ControlCode():
                return control_answer(self._reader(client, body.card), body)
            case Wait():
                return self._without_body(client, message.command)
            case _:
                raise Hangup(f"{message.command.name} is no request for this")

    def may_transmit(self, client: Client, request: Transmit) -> Rv | NotYet:
        """Whether the command that came with this request may go to the card."""
        reader = self._reader(client, request.card)
        return self._queued(
            client, reader, lambda: reader.may_transmit(request.card, request.send_protocol)
        )

    def transmitted(self, client: Client, request: Transmit, answer: bytes | None) -> bytes:
        """The answer to a request whose command went to the card; None: the card failed."""
        reader = client.handles.get(request.card)
        rv = Rv.NO_SMARTCARD if reader is None else reader.event_of(request.card)
        if rv is Rv.SUCCESS and answer is None:
            rv = Rv.NOT_TRANSACTED
        if rv is not Rv.SUCCESS or answer is None:
            return self.not_transmitted(request, rv)
        if len(answer) > request.room:
            return build_body(request._replace(room=len(answer), rv=Rv.INSUFFICIENT_BUFFER))
        return build_body(request._replace(recv_protocol=1, room=len(answer), rv=0)) + answer

    @staticmethod
    def not_transmitted(request: Transmit, rv: Rv) -> bytes:
        """The answer to a request whose command went nowhere."""
        return build_body(request._replace(room=0, rv=rv))

    def _version(self, client: Client, body: Version) -> bytes:
        """Any minor version that is known is the service's own, as its client sees it."""
        if is_known(body):
            client.minor = body.minor
        else:
            self._warn(
                f"a client speaks protocol {body.major}:{body.minor}, this service "
                f"{MAJOR}:{OLDEST_MINOR} to {MAJOR}:{NEWEST_MINOR}"
            )
        return version_answer(body)

    def _establish(self, client: Client, body: Establish) -> bytes:
        if body.scope > _LAST_SCOPE:
            return build_body(body._replace(context=0, rv=Rv.INVALID_VALUE))
        if client.context:
            self._contexts.pop(client.context, None)
        client.context = self._fresh(self._contexts)
        self._contexts[client.context] = client
        return build_body(body._replace(context=client.context, rv=0))

    def _release(self, client: Client, body: Release) -> bytes:
        if not client.context:
            return build_body(body._replace(rv=Rv.INVALID_HANDLE))
        if client.context != body.context:
            return build_body(body._replace(rv=Rv.INVALID_VALUE))
        self._end_context(client)
        self.version += 1
        return build_body(body._replace(rv=0))

    def _connect(self, client: Client, body: Connect) -> Answer:
        reader = self._reader_named(body.reader)
        body = body._replace(card=0)
        if not client.context or client.context != body.context:
            return build_body(body._replace(rv=Rv.INVALID_HANDLE))
        if reader is None:
            wish = check_wish(body.share, body.protocols)
            return build_body(body._replace(rv=wish or Rv.UNKNOWN_READER))
        number = self._fresh(self._handles)
        own = any(reader.owned_by(handle) for handle in client.handles)
        rv = self._queued(
            client,
            reader,
            lambda: reader.connect(number, body.share, body.protocols, own=own),
        )
        if rv is WAIT:
            return WAIT
        if rv is Rv.SUCCESS:
            self._handles.add(number)
            client.handles[number] = reader
            body = body._replace(card=number, active=reader.contacts.protocol)
            self.tell_all()
        return build_body(body._replace(rv=rv))

    def _reconnect(self, client: Client, body: Reconnect) -> Answer:
        reader = self._reader(client, body.card)
        rv = self._queued(
            client,
            reader,
            lambda: reader.reconnect(body.card, body.share, body.protocols, body.initialization),
        )
        if rv is WAIT:
            return WAIT
        self.tell_all()
        return build_body(body._replace(active=reader.contacts.protocol, rv=rv))

    def _disconnect(self, client: Client, body: Disconnect) -> Answer:
        reader = self._reader(client, body.card)
        rv = reader.disconnect(body.card, body.disposition)
        if rv is WAIT:
            return WAIT
        if rv is Rv.SUCCESS:
            del client.handles[body.card]
            self._handles.discard(body.card)
        self.tell_all()
        return build_body(body._replace(rv=rv))

    def _end(self, client: Client, body: End) -> bytes:
        rv = self._reader(client, body.card).end(body.card, body.disposition)
        self.version += 1
        return build_body(body._replace(rv=rv))

    def _cancel(self, body: Cancel) -> bytes:
        target = self._contexts.get(body.context)
        if target is None:
            return build_body(body._replace(rv=Rv.INVALID_HANDLE))
        self.watchers.cancel(target)
        return build_body(body._replace(rv=0))

    def _without_body(self, client: Client, command: Request) -> bytes:
        match command:
            case Request.READERS:
                return self._records()
            case Request.READER_ARRAY:
                return self._records() + self.watchers.settle(client)
            case Request.WAIT:
                self.watchers.begin(client)
                return self._records() if client.minor in MINORS_WITH_RECORDS else b""
            case Request.STOP_WAITING:
                return self.watchers.end(client)
            case Request.EVENTS:
                return build_body(Events(_READER_EVENTS))
            case Request.READER_COUNT:
                return build_body(ReaderCount(RECORDS))
            case _:
                raise Hangup(f"{command.name} without a body")

    # --- helpers --------------------------------------------------------------------------------

    def _records(self) -> bytes:
        known = b"".join(build_body(reader.record) for reader in self.readers)
        return known + EMPTY_RECORD * (RECORDS - len(self.readers))

    def _reader_named(self, name: str) -> Reader | None:
        return next((reader for reader in self.readers if reader.name == name), None)

    def _reader(self, client: Client, handle: int) -> Reader:
        """The reader of one of the client's own handles."""
        reader = client.handles.get(handle)
        if reader is None:
            raise Hangup("a handle that is not the client's")
        return reader

    def _end_context(self, client: Client) -> None:
        """End the client's connections and forget its context."""
        for reader in self.held_by(client):
            self.part(client, reader)
        if client.context:
            del self._contexts[client.context]
            client.context = 0

    def _in_turn(
        self, client: Client, reader: Reader, body: Status | Begin, call: Callable[[], Rv | NotYet]
    ) -> Answer:
        rv = self._queued(client, reader, call)
        return WAIT if rv is WAIT else build_body(body._replace(rv=rv))

    def _queued(
        self, client: Client, reader: Reader, call: Callable[[], Rv | NotYet]
    ) -> Rv | NotYet:
        """Make a call that may have to wait for the end of a transaction."""
        holder = any(reader.owned_by(handle) for handle in client.handles)
        moves = self._turns.moves
        rv = self._turns.take(client, reader, call, holder=holder)
        if self._turns.moves != moves:
            self.version += 1
        return rv

    def _fresh(self, taken: dict[int, Client] | set[int]) -> int:
        while (number := self._new_number()) in taken or not number:
            pass
        return number
