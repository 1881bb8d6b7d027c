"""A client of pcsc-lite's protocol without its library: one call, one request, one answer.

It speaks any version from 4:3 to 4:6, to our service and to pcscd alike, and shows what the library
hides: when an answer is held back, what exactly comes, and that the service hangs up.
"""

from __future__ import annotations

import select
import socket
from pathlib import Path
from typing import Self

from ushield.reader.codes import Disposition, Protocol, Rv, Share
from ushield.reader.messages import (
    MAX_ATTRIBUTE,
    MAX_DATA,
    RECORD_SIZE,
    RECORDS,
    Attribute,
    Begin,
    Body,
    Cancel,
    Connect,
    ControlCode,
    Disconnect,
    End,
    Establish,
    Events,
    ReaderCount,
    ReaderRecord,
    Reconnect,
    Release,
    Request,
    Status,
    Transmit,
    Version,
    Wait,
    build_request,
    layout_of,
    parse_record,
)
from ushield.reader.messages.layout import Row

PCI_SIZE = 16
"""What a client on a 64-bit machine gives as the size of its protocol information."""


class ServiceHungUp(ConnectionError):
    """The service closed the connection."""


class RawClient:
    """One connection, and at most one context in it. Every answer comes back as its value.

    Nothing is checked: a return code other than success is an answer like any other. No answer
    within `seconds` is a TimeoutError.
    """

    def __init__(
        self, path: Path | str, minor: int = 4, *, greet: bool = True, seconds: float = 10
    ) -> None:
        self.minor = minor
        self.context = 0
        self._seconds = seconds
        self._line = socket.socket(socket.AF_UNIX)
        self._line.settimeout(seconds)
        try:
            self._line.connect(str(path))
            if greet:
                answer = self.version(4, minor)
                assert answer.rv == Rv.SUCCESS, f"4:{minor} is refused: {answer}"
        except BaseException:
            self._line.close()
            raise

    def close(self) -> None:
        """Hang up, without a word to the service."""
        self._line.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # --- requests and their answers ---

    def version(self, major: int, minor: int) -> Version:
        return self.ask(Request.VERSION, Version(major, minor))

    def establish(self, scope: int = 2) -> Establish:
        """A context, which later calls use."""
        answer = self.ask(Request.ESTABLISH, Establish(scope))
        self.context = answer.context
        return answer

    def release(self, context: int | None = None) -> Release:
        return self.ask(Request.RELEASE, Release(self._own(context)))

    def connect(
        self,
        reader: str,
        share: int = Share.SHARED,
        protocols: int = Protocol.ANY,
        *,
        context: int | None = None,
    ) -> Connect:
        return self.ask(Request.CONNECT, Connect(self._own(context), reader, share, protocols))

    def reconnect(
        self,
        card: int,
        share: int = Share.SHARED,
        protocols: int = Protocol.ANY,
        initialization: int = Disposition.LEAVE,
    ) -> Reconnect:
        return self.ask(Request.RECONNECT, Reconnect(card, share, protocols, initialization))

    def disconnect(self, card: int, disposition: int = Disposition.LEAVE) -> Disconnect:
        return self.ask(Request.DISCONNECT, Disconnect(card, disposition))

    def begin(self, card: int) -> Begin:
        return self.ask(Request.BEGIN, Begin(card))

    def end(self, card: int, disposition: int = Disposition.LEAVE) -> End:
        return self.ask(Request.END, End(card, disposition))

    def status(self, card: int) -> Status:
        return self.ask(Request.STATUS, Status(card))

    def transmit(
        self, card: int, command: bytes, *, room: int = MAX_DATA, protocol: int = Protocol.T1
    ) -> tuple[Transmit, bytes]:
        """A command APDU. The response is empty unless the call succeeded."""
        self.send_transmit(card, command, room=room, protocol=protocol)
        return self.answer_to_transmit()

    def control(
        self, card: int, code: int, data: bytes = b"", *, room: int = MAX_DATA
    ) -> tuple[ControlCode, bytes]:
        """A command for the reader. The answer's data are empty unless the call succeeded."""
        answer = self.ask(Request.CONTROL, ControlCode(card, code, len(data), room), data)
        return answer, b"" if answer.rv else self.receive(answer.returned)

    def attribute(self, card: int, identifier: int, room: int = MAX_ATTRIBUTE) -> Attribute:
        return self.ask(Request.GET_ATTRIBUTE, Attribute(card, identifier, b"", room))

    def set_attribute(self, card: int, identifier: int, data: bytes) -> Attribute:
        return self.ask(Request.SET_ATTRIBUTE, Attribute(card, identifier, data, len(data)))

    def cancel(self, context: int) -> Cancel:
        """End another client's wait."""
        return self.ask(Request.CANCEL, Cancel(context))

    # --- readers, and waiting for what happens to them ---

    def readers(self) -> list[ReaderRecord]:
        """The readers there are, asked as a client of this version asks."""
        if self.minor < 6:
            self.send(Request.READERS)
            return self._records(RECORDS)
        self.send(Request.READER_COUNT)
        count = self.answer(ReaderCount).number
        self.send(Request.READER_ARRAY)
        return self._records(count)

    def reader(self, name: str) -> ReaderRecord:
        return next(record for record in self.readers() if record.name == name)

    def wait(self) -> list[ReaderRecord]:
        """Ask to be told of the next event; the readers as they are now.

        4:4 and 4:5 give them in the answer, and the other versions ask for them after.
        """
        self.send(Request.WAIT, Wait() if self.minor < 4 else None)
        return self._records(RECORDS) if self.minor in {4, 5} else self.readers()

    def event(self, seconds: float | None = None) -> Wait:
        """What ends a wait. TimeoutError when nothing does within that time."""
        if seconds is not None and self.silent(seconds):
            raise TimeoutError(f"no event in {seconds} s")
        return self.answer(Wait)

    def stop_waiting(self) -> Wait:
        """End the wait. There is one answer: to this, or the event that came before."""
        self.send(Request.STOP_WAITING, Wait() if self.minor < 4 else None)
        return self.answer(Wait)

    def events(self) -> Events:
        """How many readers came and went: 4:5 and later."""
        self.send(Request.EVENTS)
        return self.answer(Events)

    # --- one step at a time ---

    def ask(self, command: Request, value: Row, data: bytes = b"") -> Row:
        """A request, and its answer without the data that may follow it."""
        self.send_raw(build_request(command, value, data))  # type: ignore[arg-type]
        return self.answer(type(value))

    def send(self, command: Request, value: Body | None = None, data: bytes = b"") -> None:
        """A request whose answer is read later, if there is one."""
        self.send_raw(build_request(command, value, data))

    def send_transmit(
        self, card: int, command: bytes, *, room: int = MAX_DATA, protocol: int = Protocol.T1
    ) -> None:
        value = Transmit(card, protocol, PCI_SIZE, len(command), Protocol.ANY, PCI_SIZE, room)
        self.send(Request.TRANSMIT, value, command)

    def answer(self, kind: type[Row]) -> Row:
        """The next answer, which must be of this kind: nothing in it tells."""
        layout = layout_of(kind)
        return layout.parse(self.receive(layout.size))

    def answer_to_transmit(self) -> tuple[Transmit, bytes]:
        answer = self.answer(Transmit)
        return answer, b"" if answer.rv else self.receive(answer.room)

    def silent(self, seconds: float) -> bool:
        """Whether nothing comes in that time, not even the end of the connection."""
        return not select.select([self._line], [], [], seconds)[0]

    def hung_up(self) -> bool:
        """Whether the next thing from the service is the end of the connection. Waits for it."""
        try:
            return not self._line.recv(1)
        except ConnectionError:
            return True

    def send_raw(self, data: bytes) -> None:
        """Any bytes. ServiceHungUp when nobody takes them."""
        try:
            self._line.sendall(data)
        except ConnectionError as error:
            raise ServiceHungUp(str(error)) from error

    def receive(self, size: int) -> bytes:
        """So many bytes of what comes. ServiceHungUp when fewer do."""
        data = bytearray()
        while len(data) < size:
            try:
                piece = self._line.recv(size - len(data))
            except ConnectionError as error:
                raise ServiceHungUp(str(error)) from error
            if not piece:
                raise ServiceHungUp(f"{len(data)} of {size} bytes came")
            data += piece
        return bytes(data)

    def _own(self, context: int | None) -> int:
        return self.context if context is None else context

    def _records(self, count: int) -> list[ReaderRecord]:
        raw = self.receive(count * RECORD_SIZE)
        records = [raw[at : at + RECORD_SIZE] for at in range(0, len(raw), RECORD_SIZE)]
        # Without a name there is no reader.
        return [parse_record(one) for one in records if one[0]]
