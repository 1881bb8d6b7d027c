"""A card that is listened to behaves as it did, and what happens to it is told."""

from __future__ import annotations

import pytest

from host.errors import TransportClosed
from host.memory import MemoryTransport
from host.trace import CardEvent, Direction, Entry, Happening, TracedCard, TracedTransport, Tracer
from host.transport import CardPort
from tests.host import tokens
from tests.trace.dialogues import ticking


class Odd:
    """A card with something special about it."""

    def __init__(self) -> None:
        self.interrupted = 0

    def power_on(self) -> bytes:
        return b"\x3b\x00"

    def transmit(self, command: bytes, /) -> bytes:
        if command[1] == 0xFF:
            raise RuntimeError("pulled out")
        return command[-1:]

    def reset(self) -> bytes:
        return b"\x3b\x01\x41"

    def power_off(self) -> None:
        """Nothing to lose."""

    def interrupt(self) -> None:
        self.interrupted += 1


def listened(card: CardPort) -> tuple[TracedCard, list[Entry]]:
    entries: list[Entry] = []
    return TracedCard(card, Tracer(entries.append, "R", ticking())), entries


def test_the_life_of_a_card() -> None:
    inside = Odd()
    card, entries = listened(inside)
    assert card.power_on() == b"\x3b\x00"
    assert card.reset() == b"\x3b\x01\x41"
    with pytest.raises(RuntimeError, match="pulled out"):
        card.transmit(b"\x00\xff\x00\x00")
    assert card.transmit(b"\x00\x84\x00\x00\x08") == b"\x08", "also what is no answer"
    card.power_off()
    card.interrupt()
    assert inside.interrupted == 1
    assert [entry.what for entry in entries if isinstance(entry.what, CardEvent)] == [
        CardEvent(Happening.POWER_ON, b"\x3b\x00"),
        CardEvent(Happening.RESET, b"\x3b\x01\x41"),
        CardEvent(Happening.NO_ANSWER),
        CardEvent(Happening.POWER_OFF),
    ]
    assert [entry.at for entry in entries] == [1000 * number for number in range(7)]
    assert {entry.reader for entry in entries} == {"R"}
    (answer,) = (e.what for e in entries if getattr(e.what, "direction", 0) is Direction.FROM_CARD)
    assert answer[3:] == (1, None, 0, 0, False, True), "one byte, malformed, not shown"


def test_a_card_that_cannot_be_interrupted_stays_so() -> None:
    card, _ = listened(tokens.blank_card())
    assert not hasattr(card, "interrupt")


def test_a_connection() -> None:
    entries: list[Entry] = []
    inside = MemoryTransport(tokens.token_card())
    with TracedTransport(inside, Tracer(entries.append, "R", ticking())) as transport:
        assert transport.exclusive is inside.exclusive
        assert transport.atr == inside.atr
        with transport.transaction():
            assert transport.transmit(bytes.fromhex("0084000008"))[-2:] == b"\x90\x00"
        assert transport.reset() == inside.atr
    with pytest.raises(TransportClosed):
        transport.transmit(b"\x00\x84\x00\x00\x08")
    happenings = [entry.what[0] for entry in entries if isinstance(entry.what, CardEvent)]
    assert happenings == [Happening.CONNECTED, Happening.RESET, Happening.NO_ANSWER]
