"""One PC/SC client in a process of its own: calls in, results out, one JSON object a line.

It uses the machine's libpcsclite and nothing else of Python's than the standard library, so that
it runs wherever that library does. Each call runs in a thread of its own: one may wait while the
next is made. Contexts and handles have names; a name that was never given a value is 0.

Run as a program; `conversation.py` is the other end.
"""

from __future__ import annotations

import ctypes
import json
import os
import sys
import threading
from collections.abc import Callable
from ctypes import POINTER, byref, c_char, c_char_p, c_long, c_ubyte, c_ulong, c_void_p
from typing import Any

LIBRARY = "libpcsclite.so.1"
AUTOALLOCATE = 0xFFFF_FFFF_FFFF_FFFF
ATR_ROOM = 33

Arguments = dict[str, Any]
Result = dict[str, Any]


class IoRequest(ctypes.Structure):
    """SCARD_IO_REQUEST."""

    _fields_ = [("protocol", c_ulong), ("length", c_ulong)]


class ReaderState(ctypes.Structure):
    """SCARD_READERSTATE."""

    _fields_ = [
        ("name", c_char_p),
        ("user", c_void_p),
        ("current", c_ulong),
        ("event", c_ulong),
        ("atr_length", c_ulong),
        ("atr", c_ubyte * ATR_ROOM),
    ]


