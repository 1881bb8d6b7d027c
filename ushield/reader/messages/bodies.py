"""The structures of pcsc-lite's protocol, as winscard_msg.h and eventhandler.h declare them."""

from typing import Any, NamedTuple

from construct import Int32sn, Int32un, Padded

from ushield.reader.messages.layout import Buffer, Layout, MessageError, Name, Row
from ushield.reader.messages.values import (
    MAX_ATR,
    MAX_ATTRIBUTE,
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
)

VERSION = Layout(Version, "a version", major=Int32sn, minor=Int32sn, rv=Int32un)
ESTABLISH = Layout(Establish, "an establish", scope=Int32un, context=Int32un, rv=Int32un)
RELEASE = Layout(Release, "a release", context=Int32un, rv=Int32un)
CONNECT = Layout(
    Connect,
    "a connect",
    context=Int32un,
    reader=Name(),
    share=Int32un,
    protocols=Int32un,
    card=Int32sn,
    active=Int32un,
    rv=Int32un,
)
RECONNECT = Layout(
    Reconnect,
    "a reconnect",
    card=Int32sn,
    share=Int32un,
    protocols=Int32un,
    initialization=Int32un,
    active=Int32un,
    rv=Int32un,
)
DISCONNECT = Layout(Disconnect, "a disconnect", card=Int32sn, disposition=Int32un, rv=Int32un)
BEGIN = Layout(Begin, "a begin", card=Int32sn, rv=Int32un)
END = Layout(End, "an end", card=Int32sn, disposition=Int32un, rv=Int32un)
TRANSMIT = Layout(
    Transmit,
    "a transmit",
    card=Int32sn,
    send_protocol=Int32un,
    send_length=Int32un,
    size=Int32un,
    recv_protocol=Int32un,
    recv_length=Int32un,
    room=Int32un,
    rv=Int32un,
)
CONTROL = Layout(
    ControlCode,
    "a control",
    card=Int32sn,
    code=Int32un,
    size=Int32un,
    room=Int32un,
    returned=Int32un,
    rv=Int32un,
)
STATUS = Layout(Status, "a status", card=Int32sn, rv=Int32un)
CANCEL = Layout(Cancel, "a cancel", context=Int32un, rv=Int32un)
ATTRIBUTE = Layout(
    Attribute,
    "an attribute",
    card=Int32sn,
    id=Int32un,
    data=Buffer(MAX_ATTRIBUTE),
    length=Int32un,
    rv=Int32un,
)
WAIT = Layout(Wait, "a wait", timeout=Int32un, rv=Int32un)
EVENTS = Layout(Events, "a number of events", number=Int32un, rv=Int32un)
READER_COUNT = Layout(ReaderCount, "a number of readers", number=Int32sn)


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
    events=Int32un,
    state=Int32un,
    sharing=Int32sn,
    buffer=Padded(36, Buffer(MAX_ATR)),
    length=Int32un,
    protocol=Int32un,
)

_NOT_LOOKED_YET = MAX_ATR + 1
"""The length that pcscd gives before it has looked whether there is a card."""

_LAYOUTS: dict[int, Layout[Any] | None] = {
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

_OLD_WAITS = frozenset({Request.WAIT, Request.STOP_WAITING})
"""What has a structure as clients of 4:3 send it, but not in later versions."""

_OF_KIND: dict[type, Layout[Any]] = {
    layout.kind: layout
    for layout in (*_LAYOUTS.values(), WAIT, EVENTS, READER_COUNT)
    if layout is not None
}

RECORD_SIZE = _RECORD.size
"""Bytes of a reader's record: 184."""

RECORDS = 16
"""How many records READERS gives, and WAIT up to 4:5: those without a reader are all zeros."""

MINORS_WITH_RECORDS = (4, 5)
"""The versions in which WAIT is answered by the records."""

EMPTY_RECORD = bytes(RECORD_SIZE)


def body_size(command: int) -> int | None:
    """Bytes of the structure in a request: 0 where there is none, None if there is no such command.

    With WAIT and STOP_WAITING clients of 4:3 send one of 8 bytes, later ones none.
    """
    try:
        layout = _LAYOUTS[command]
    except KeyError:
        return None
    return layout.size if layout is not None else 0


def find_layout(command: int, size: int) -> Layout[Any] | None:
    """The structure of so many bytes in a request. MessageError: there is no such request."""
    try:
        layout = _LAYOUTS[command]
    except KeyError:
        raise MessageError(f"there is no command {command:#04x}") from None
    if size and command in _OLD_WAITS:
        layout = WAIT
    wanted = layout.size if layout is not None else 0
    if size != wanted:
        raise MessageError(f"{Request(command).name} has {wanted} bytes, not {size}")
    return layout


def parse_body(command: int, raw: bytes) -> Body | None:
    """Read the structure of a request; None where there is none."""
    layout = find_layout(command, len(raw))
    return layout.parse(raw) if layout is not None else None


def layout_of(kind: type[Row]) -> Layout[Row]:
    """The structure of a kind of value, to read answers by: its `size`, `parse` and `build`.

    Readers' records have functions of their own.
    """
    return _OF_KIND[kind]


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
