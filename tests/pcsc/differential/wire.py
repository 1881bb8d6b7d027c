"""pcsc-lite's protocol, as little of it as it takes to watch a reader and to put it in order."""

from __future__ import annotations

import socket
import struct
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple, Self

ABSENT, PRESENT, POWERED = 0x02, 0x04, 0x10
LEAVE, RESET = 0, 1
RAW, SHARED = 4, 2
_VERSION, _STATES, _ESTABLISH, _CONNECT, _DISCONNECT = 0x11, 0x12, 0x01, 0x04, 0x06
_RECORD = struct.Struct("<128sIIi33s3xII")
_READERS = 16


class Record(NamedTuple):
    """What the service says of a reader."""

    name: str
    events: int
    state: int
    sharing: int
    atr: bytes
    protocol: int


class Wire:
    """One connection to a service, as a client of version 4:4."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._line = socket.socket(socket.AF_UNIX)

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            stack.callback(self._line.close)
            self._line.settimeout(5)
            self._line.connect(str(self._path))
            self._ask(_VERSION, struct.pack("<iiI", 4, 4, 0))
            stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._line.close()

    def records(self) -> list[Record]:
        """All readers, in the service's order."""
        self._line.sendall(struct.pack("<II", 0, _STATES))
        found = []
        for raw in _RECORD.iter_unpack(self._receive(_READERS * _RECORD.size)):
            name, events, state, sharing, atr, length, protocol = raw
            if text := name.partition(b"\0")[0].decode():
                # The length of a reader that is just starting is no length.
                found.append(Record(text, events, state, sharing, atr[:length][:33], protocol))
        return found

    def reset(self, reader: str) -> int:
        """Connect, and disconnect with a reset: no protocol is in force then. The return code."""
        context = struct.unpack("<IiI", self._ask(_ESTABLISH, struct.pack("<IiI", 2, 0, 0)))[1]
        ask = struct.pack("<i128sIIiII", context, reader.encode(), SHARED, RAW, 0, 0, 0)
        *_, handle, _, rv = struct.unpack("<i128sIIiII", self._ask(_CONNECT, ask))
        if not rv:
            done = self._ask(_DISCONNECT, struct.pack("<iII", handle, RESET, 0))
            rv = struct.unpack("<iII", done)[2]
        return int(rv)

    def _ask(self, command: int, body: bytes) -> bytes:
        self._line.sendall(struct.pack("<II", len(body), command) + body)
        return self._receive(len(body))

    def _receive(self, size: int) -> bytes:
        data = b""
        while len(data) < size:
            piece = self._line.recv(size - len(data))
            if not piece:
                raise ConnectionError("the service hung up")
            data += piece
        return data


def records(path: Path) -> list[Record]:
    """The readers of the service at that socket."""
    with Wire(path) as wire:
        return wire.records()


def reset(path: Path, reader: str) -> int:
    """Reset the card in that reader, with nobody else connected. The return code."""
    with Wire(path) as wire:
        return wire.reset(reader)