class Client:
    """The calls, each with its arguments by name. `rv` is the return code."""

    def __init__(self) -> None:
        self._library = ctypes.CDLL(LIBRARY)
        self._contexts: dict[str, int] = {}
        self._cards: dict[str, int] = {}
        self._last: dict[str, int] = {}
        """What SCardGetStatusChange said last of each reader."""

    def call(self, do: str, arguments: Arguments) -> Result:
        """Make one call."""
        method: Callable[..., Result] = getattr(self, "do_" + do)
        return method(**arguments)

    def _scard(self, name: str, *arguments: object) -> int:
        function = getattr(self._library, "SCard" + name)
        function.restype = c_long
        return int(function(*arguments)) & 0xFFFF_FFFF

    def _context(self, context: str) -> c_long:
        return c_long(self._contexts.get(context, 0))

    def _card(self, card: str) -> c_long:
        return c_long(self._cards.get(card, 0))

    # --- contexts -------------------------------------------------------------------------------

    def do_establish(self, context: str, scope: int = 0) -> Result:
        value = c_long()
        rv = self._scard("EstablishContext", c_ulong(scope), None, None, byref(value))
        if not rv:
            self._contexts[context] = value.value
        return {"rv": rv}

    def do_release(self, context: str) -> Result:
        return {"rv": self._scard("ReleaseContext", self._context(context))}

    def do_valid(self, context: str) -> Result:
        return {"rv": self._scard("IsValidContext", self._context(context))}

    def do_cancel(self, context: str) -> Result:
        return {"rv": self._scard("Cancel", self._context(context))}

    def do_readers(self, context: str, room: int | None = None) -> Result:
        return self._names("ListReaders", context, room, None)

    def do_groups(self, context: str, room: int | None = None) -> Result:
        return self._names("ListReaderGroups", context, room)

    def _names(self, call: str, context: str, room: int | None, *before: None) -> Result:
        size = c_ulong(room or 0)
        buffer = (c_char * room)() if room is not None else None
        rv = self._scard(call, self._context(context), *before, buffer, byref(size))
        names = bytes(buffer)[: size.value].split(b"\0")[:-2] if buffer and not rv else []
        return {"rv": rv, "length": size.value, "names": [name.decode() for name in names]}

    def do_wait(self, context: str, timeout: int, readers: list[tuple[str, Any]]) -> Result:
        """SCardGetStatusChange. A state of None stands for what was said last."""
        states = (ReaderState * len(readers))()
        for state, (name, current) in zip(states, readers, strict=True):
            state.name = name.encode()
            state.current = self._last.get(name, 0) if current is None else current
            state.event = 0xAAAA_0000  # so that one left alone is seen
        rv = self._scard(
            "GetStatusChange", self._context(context), c_ulong(timeout), states, len(readers)
        )
        found = []
        for state, (name, _) in zip(states, readers, strict=True):
            self._last[name] = state.event
            atr = bytes(state.atr)[: state.atr_length].hex()
            found.append({"name": name, "event": state.event, "atr": atr})
        return {"rv": rv, "readers": found}

    # --- connections ----------------------------------------------------------------------------

    def do_connect(
        self, context: str, card: str, reader: str, share: int, protocols: int
    ) -> Result:
        handle, active = c_long(), c_ulong()
        rv = self._scard(
            "Connect",
            self._context(context),
            reader.encode(),
            c_ulong(share),
            c_ulong(protocols),
            byref(handle),
            byref(active),
        )
        if not rv:
            self._cards[card] = handle.value
        return {"rv": rv, "active": active.value, "handle": bool(handle.value)}

    def do_reconnect(self, card: str, share: int, protocols: int, initialization: int) -> Result:
        active = c_ulong()
        rv = self._scard(
            "Reconnect",
            self._card(card),
            c_ulong(share),
            c_ulong(protocols),
            c_ulong(initialization),
            byref(active),
        )
        return {"rv": rv, "active": active.value}

    def do_disconnect(self, card: str, disposition: int) -> Result:
        return {"rv": self._scard("Disconnect", self._card(card), c_ulong(disposition))}

    def do_begin(self, card: str) -> Result:
        return {"rv": self._scard("BeginTransaction", self._card(card))}

    def do_end(self, card: str, disposition: int) -> Result:
        return {"rv": self._scard("EndTransaction", self._card(card), c_ulong(disposition))}

    def do_status(self, card: str, name_room: int | None, atr_room: int | None) -> Result:
        name = (c_char * name_room)() if name_room is not None else None
        atr = (c_ubyte * atr_room)() if atr_room is not None else None
        name_length, atr_length = c_ulong(name_room or 0), c_ulong(atr_room or 0)
        state, protocol = c_ulong(), c_ulong()
        rv = self._scard(
            "Status",
            self._card(card),
            name,
            byref(name_length),
            byref(state),
            byref(protocol),
            atr,
            byref(atr_length),
        )
        return {
            "rv": rv,
            "name": bytes(name).split(b"\0")[0].decode() if name is not None else "",
            "name_length": name_length.value,
            "state": state.value,
            "protocol": protocol.value,
            "atr": bytes(atr)[: atr_length.value].hex() if atr is not None else "",
            "atr_length": atr_length.value,
        }

    def do_transmit(self, card: str, command: str, room: int, protocol: int) -> Result:
        send = bytes.fromhex(command)
        answer = (c_ubyte * max(room, 1))()
        length = c_ulong(room)
        to_card = IoRequest(protocol, ctypes.sizeof(IoRequest))
        from_card = IoRequest(protocol, ctypes.sizeof(IoRequest))
        rv = self._scard(
            "Transmit",
            self._card(card),
            byref(to_card),
            send,
            c_ulong(len(send)),
            byref(from_card),
            answer,
            byref(length),
        )
        data = bytes(answer)[: length.value].hex() if not rv else ""
        return {"rv": rv, "length": length.value, "data": data, "from": from_card.protocol}

    def do_control(self, card: str, code: int, data: str, room: int) -> Result:
        send = bytes.fromhex(data)
        answer = (c_ubyte * max(room, 1))()
        length = c_ulong(0)
        rv = self._scard(
            "Control",
            self._card(card),
            c_ulong(code),
            send,
            c_ulong(len(send)),
            answer,
            c_ulong(room),
            byref(length),
        )
        shown = bytes(answer)[: length.value].hex() if not rv else ""
        return {"rv": rv, "length": length.value, "data": shown}

    def do_attribute(self, card: str, tag: int, room: int | None) -> Result:
        buffer = (c_ubyte * max(room, 1))() if room is not None else None
        length = c_ulong(room or 0)
        rv = self._scard("GetAttrib", self._card(card), c_ulong(tag), buffer, byref(length))
        data = bytes(buffer)[: length.value].hex() if buffer is not None and not rv else ""
        return {"rv": rv, "length": length.value, "data": data}

    def do_set_attribute(self, card: str, tag: int, data: str) -> Result:
        value = bytes.fromhex(data)
        rv = self._scard("SetAttrib", self._card(card), c_ulong(tag), value, c_ulong(len(value)))
        return {"rv": rv}

    # --- what programs should not do ------------------------------------------------------------

    def do_null(self, call: str, context: str, card: str) -> Result:
        """The call with NULL wherever a pointer is wanted."""
        number, size = c_ulong(), POINTER(c_ulong)()
        some = (c_ubyte * 300)()
        where = self._context(context)
        handle = self._card(card)
        shapes: dict[str, tuple[object, ...]] = {
            "EstablishContext": (c_ulong(0), None, None, None),
            "ListReaders": (where, None, None, None),
            "GetStatusChange": (where, c_ulong(0), None, c_ulong(1)),
            "GetStatusChange-17": (where, c_ulong(0), some, c_ulong(17)),
            "GetStatusChange-0": (where, c_ulong(0), None, c_ulong(0)),
            "Connect-reader": (where, None, c_ulong(2), c_ulong(3), byref(number), byref(number)),
            "Connect-handle": (where, b"x", c_ulong(2), c_ulong(3), None, byref(number)),
            "Connect-active": (where, b"x", c_ulong(2), c_ulong(3), byref(number), None),
            "Reconnect": (handle, c_ulong(2), c_ulong(3), c_ulong(0), None),
            "Status": (handle, None, size, size, size, None, size),
            "Transmit-pci": (handle, None, some, c_ulong(5), None, some, byref(number)),
            "Transmit-length": (
                handle,
                byref(IoRequest(2, 16)),
                some,
                c_ulong(5),
                None,
                some,
                None,
            ),
            "GetAttrib": (handle, c_ulong(0x7FFF0003), some, None),
            "SetAttrib": (handle, c_ulong(0x7FFF0003), None, c_ulong(0)),
        }
        return {"rv": self._scard(call.partition("-")[0], *shapes[call])}

    def do_fork(self, calls: list[tuple[str, Arguments]]) -> Result:
        """The calls, made by a child of this process, which then ends without a word."""
        read, write = os.pipe()
        child = os.fork()
        if not child:
            results = [self.call(do, arguments) for do, arguments in calls]
            with os.fdopen(write, "w") as pipe:
                json.dump(results, pipe)
            os._exit(0)
        os.close(write)
        with os.fdopen(read) as pipe:
            text = pipe.read()
        os.waitpid(child, 0)
        return {"rv": 0, "child": json.loads(text)}


def main() -> None:
    """Until the input ends; what is open then is left open, as by a program that crashed."""
    client = Client()
    speaking = threading.Lock()

    def answer(number: int, do: str, arguments: Arguments) -> None:
        result = client.call(do, arguments) | {"number": number}
        with speaking:
            print(json.dumps(result), flush=True)

    for line in sys.stdin:
        request = json.loads(line)
        call = (request["number"], request["do"], request["arguments"])
        threading.Thread(target=answer, args=call, daemon=True).start()
    os._exit(0)


if __name__ == "__main__":
    main()
