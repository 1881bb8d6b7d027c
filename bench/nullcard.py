"""The least that can be a card."""

from __future__ import annotations

ATR = bytes.fromhex("3B00")


class NullCard:
    """Answers 9000 to everything."""

    def power_on(self) -> bytes:
        """The answer to reset."""
        return ATR

    def reset(self) -> bytes:
        """The answer to reset."""
        return ATR

    def power_off(self) -> None:
        """Nothing is lost."""

    def transmit(self, _command: bytes, /) -> bytes:
        """9000."""
        return b"\x90\x00"
