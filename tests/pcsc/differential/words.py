"""What a call gave, in words that can be compared."""

from __future__ import annotations

from typing import Any
from zlib import crc32

from tests.pcsc.differential.script import EVENTS, NAMES, PROTOCOLS, STATES
from tests.pcsc.differential.wire import Record

UNTOUCHED = 0xAAAA_0000
"""An event state that the call has left as the client made it."""

CODES = {
    0x00000000: "SUCCESS",
    0x80100001: "INTERNAL_ERROR",
    0x80100002: "CANCELLED",
    0x80100003: "INVALID_HANDLE",
    0x80100004: "INVALID_PARAMETER",
    0x80100006: "NO_MEMORY",
    0x80100008: "INSUFFICIENT_BUFFER",
    0x80100009: "UNKNOWN_READER",
    0x8010000A: "TIMEOUT",
    0x8010000B: "SHARING_VIOLATION",
    0x8010000C: "NO_SMARTCARD",
    0x8010000F: "PROTO_MISMATCH",
    0x80100010: "NOT_READY",
    0x80100011: "INVALID_VALUE",
    0x80100013: "COMM_ERROR",
    0x80100016: "NOT_TRANSACTED",
    0x80100017: "READER_UNAVAILABLE",
    0x8010001D: "NO_SERVICE",
    0x8010001E: "SERVICE_STOPPED",
    0x8010001F: "UNSUPPORTED_FEATURE",
    0x8010002E: "NO_READERS_AVAILABLE",
    0x80100066: "UNRESPONSIVE_CARD",
    0x80100067: "UNPOWERED_CARD",
    0x80100068: "RESET_CARD",
    0x80100069: "REMOVED_CARD",
    0x8010006A: "SECURITY_VIOLATION",
}

Result = dict[str, Any]


class Teller:
    """Puts results into words. `base` is the reader's event counter when the script began."""

    def __init__(self, base: int) -> None:
        self._base = base

    def result(self, do: str, arguments: dict[str, Any], result: Result) -> str:
        """The return code, and what came with it."""
        if do == "fork":
            calls = zip(arguments["calls"], result["child"], strict=True)
            return " ".join(
                f"({do} -> {self.result(do, given, one)})" for (do, given), one in calls
            )
        words = [CODES.get(result["rv"], hex(result["rv"])), *self._more(do, result)]
        return " ".join(word for word in words if word)

    def record(self, record: Record) -> str:
        """A reader, as the service tells it."""
        words = (
            record.name,
            f"{record.events - self._base:+}",
            flags(record.state, STATES),
            str(record.sharing),
            record.atr.hex(),
            flags(record.protocol, PROTOCOLS),
        )
        return " ".join(words)

    def _more(self, do: str, result: Result) -> list[str]:
        good = not result["rv"]
        match do:
            case "connect" | "reconnect":
                active = [flags(result["active"], PROTOCOLS)] if good else []
                return active + ["a handle"] * (not good and result.get("handle", False))
            case "status":
                return [
                    result["name"],
                    str(result["name_length"]),
                    self._counted(result["state"], STATES),
                    flags(result["protocol"], PROTOCOLS),
                    result["atr"],
                    str(result["atr_length"]),
                ]
            case "wait":
                readers = result["readers"]
                return [f"[{self._event(one)} {one['atr']}]" for one in readers]
            case "transmit":
                origin = flags(result["from"], PROTOCOLS)
                return [str(result["length"]), _short(result["data"]), f"by {origin}" * good]
            case "control" | "attribute":
                return [str(result["length"]), _short(result["data"])]
            case "readers" | "groups":
                return [str(result["length"]), *result["names"]]
            case _:
                return []

    def _event(self, reader: Result) -> str:
        event = reader["event"]
        if event == UNTOUCHED:
            return "untouched"
        if reader["name"] == NAMES["pnp"] and event >> 16:
            # Not what happened to a reader, but how many devices came.
            return f"{flags(event & 0xFFFF, EVENTS)} after {event >> 16}"
        return self._counted(event, EVENTS)

    def _counted(self, value: int, names: dict[str, int]) -> str:
        counter = value >> 16
        return flags(value & 0xFFFF, names) + (f" {counter - self._base:+}" if counter else "")


def flags(value: int, names: dict[str, int]) -> str:
    """The bits by name, put together by |."""
    found = [name for name, bit in names.items() if value & bit]
    rest = value & ~sum(names.values())
    return "|".join(found + [hex(rest)] * bool(rest)) or "none"


def _short(data: str) -> str:
    if len(data) <= 80:
        return data
    return f"{data[:8]}..{data[-8:]} {crc32(bytes.fromhex(data)):08x}"
