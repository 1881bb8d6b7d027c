"""Requests out of a stream of bytes, and into one. No socket here: bytes in, messages out.

A header is the size of the structure that follows it, and the command. Clients send header,
structure and data one by one, so they arrive cut anywhere, and with the next request behind them.
"""

from typing import Any, NamedTuple

from construct import Int32un

from ushield.reader.messages.bodies import build_body, find_layout
from ushield.reader.messages.layout import Layout, MessageError
from ushield.reader.messages.values import (
    MAX_ATTRIBUTE,
    Attribute,
    Body,
    ControlCode,
    Request,
    Transmit,
)

MAX_DATA = 4 + 3 + 0x10000 + 3 + 2
"""Bytes that may follow a structure: the longest extended APDU, as pcsc-lite counts it."""


class Header(NamedTuple):
    """What a request begins with."""

    size: int
    command: int


class Message(NamedTuple):
    """A request: its command, the structure if it has one, and the data behind the structure.

    The data may be a PIN and have no place in the repr.
    """

    command: Request
    body: Body | None
    data: bytes = b""

    def __repr__(self) -> str:
        return f"<{self.command.name}, {self.body}, {len(self.data)} bytes of data>"


_WITH_DATA = (Transmit, ControlCode)
_HEADER = Layout(Header, "a header", size=Int32un, command=Int32un)


def parse_header(raw: bytes) -> Header:
    """Read the 8 bytes before a structure: its size, and the command."""
    return _HEADER.parse(raw)


def build_request(command: Request, value: Body | None = None, data: bytes = b"") -> bytes:
    """Write a whole request, as a client sends it."""
    body = b"" if value is None else build_body(value)
    return _HEADER.build(Header(len(body), command)) + body + data


class Inbox:
    """The requests of one client, whatever pieces they arrive in.

    After each `feed`, call `next` until it gives None: what is held then is less than one message,
    66 kB at most. A MessageError is for good: nothing after the fault can be understood.
    """

    def __init__(self) -> None:
        self._held = bytearray()
        self._expect_header()

    def feed(self, data: bytes) -> None:
        """Take what was received."""
        self._held += data

    def next(self) -> Message | None:
        """The oldest request that is complete; MessageError for what can be none, however it ends.

        Sizes and commands are judged as soon as they are there, before anything is waited for.
        """
        while len(self._held) >= self._needed:
            if not self._command:
                self._read_header()
            elif not self._body_end:
                self._read_body()
            else:
                return self._finish()
        return None

    def _expect_header(self) -> None:
        self._needed = _HEADER.size
        self._command = 0
        self._layout: Layout[Any] | None = None
        self._body: Body | None = None
        self._body_end = 0

    def _read_header(self) -> None:
        size, command = _HEADER.parse(self._held[: self._needed])
        self._layout = find_layout(command, size)
        self._command = command
        self._needed += size

    def _read_body(self) -> None:
        end = self._needed
        if self._layout is not None:
            self._body = self._layout.parse(self._held[_HEADER.size : end])
            self._needed += _count_data(self._body)
        self._body_end = end

    def _finish(self) -> Message:
        data = bytes(self._held[self._body_end : self._needed])
        message = Message(Request(self._command), self._body, data)
        del self._held[: self._needed]
        self._expect_header()
        return message


def _count_data(body: Body | None) -> int:
    """How many bytes follow a structure. MessageError when it promises more than it can."""
    if isinstance(body, _WITH_DATA):
        if body.size > MAX_DATA:
            raise MessageError(f"{body.size} bytes of data are over {MAX_DATA}")
        return body.size
    if isinstance(body, Attribute) and body.length > MAX_ATTRIBUTE:
        raise MessageError(f"an attribute of {body.length} bytes is over {MAX_ATTRIBUTE}")
    return 0
