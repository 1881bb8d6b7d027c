"""The messages of pcsc-lite's protocol, major version 4, minor versions 3 to 6 (winscard_msg.h).

A request is a header, a structure and, for two commands, bytes; its answer is the same structure
filled in, without a header. So the fields of an answer are in the request already, with whatever
the client had there. Handles of cards are signed, contexts are not; `rv` is a `codes.Rv`.
"""

from enum import IntEnum
from typing import Any, NamedTuple, TypeAlias

from construct import Int32sl, Int32ul, Padded

from ushield.reader.messages.layout import Buffer, Layout, MessageError, Name


class Request(IntEnum):
    """The commands. 03, 0C and 0E have names in pcsc-lite, but no meaning."""

    ESTABLISH = 0x01
    RELEASE = 0x02
    CONNECT = 0x04
    RECONNECT = 0x05
    DISCONNECT = 0x06
    BEGIN = 0x07
    END = 0x08
    TRANSMIT = 0x09
    CONTROL = 0x0A
    STATUS = 0x0B
    CANCEL = 0x0D
    GET_ATTRIBUTE = 0x0F
    SET_ATTRIBUTE = 0x10
    VERSION = 0x11
    READERS = 0x12
    """All readers, as 16 records."""
    WAIT = 0x13
    STOP_WAITING = 0x14
    EVENTS = 0x15
    """How many readers came and went; from 4:5 on."""
    READER_COUNT = 0x16
    """How many records READER_ARRAY gives; from 4:6 on."""
    READER_ARRAY = 0x17
    """All readers, as so many records; from 4:6 on."""


MAX_ATR = 33
"""Bytes of the longest answer to reset (ISO 7816-3 section 8.2.1)."""

MAX_ATTRIBUTE = 264
"""Bytes in the buffer of an attribute."""


class Version(NamedTuple):
    """The version of the client, and in the answer that of the service."""

    major: int
    minor: int
    rv: int = 0


class Establish(NamedTuple):
    """A new context; its number is in the answer."""

    scope: int
    context: int = 0
    rv: int = 0


class Release(NamedTuple):
    """The end of a context."""

    context: int
    rv: int = 0


class Connect(NamedTuple):
    """A new connection to a reader; its handle and the protocol in force are in the answer."""

    context: int
    reader: str
    share: int
    protocols: int
    card: int = 0
    active: int = 0
    rv: int = 0


class Reconnect(NamedTuple):
    """A connection made anew; `initialization` is a Disposition."""

    card: int
    share: int
    protocols: int
    initialization: int
    active: int = 0
    rv: int = 0


class Disconnect(NamedTuple):
    """The end of a connection."""

    card: int
    disposition: int
    rv: int = 0


class Begin(NamedTuple):
    """The beginning of a transaction."""

    card: int
    rv: int = 0


class End(NamedTuple):
    """The end of a transaction."""

    card: int
    disposition: int
    rv: int = 0


class Transmit(NamedTuple):
    """A command APDU of `size` bytes follows; in the answer, if it succeeded, one of `room` bytes.

    In the request `room` is what the client has room for.
    """

    card: int
    send_protocol: int
    send_length: int
    size: int
    recv_protocol: int
    recv_length: int
    room: int
    rv: int = 0


class ControlCode(NamedTuple):
    """A command for the reader of `size` bytes follows; in the answer one of `returned` bytes."""

    card: int
    code: int
    size: int
    room: int
    returned: int = 0
    rv: int = 0


class Status(NamedTuple):
    """Whether a connection is in order; the rest is in the reader's record."""

    card: int
    rv: int = 0


class Cancel(NamedTuple):
    """The end of another client's wait: the context is that of the other."""

    context: int
    rv: int = 0


class Attribute(NamedTuple):
    """An attribute of the reader. `data` is the whole buffer of 264 bytes, filled up with zeros.

    `length` says how many bytes of it are meant, and in a request to read how many are welcome.
    """

    card: int
    id: int
    data: bytes
    length: int
    rv: int = 0


class Wait(NamedTuple):
    """An event, or the end of a wait. As a request only up to 4:3; later ones have no body."""

    timeout: int = 0
    rv: int = 0


class Events(NamedTuple):
    """How many readers came and went since the service started."""

    number: int
    rv: int = 0


class ReaderCount(NamedTuple):
    """How many records READER_ARRAY gives."""

    number: int


class ReaderRecord(NamedTuple):
    """What every client may know of a reader: its State, connections (-1: exclusive) and card."""

    name: str = ""
    events: int = 0
    state: int = 0
    sharing: int = 0
    atr: bytes = b""
    protocol: int = 0


Body: TypeAlias = (
    Version
    | Establish
    | Release
    | Connect
    | Reconnect
    | Disconnect
    | Begin
    | End
    | Transmit
    | ControlCode
    | Status
    | Cancel
    | Attribute
    | Wait
    | Events
    | ReaderCount
    | ReaderRecord
)

