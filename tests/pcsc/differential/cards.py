"""A card whose answers tell what reached it."""

from __future__ import annotations

from zlib import crc32

COUNT, LONG = 0x10, 0x20
"""Instructions: how many commands since power on or reset; an answer of so many bytes."""

ATRS = {
    # One offers T=1 alone, as the token does, one T=0 alone, one both.
    "T1": bytes.fromhex("3B800181"),
    "T0": bytes.fromhex("3B00"),
    "both": bytes.fromhex("3B80800101"),
    # As long as an ATR may be.
    "long": bytes.fromhex("3BFF110000F1010000F1FE450071FE4500") + bytes(range(15)) + b"\x91",
}


def counting() -> bytes:
    """The command that asks how many came since the card was reset."""
    return bytes((0x00, COUNT, 0x00, 0x00, 0x01))


def asking(size: int) -> bytes:
    """The command that asks for an answer of that many bytes, status included."""
    return bytes((0x00, LONG, 0x00, 0x00, 0x04)) + size.to_bytes(4, "big")


def of(size: int) -> bytes:
    """A command of that many bytes."""
    return (bytes((0x00, 0x30)) + bytes(range(251)) * (size // 251 + 1))[:size]


class PatternCard:
    """Counts commands; all but two kinds are answered by their length and checksum."""

    def __init__(self, atr: bytes) -> None:
        self._atr = atr
        self._count = 0

    def power_on(self) -> bytes:
        self._count = 0
        return self._atr

    def reset(self) -> bytes:
        return self.power_on()

    def power_off(self) -> None:
        self._count = 0

    def transmit(self, command: bytes, /) -> bytes:
        self._count += 1
        return self._answer(command) + b"\x90\x00"

    def _answer(self, command: bytes) -> bytes:
        match command[1:2]:
            case b"\x10":
                return bytes((self._count & 0xFF,))
            case b"\x20" if len(command) == 9:
                return of(int.from_bytes(command[5:], "big") - 2)
        return len(command).to_bytes(4, "big") + crc32(command).to_bytes(4, "big")
