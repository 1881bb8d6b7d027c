"""A core on a desk: no socket, no thread, no time but what the test lets pass.

A `Caller` is a client of it. Each call gives the answer as its value, or WAIT; a call that waits is
made again by the desk whenever the core says that something has changed, and its answer is then in
`late`.
"""

from __future__ import annotations

from itertools import count
from typing import Any

from ushield.reader.answers import Hangup
from ushield.reader.codes import Disposition, Protocol, Rv, Share
from ushield.reader.core import Core
from ushield.reader.messages import (
    MAX_ATTRIBUTE,
    MAX_DATA,
    RECORD_SIZE,
    Attribute,
    Begin,
    Body,
    Cancel,
    Connect,
    ControlCode,
    Disconnect,
    End,
    Establish,
    Message,
    ReaderCount,
    ReaderRecord,
    Reconnect,
    Release,
    Request,
    Status,
    Transmit,
    Version,
    Wait,
    layout_of,
    parse_record,
)
from ushield.reader.slots import WAIT, Reader
from ushield.reader.watchers import Client

READER, OTHER_READER = "ushield 00 00", "ushield 00 01"
IN_DOUBT = 0x5A5A5A5A
"""What a client leaves in the fields of an answer: nobody is to read them."""


class Caller:
    """A program that uses the core. `card` is the handle of its last connection."""

    def __init__(self, desk: Desk, minor: int = 4) -> None:
        self.desk = desk
        self.client = Client()
        self.card = 0
        self.late: Any = None
        self.waits_for: Message | None = None
        self.tries = 0
        self.seen = 0
        self.told: list[Wait] = []
        assert self.ask(Request.VERSION, Version(4, minor)).rv == Rv.SUCCESS

    def establish(self, scope: int = 2) -> Establish:
        answer: Establish = self.ask(Request.ESTABLISH, Establish(scope, IN_DOUBT, IN_DOUBT))
        return answer

    def release(self, context: int | None = None) -> Any:
        context = self.client.context if context is None else context
        return self.ask(Request.RELEASE, Release(context, IN_DOUBT))

    def connect(
        self,
        reader: str = READER,
        share: int = Share.SHARED,
        protocols: int = Protocol.ANY,
        context: int | None = None,
    ) -> Any:
        context = self.client.context if context is None else context
        asked = Connect(context, reader, share, protocols, IN_DOUBT, IN_DOUBT, IN_DOUBT)
        answer = self.ask(Request.CONNECT, asked)
        if answer is not WAIT and not answer.rv:
            self.card = answer.card
        return answer

    def reconnect(
        self,
        share: int = Share.SHARED,
        protocols: int = Protocol.ANY,
        initialization: int = Disposition.LEAVE,
        card: int | None = None,
    ) -> Any:
        asked = Reconnect(self._own(card), share, protocols, initialization, IN_DOUBT, IN_DOUBT)
        return self.ask(Request.RECONNECT, asked)

    def disconnect(self, disposition: int = Disposition.LEAVE, card: int | None = None) -> Any:
        asked = Disconnect(self._own(card), disposition, IN_DOUBT)
        return self.ask(Request.DISCONNECT, asked)

    def begin(self, card: int | None = None) -> Any:
        return self.ask(Request.BEGIN, Begin(self._own(card), IN_DOUBT))

    def end(self, disposition: int = Disposition.LEAVE, card: int | None = None) -> Any:
        return self.ask(Request.END, End(self._own(card), disposition, IN_DOUBT))

    def status(self, card: int | None = None) -> Any:
        return self.ask(Request.STATUS, Status(self._own(card), IN_DOUBT))

    def transmit(
        self,
        command: bytes = b"\x00\xca\x00\x00",
        protocol: int = Protocol.T1,
        room: int = MAX_DATA,
        card: int | None = None,
    ) -> Any:
        """The answer and the response to a command; WAIT."""
        asked = Transmit(self._own(card), protocol, 16, len(command), 3, 16, room, IN_DOUBT)
        return self.ask(Request.TRANSMIT, asked, command)

    def attribute(self, what: int, room: int = MAX_ATTRIBUTE, card: int | None = None) -> Any:
        return self.ask(Request.GET_ATTRIBUTE, Attribute(self._own(card), what, b"", room))

    def set_attribute(self, what: int, data: bytes, card: int | None = None) -> Any:
        asked = Attribute(self._own(card), what, data, len(data))
        return self.ask(Request.SET_ATTRIBUTE, asked)

    def control(self, code: int, data: bytes = b"", card: int | None = None) -> Any:
        asked = ControlCode(self._own(card), code, len(data), 100, IN_DOUBT, IN_DOUBT)
        return self.ask(Request.CONTROL, asked, data)

    def cancel(self, context: int) -> Any:
        return self.ask(Request.CANCEL, Cancel(context, IN_DOUBT))

    def readers(self, command: Request = Request.READERS) -> list[ReaderRecord]:
        return _records(self.raw(command))

    def count(self) -> int:
        number: int = layout_of(ReaderCount).parse(self.raw(Request.READER_COUNT)).number
        return number

    def wait(self) -> bytes:
        """Ask to be told of the next event; what comes at once."""
        return self.raw(Request.WAIT, Wait() if self.client.minor < 4 else None)

    def stop_waiting(self) -> bytes:
        return self.raw(Request.STOP_WAITING, Wait() if self.client.minor < 4 else None)

    def leave(self) -> None:
        """The program ends, or is killed: for the core it is the same."""
        self.waits_for = None
        self.desk.core.leave(self.client)
        self.desk.callers.remove(self)
        self.desk.settle()

    # --- one step at a time ---

    def raw(self, command: Request, body: Body | None = None) -> bytes:
        """A request that never has to wait; the bytes of its answer."""
        answer = self.desk.core.handle(self.client, Message(command, body))
        assert answer is not WAIT
        self.desk.settle()
        return answer

    def ask(self, command: Request, body: Body, data: bytes = b"") -> Any:
        """A request: the value of its answer, or WAIT."""
        assert self.waits_for is None, "a client makes one request at a time"
        self.late = None
        message = Message(command, body, data)
        answer = self.attempt(message)
        if answer is WAIT:
            self.waits_for = message
        self.desk.settle()
        return answer

    def attempt(self, message: Message) -> Any:
        """What the service does with a request, once."""
        self.seen = self.desk.core.version
        self.tries += 1
        if isinstance(message.body, Transmit):
            return self._transmit(message.body, message.data)
        raw = self.desk.core.handle(self.client, message)
        if raw is WAIT:
            return WAIT
        assert message.body is not None
        return layout_of(type(message.body)).parse(raw)

    def _transmit(self, asked: Transmit, command: bytes) -> Any:
        core = self.desk.core
        rv = core.may_transmit(self.client, asked)
        if rv is WAIT:
            return WAIT
        card = self.client.handles[asked.card].contacts.card
        if rv is not Rv.SUCCESS or card is None:
            raw = core.not_transmitted(asked, rv)
        else:
            raw = core.transmitted(self.client, asked, self.desk.at_the_card(card, command))
        layout = layout_of(Transmit)
        return layout.parse(raw[: layout.size]), raw[layout.size :]

    def _own(self, card: int | None) -> int:
        return self.card if card is None else card