VERSION = Layout(Version, "a version", major=Int32sl, minor=Int32sl, rv=Int32ul)
ESTABLISH = Layout(Establish, "an establish", scope=Int32ul, context=Int32ul, rv=Int32ul)
RELEASE = Layout(Release, "a release", context=Int32ul, rv=Int32ul)
CONNECT = Layout(
    Connect,
    "a connect",
    context=Int32ul,
    reader=Name(),
    share=Int32ul,
    protocols=Int32ul,
    card=Int32sl,
    active=Int32ul,
    rv=Int32ul,
)
RECONNECT = Layout(
    Reconnect,
    "a reconnect",
    card=Int32sl,
    share=Int32ul,
    protocols=Int32ul,
    initialization=Int32ul,
    active=Int32ul,
    rv=Int32ul,
)
DISCONNECT = Layout(Disconnect, "a disconnect", card=Int32sl, disposition=Int32ul, rv=Int32ul)
BEGIN = Layout(Begin, "a begin", card=Int32sl, rv=Int32ul)
END = Layout(End, "an end", card=Int32sl, disposition=Int32ul, rv=Int32ul)
TRANSMIT = Layout(
    Transmit,
    "a transmit",
    card=Int32sl,
    send_protocol=Int32ul,
    send_length=Int32ul,
    size=Int32ul,
    recv_protocol=Int32ul,
    recv_length=Int32ul,
    room=Int32ul,
    rv=Int32ul,
)
CONTROL = Layout(
    ControlCode,
    "a control",
    card=Int32sl,
    code=Int32ul,
    size=Int32ul,
    room=Int32ul,
    returned=Int32ul,
    rv=Int32ul,
)
STATUS = Layout(Status, "a status", card=Int32sl, rv=Int32ul)
CANCEL = Layout(Cancel, "a cancel", context=Int32ul, rv=Int32ul)
ATTRIBUTE = Layout(
    Attribute,
    "an attribute",
    card=Int32sl,
    id=Int32ul,
    data=Buffer(MAX_ATTRIBUTE),
    length=Int32ul,
    rv=Int32ul,
)
WAIT = Layout(Wait, "a wait", timeout=Int32ul, rv=Int32ul)
EVENTS = Layout(Events, "a number of events", number=Int32ul, rv=Int32ul)
READER_COUNT = Layout(ReaderCount, "a number of readers", number=Int32sl)


class _Record(NamedTuple):
    """A reader's record as it is on the wire: the answer to reset comes as buffer and length."""

    name: str
    events: int
    state: int
    sharing: int
    buffer: bytes
    length: int
    protocol: int


_RECORD = Layout(
    _Record,
    "a reader's record",
    name=Name(),
    events=Int32ul,
    state=Int32ul,
    sharing=Int32sl,
    buffer=Padded(36, Buffer(MAX_ATR)),
    length=Int32ul,
    protocol=Int32ul,
)

_NOT_LOOKED_YET = MAX_ATR + 1
"""The length that pcscd gives before it has looked whether there is a card."""

LAYOUTS: dict[Request, Layout[Any] | None] = {
    Request.ESTABLISH: ESTABLISH,
    Request.RELEASE: RELEASE,
    Request.CONNECT: CONNECT,
    Request.RECONNECT: RECONNECT,
    Request.DISCONNECT: DISCONNECT,
    Request.BEGIN: BEGIN,
    Request.END: END,
    Request.TRANSMIT: TRANSMIT,
    Request.CONTROL: CONTROL,
    Request.STATUS: STATUS,
    Request.CANCEL: CANCEL,
    Request.GET_ATTRIBUTE: ATTRIBUTE,
    Request.SET_ATTRIBUTE: ATTRIBUTE,
    Request.VERSION: VERSION,
    Request.READERS: None,
    Request.WAIT: None,
    Request.STOP_WAITING: None,
    Request.EVENTS: None,
    Request.READER_COUNT: None,
    Request.READER_ARRAY: None,
}
"""The structure in each request."""

_OF_KIND: dict[type, Layout[Any]] = {
    layout.kind: layout
    for layout in (*LAYOUTS.values(), WAIT, EVENTS, READER_COUNT)
    if layout is not None
}

RECORD_SIZE = _RECORD.size
"""Bytes of a reader's record: 184."""

RECORDS = 16
"""How many records READERS gives, and WAIT up to 4:5: those without a reader are all zeros."""

EMPTY_RECORD = bytes(RECORD_SIZE)


def body_size(command: int) -> int | None:
    """Bytes of the structure in a request: 0 where there is none, None if there is no such command.

    Clients of 4:3 send a Wait (8 bytes) with WAIT and STOP_WAITING, which later ones do not.
    """
    if command not in LAYOUTS:
        return None
    layout = LAYOUTS[Request(command)]
    return layout.size if layout is not None else 0


def parse_body(command: int, raw: bytes) -> Any:
    """Read the structure of a request; None where there is none."""
    layout = LAYOUTS.get(command)  # type: ignore[call-overload]  # a Request is an int
    if layout is not None:
        return layout.parse(raw)
    if command in (Request.WAIT, Request.STOP_WAITING) and raw:
        return WAIT.parse(raw)
    if raw or command not in LAYOUTS:
        raise MessageError(f"command {command:#04x} has no structure of {len(raw)} bytes")
    return None


def build_body(value: Body) -> bytes:
    """Write a structure, as it is in requests and answers alike. MessageError: it does not fit."""
    if isinstance(value, ReaderRecord):
        return build_record(value)
    return _OF_KIND[type(value)].build(value)


def parse_record(raw: bytes) -> ReaderRecord:
    """Read one record of a reader: 184 bytes."""
    name, events, state, sharing, buffer, length, protocol = _RECORD.parse(raw)
    if length > _NOT_LOOKED_YET:
        raise MessageError(f"an answer to reset cannot have {length} bytes")
    atr = buffer[:length] if length != _NOT_LOOKED_YET else b""
    return ReaderRecord(name, events, state, sharing, atr, protocol)


def build_record(record: ReaderRecord) -> bytes:
    """Write one record of a reader: 184 bytes. MessageError if something in it does not fit."""
    name, events, state, sharing, atr, protocol = record
    return _RECORD.build(_Record(name, events, state, sharing, atr, len(atr), protocol))
