"""Cards that a reader can be tried with."""

from __future__ import annotations

ATR = bytes.fromhex("3B00")


class NullCard:
    """Answers 9000 to everything, and remembers what was done to it."""

    def __init__(self) -> None:
        self.done: list[str] = []
        self.commands: list[bytes] = []

    def power_on(self) -> bytes:
        self.done.append("on")
        return ATR

    def reset(self) -> bytes:
        self.done.append("reset")
        return ATR

    def power_off(self) -> None:
        self.done.append("off")

    def transmit(self, command: bytes, /) -> bytes:
        self.commands.append(command)
        return b"\x90\x00"


class EchoCard(NullCard):
    """Answers the command itself and 9000."""

    def transmit(self, command: bytes, /) -> bytes:
        return command + super().transmit(command)
