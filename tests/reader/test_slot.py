"""What the virtual reader asks, and what the card in it does and answers. No socket."""

from __future__ import annotations

import pytest

from tests.reader.cards import ATR, NullCard
from tests.reader.fake import ASK_ATR, OFF, ON, RESET, Told
from ushield.reader.vpcd import Slot

COMMAND = bytes.fromhex("0084000008")
CYCLE = ["on", "off"]
"""A card is asked for its ATR when it is put in."""


class Reader:
    """A slot, its card, and what it told."""

    def __init__(self) -> None:
        self.card = NullCard()
        self.told = Told()
        self.slot = Slot(self.card, self.told.events)

    def answers(self, *messages: bytes) -> list[bytes | None]:
        return [self.slot.answer(message) for message in messages]


@pytest.fixture
def reader() -> Reader:
    return Reader()


def test_the_atr_is_there_before_power(reader: Reader) -> None:
    assert reader.answers(ASK_ATR) == [ATR]
    assert reader.card.done == CYCLE
    assert reader.told.lines == []


def test_power_and_reset_have_no_answer(reader: Reader) -> None:
    assert reader.answers(ON, RESET, OFF) == [None, None, None]
    assert reader.card.done == [*CYCLE, "on", "reset", "off"]


def test_a_session_lasts_from_power_on_to_power_off(reader: Reader) -> None:
    reader.answers(ON, ASK_ATR, COMMAND, RESET, ON, COMMAND, OFF, ON, OFF)
    assert reader.told.lines == ["begins", "ends: 2", "begins", "ends: 0"]


def test_power_off_without_power_is_nothing(reader: Reader) -> None:
    reader.answers(OFF, OFF)
    assert reader.card.done == CYCLE
    assert reader.told.lines == []


@pytest.mark.parametrize("message", [COMMAND, RESET])
def test_what_needs_power_gets_it(reader: Reader, message: bytes) -> None:
    reader.answers(message)
    assert reader.card.done == [*CYCLE, "on"]
    assert reader.told.lines == ["begins"]


@pytest.mark.parametrize("byte", [0x03, 0x05, 0x80, 0xFF])
def test_a_byte_that_is_no_control_goes_to_the_card(reader: Reader, byte: int) -> None:
    assert reader.answers(bytes((byte,))) == [b"\x90\x00"]
    assert reader.card.commands == [bytes((byte,))]


@pytest.mark.parametrize(("size", "answered"), [(65_535, 65_535), (65_536, 2), (65_538, 2)])
def test_an_answer_too_long_for_a_message(reader: Reader, size: int, answered: int) -> None:
    reader.card.transmit = lambda command, /: bytes(size - 2) + b"\x90\x00"  # type: ignore[method-assign]
    (answer,) = reader.answers(COMMAND)
    assert answer is not None
    assert len(answer) == answered
    assert answer.endswith(b"\x90\x00" if answered > 2 else b"\x67\x00")