class Desk:
    """The core, its readers, its clock, the log and the callers."""

    def __init__(self, *cards: Any, names: tuple[str, ...] = (READER, OTHER_READER)) -> None:
        self.now = 100.0
        self.log: list[str] = []
        self.callers: list[Caller] = []
        self.during: list[Any] = []
        """What happens while the next command is at a card: functions, called once."""
        numbers = count(1)
        readers = [Reader(name, lambda: self.now) for name in names]
        self.core = Core(readers, lambda: next(numbers), self.log.append)
        for reader, card in zip(readers, cards, strict=False):
            if card is not None:
                reader.insert(card)

    def caller(self, minor: int = 4) -> Caller:
        """A new client with a context."""
        caller = Caller(self, minor)
        self.callers.append(caller)
        assert caller.establish().rv == Rv.SUCCESS
        return caller

    def connected(self, minor: int = 4, **how: Any) -> Caller:
        """A new client, connected to the first reader."""
        caller = self.caller(minor)
        assert caller.connect(**how).rv == Rv.SUCCESS
        return caller

    def record(self, reader: int = 0) -> ReaderRecord:
        return self.core.readers[reader].record

    def insert(self, card: Any, reader: int = 0) -> None:
        self.core.readers[reader].insert(card)
        self.core.tell_all()
        self.settle()

    def remove(self, reader: int = 0) -> Any:
        card = self.core.readers[reader].remove()
        self.core.tell_all()
        self.settle()
        return card

    def reset(self, reader: int = 0) -> Rv:
        rv = self.core.readers[reader].reset()
        self.core.tell_all()
        self.settle()
        return rv

    def at_the_card(self, card: Any, command: bytes) -> bytes | None:
        """The card's answer, as the service takes it: None when it fails."""
        during, self.during = self.during, []
        for happens in during:
            happens()
        try:
            answer: bytes = card.transmit(command)
        except Exception:  # noqa: BLE001
            return None
        return answer

    def settle(self) -> None:
        """Hand out signals, and let those who wait try again as long as anything changes."""
        while True:
            signals = self.core.watchers.take_signals()
            by_client = {caller.client: caller for caller in self.callers}
            for client, raw in signals:
                if client in by_client:
                    by_client[client].told.append(layout_of(Wait).parse(raw))
            behind = [one for one in self.callers if self._may_try_again(one)]
            if not behind:
                return
            for caller in behind:
                self._try_again(caller)

    def _may_try_again(self, caller: Caller) -> bool:
        return caller.waits_for is not None and caller.seen != self.core.version

    def _try_again(self, caller: Caller) -> None:
        message = caller.waits_for
        assert message is not None
        try:
            answer = caller.attempt(message)
        except Hangup:
            caller.waits_for = None
            raise
        if answer is WAIT:
            return
        caller.waits_for, caller.late = None, answer
        first = answer[0] if isinstance(message.body, Transmit) else answer
        if isinstance(first, Connect) and not first.rv:
            caller.card = first.card


def _records(raw: bytes) -> list[ReaderRecord]:
    assert len(raw) % RECORD_SIZE == 0
    records = [raw[at : at + RECORD_SIZE] for at in range(0, len(raw), RECORD_SIZE)]
    return [parse_record(one) for one in records if one[0]]
