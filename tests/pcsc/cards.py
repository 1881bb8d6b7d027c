"""Cards that a reader has to get along with: one with a secret, slow ones, broken ones."""

from __future__ import annotations

import threading

ATR_T0 = bytes.fromhex("3B00")
ATR_T1 = bytes.fromhex("3B800181")
ATR_BOTH = bytes.fromhex("3B80800101")

VERIFY, VERIFIED, PLAIN = b"\x00\x20\x00\x00", b"\x00\x20\x00\x01", b"\x00\xca\x00\x00"
ASK = b"\x00\x2a\x00\x00"
OK, DENIED, REFUSED = b"\x90\x00", b"\x69\x82", b"\x69\x85"


class Broken(Exception):
    """What a broken card raises."""


class PinCard:
    """Knows whether its PIN was verified since it last got power or was reset.

    VERIFY verifies, VERIFIED asks; every other command is answered by itself and 9000.
    """

    def __init__(self, atr: bytes = ATR_BOTH) -> None:
        self.atr = atr
        self.verified = False
        self.powered = False
        self.done: list[str] = []

    def power_on(self) -> bytes:
        self.done.append("on")
        self.powered, self.verified = True, False
        return self.atr

    def reset(self) -> bytes:
        self.done.append("reset")
        self.verified = False
        return self.atr

    def power_off(self) -> None:
        self.done.append("off")
        self.powered = self.verified = False

    def transmit(self, command: bytes, /) -> bytes:
        if not self.powered:
            raise Broken("no power")
        if command == VERIFY:
            self.verified = True
            return OK
        if command == VERIFIED:
            return OK if self.verified else DENIED
        return command + OK


class BrokenCard(PinCard):
    """Raises in the methods whose names are in `broken`, which may change."""

    def __init__(self, *broken: str) -> None:
        super().__init__()
        self.broken = set(broken)

    def power_on(self) -> bytes:
        self._may("power_on")
        return super().power_on()

    def reset(self) -> bytes:
        self._may("reset")
        return super().reset()

    def power_off(self) -> None:
        self._may("power_off")
        super().power_off()

    def transmit(self, command: bytes, /) -> bytes:
        self._may("transmit")
        return super().transmit(command)

    def _may(self, method: str) -> None:
        if method in self.broken:
            raise Broken(method)


class SlowCard(PinCard):
    """Answers when it is told to. `working` is set while it works on a command."""

    def __init__(self) -> None:
        super().__init__()
        self.working = threading.Event()
        self.may_answer = threading.Event()

    def transmit(self, command: bytes, /) -> bytes:
        self.working.set()
        assert self.may_answer.wait(10)
        self.working.clear()
        return super().transmit(command)


class AskingCard(PinCard):
    """ASK waits until somebody calls `confirm`, or the card is interrupted.

    As a real chip it may be interrupted before it has come to its question: it goes on to ask
    then. `dawdle` makes it do so.
    """

    def __init__(self) -> None:
        super().__init__()
        self._change = threading.Condition()
        self._asks = False
        self._answer = b""
        self.interruptions = 0
        self.dawdle = threading.Event()
        self.dawdle.set()
        self.entered = threading.Event()

    def transmit(self, command: bytes, /) -> bytes:
        if command != ASK:
            return super().transmit(command)
        self.entered.set()
        assert self.dawdle.wait(10)
        with self._change:
            self._asks, self._answer = True, b""
            self._change.notify_all()
            assert self._change.wait_for(lambda: bool(self._answer), 10), "nobody answers"
            self._asks = False
            self.done.append("asked")
            return self._answer

    def interrupt(self) -> None:
        with self._change:
            self.interruptions += 1
            if self._asks:
                self._answer = REFUSED
                self._change.notify_all()

    def confirm(self) -> None:
        with self._change:
            assert self._change.wait_for(lambda: self._asks, 10), "it does not ask"
            self._answer = OK
            self._change.notify_all()

    def wait_until_it_asks(self) -> None:
        with self._change:
            assert self._change.wait_for(lambda: self._asks, 10), "it does not ask"


class LongCard(PinCard):
    """Answers as many bytes as the command's last four say, the status word among them."""

    def transmit(self, command: bytes, /) -> bytes:
        size = int.from_bytes(command[-4:], "big")
        return bytes(size - 2) + OK


def long_answer(size: int) -> bytes:
    """The command by which a LongCard answers so many bytes."""
    return b"\x00\xca\x00\x00" + size.to_bytes(4, "big")
