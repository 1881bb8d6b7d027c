"""A worker that sends commands by libpcsclite: ``python -m bench.libpcsclite [READER]``.

Asked for so many GET CHALLENGE it answers the seconds they took; asked for `event` it answers that
it waits, and then the moment at which it saw one. It calls the library as a program in C does.
"""

from __future__ import annotations

import ctypes
import sys
from ctypes import POINTER, byref, c_char_p, c_long, c_ulong, c_void_p
from time import perf_counter

from bench.worker import answer_lines

_CHALLENGE = bytes.fromhex("0084000008")
_SHARED, _T0_OR_T1, _USER, _LEAVE = 2, 3, 0, 0
_INFINITE = 0xFFFFFFFF


class _Protocol(ctypes.Structure):
    """SCARD_IO_REQUEST."""

    _fields_ = (("protocol", c_ulong), ("length", c_ulong))


class _State(ctypes.Structure):
    """SCARD_READERSTATE."""

    _fields_ = (
        ("reader", c_char_p),
        ("user_data", c_void_p),
        ("current", c_ulong),
        ("event", c_ulong),
        ("atr_length", c_ulong),
        ("atr", ctypes.c_ubyte * 33),
    )


_library = ctypes.CDLL("libpcsclite.so.1")
_library.SCardTransmit.argtypes = (
    c_long, POINTER(_Protocol), c_char_p, c_ulong, c_void_p, c_char_p, POINTER(c_ulong)
)  # fmt: skip
_library.SCardGetStatusChange.argtypes = (c_long, c_ulong, POINTER(_State), c_ulong)


class _Reader:
    """A connection to the card in a reader; to the first reader when none is named."""

    def __init__(self, name: bytes | None) -> None:
        self._context = c_long()
        _call(_library.SCardEstablishContext(c_ulong(_USER), None, None, byref(self._context)))
        self.name = name or self._first()

    def _first(self) -> bytes:
        size = c_ulong()
        _call(_library.SCardListReaders(self._context, None, None, byref(size)))
        names = ctypes.create_string_buffer(size.value)
        _call(_library.SCardListReaders(self._context, None, names, byref(size)))
        return names.value

    def connect(self) -> None:
        """Connect to the card."""
        handle, protocol = c_long(), c_ulong()
        _call(
            _library.SCardConnect(
                self._context,
                self.name,
                c_ulong(_SHARED),
                c_ulong(_T0_OR_T1),
                byref(handle),
                byref(protocol),
            )
        )
        self._handle = handle.value
        self._pci = _Protocol(protocol.value, ctypes.sizeof(_Protocol))

    def challenges(self, count: int) -> float:
        """Seconds of so many commands."""
        send, handle, pci = _library.SCardTransmit, self._handle, byref(self._pci)
        room = ctypes.create_string_buffer(258)
        got = c_ulong()
        got_by_reference, size = byref(got), len(_CHALLENGE)
        begin = perf_counter()
        for _ in range(count):
            got.value = 258
            if send(handle, pci, _CHALLENGE, size, None, room, got_by_reference):
                raise RuntimeError("a command failed")
        return perf_counter() - begin

    def next_event(self) -> float:
        """Say that it waits; the moment at which a card was put in or taken out."""
        state = _State(reader=self.name)
        _call(_library.SCardGetStatusChange(self._context, 0, byref(state), 1))
        state.current = state.event
        print("waiting", flush=True)
        _call(_library.SCardGetStatusChange(self._context, _INFINITE, byref(state), 1))
        return perf_counter()


def _call(code: int) -> None:
    if code:
        raise RuntimeError(f"{code & 0xFFFFFFFF:08X}")


def main() -> None:
    """Work until the end of the input."""
    reader = _Reader(sys.argv[1].encode() if len(sys.argv) > 1 else None)
    connected = False

    def answer(line: str) -> float:
        nonlocal connected
        if line == "event":
            return reader.next_event()
        if not connected:
            reader.connect()
            connected = True
        return reader.challenges(int(line))

    answer_lines(reader.name.decode(), answer)


if __name__ == "__main__":
    main()
