"""The messages of pcsc-lite's protocol as values: major version 4, minor versions 3 to 6.

A request is a header, a structure and, for two commands, bytes; its answer is the same structure
filled in, without a header. So the fields of an answer are in the request already, with whatever
the client had there. Handles of cards are signed, contexts are not; `rv` is a `codes.Rv`.
"""

from enum import IntEnum
from typing import NamedTuple, TypeAlias


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
