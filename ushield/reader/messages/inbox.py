"""Requests out of a stream of bytes, and into one. No socket here: bytes in, messages out.

A header is the size of the structure that follows it, and the command. Clients send header,
structure and data one by one, so they arrive cut anywhere, and with the next request behind them.
"""

from typing import Any, NamedTuple

from construct import Int32ul

from ushield.reader.messages.bodies import (
    LAYOUTS,
    MAX_ATTRIBUTE,
    WAIT,
    Attribute,
    Body,
    ControlCode,
    Request,
    Transmit,
    build_body,
)
from ushield.reader.messages.layout import Layout, MessageError

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
    body: Any
    data: bytes = b""

    def __repr__(self) -> str:
        return f"<{self.command.name}, {self.body}, {len(self.data)} bytes of data>"


_HEADER = Layout(Header, "a header", size=Int32ul, command=Int32ul)
_REQUESTS = {int(command): (command, layout) for command, layout in LAYOUTS.items()}
_OLD_WAITS = frozenset({Request.WAIT, Request.STOP_WAITING})


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
        self._needed = _HEADER.size
        self._command = Request.VERSION
        self._layout: Layout[Any] | None = None
        self._begun = False
        self._body: Any = None
        self._body_end = 0

    def feed(self, data: bytes) -> None:
        """Take what was received."""
        self._held += data

    def next(self) -> Message | None:
        """The oldest request that is complete; MessageError for what can be none, however it ends.

        Sizes and commands are judged as soon as they are there, before anything is waited for.
        """
        held = self._held
        while len(held) >= self._needed:
            if not self._begun:
                self._begin(*_HEADER.parse(held[: _HEADER.size]))
            elif not self._body_end:
                self._read_body()
            else:
                return self._finish()
        return None

    def _begin(self, size: int, command: int) -> None:
        try:
            self._command, self._layout = _REQUESTS[command]
        except KeyError:
            raise MessageError(f"there is no command {command:#x}") from None
        if size and self._command in _OLD_WAITS:
            self._layout = WAIT
        wanted = self._layout.size if self._layout else 0
        if size != wanted:
            raise MessageError(f"{self._command.name} has {wanted} bytes, not {size}")
        self._needed = _HEADER.size + size
        self._begun = True

    def _read_body(self) -> None:
        end = self._needed
        body = self._body = self._layout and self._layout.parse(self._held[_HEADER.size : end])
        if isinstance(body, Transmit | ControlCode):
            if body.size > MAX_DATA:
                raise MessageError(f"{body.size} bytes of data are over {MAX_DATA}")
            self._needed = end + body.size
        elif isinstance(body, Attribute) and body.length > MAX_ATTRIBUTE:
            raise MessageError(f"an attribute of {body.length} bytes is over {MAX_ATTRIBUTE}")
        self._body_end = end

    def _finish(self) -> Message:
        end = self._needed
        message = Message(self._command, self._body, bytes(self._held[self._body_end : end]))
        del self._held[:end]
        self._needed = _HEADER.size
        self._begun = False
        self._body = None
        self._body_end = 0
        return message
