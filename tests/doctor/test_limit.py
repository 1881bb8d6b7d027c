"""A limit for what may never come back."""

from __future__ import annotations

from collections.abc import Iterator
from threading import Event

import pytest

from applet.os.store import MemoryStore
from host.doctor.limit import Heard, HeardTransport, within
from host.errors import NoCard
from host.memory import MemoryTransport
from host.overview import look_at
from ushield.device.assembly import assemble


@pytest.fixture
def over() -> Iterator[Event]:
    """Set when the test is over: no thread is left behind."""
    event = Event()
    yield event
    event.set()


def test_what_it_comes_to() -> None:
    assert within(60.0, lambda _: 7) == 7


def test_what_goes_wrong() -> None:
    def fail(_: Heard) -> None:
        raise NoCard("there is none")

    with pytest.raises(NoCard, match="there is none"):
        within(60.0, fail)


def test_what_does_not_come_back(over: Event) -> None:
    with pytest.raises(TimeoutError, match="it does not answer"):
        within(0.01, lambda _: over.wait())


def test_a_sign_of_life_gives_it_time_anew(over: Event) -> None:
    """All in all it takes longer than nothing may be heard of it."""

    def slow(heard: Heard) -> str:
        for _ in range(12):
            over.wait(0.1)
            heard()
        return "done"

    assert within(1.0, slow) == "done"


def test_each_answer_of_a_card_is_a_sign_of_life() -> None:
    signs: list[None] = []
    with MemoryTransport(assemble(MemoryStore())) as card:
        transport = HeardTransport(card, lambda: signs.append(None))
        assert len(signs) == 1 and transport.atr == card.atr
        assert transport.exclusive == card.exclusive
        transport.transmit(bytes.fromhex("00A4000C023F00"))
        assert len(signs) == 2
        assert transport.reset() == card.atr
        assert len(signs) == 3
        assert look_at(transport) == look_at(card)
        assert len(signs) > 5
        transport.close()
        transport.close()
