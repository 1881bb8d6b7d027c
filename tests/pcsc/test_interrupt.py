"""A card that waits for a person: it blocks nobody else, and ends at once when it has to."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from tests.pcsc.cards import ASK, DENIED, OK, REFUSED, VERIFIED, VERIFY, AskingCard, PinCard
from tests.pcsc.served import READER, Guest, in_the_background, serving
from ushield.reader.codes import Disposition, Rv, Share, State
from ushield.reader.messages import Request, Wait
from ushield.reader.service import PcscService

SECOND = "ushield 00 01"


@pytest.fixture
def card() -> AskingCard:
    return AskingCard()


@pytest.fixture
def service(card: AskingCard) -> Iterator[PcscService]:
    with serving(card, PinCard()) as service:
        yield service


@pytest.fixture
def ada(service: PcscService, card: AskingCard) -> Iterator[Guest]:
    """A client whose command waits."""
    with Guest(service, READER) as guest:
        guest.send_transmit(guest.card, ASK)
        card.wait_until_it_asks()
        yield guest


def test_it_blocks_nobody(service: PcscService, card: AskingCard, ada: Guest) -> None:
    with (
        Guest(service, SECOND) as elsewhere,
        Guest(service) as watcher,
        Guest(service, READER) as bob,
        ExitStack() as later,
    ):
        assert elsewhere.says(VERIFY) == OK
        assert bob.status(bob.card).rv == Rv.SUCCESS
        assert bob.begin(bob.card).rv == Rv.SUCCESS
        assert bob.end(bob.card).rv == Rv.SUCCESS
        assert bob.reconnect(bob.card).rv == Rv.SUCCESS
        assert bob.disconnect(bob.card).rv == Rv.SUCCESS
        later.enter_context(Guest(service, READER, Share.DIRECT))
        watcher.wait()
        service.remove(SECOND)
        assert watcher.event(1) == Wait()
        assert watcher.reader(READER).sharing == 2
        assert ada.silent(0)
        card.confirm()
        assert ada.answer_to_transmit()[1] == OK
    assert card.interruptions == 0


def test_another_client_waits_for_its_turn_at_the_card(
    service: PcscService, card: AskingCard, ada: Guest
) -> None:
    """As with pcscd: neither a command nor a reset of another program ends the question."""
    with Guest(service, READER) as bob, Guest(service, READER) as carl:
        bob.send_transmit(bob.card, VERIFIED)
        with in_the_background(lambda: carl.disconnect(carl.card, Disposition.RESET)):
            assert bob.silent(0.05)
            assert ada.silent(0)
            card.confirm()
        assert ada.answer_to_transmit()[1] == OK
        bob.answer_to_transmit()
    assert card.interruptions == 0


def test_pulled_out_while_it_waits(service: PcscService, card: AskingCard, ada: Guest) -> None:
    with Guest(service) as watcher:
        watcher.wait()
        assert service.remove(READER) is card
        assert watcher.event(1) == Wait()
        assert watcher.reader(READER).state == State.ABSENT
    assert ada.answer_to_transmit()[0].rv == Rv.REMOVED_CARD
    assert card.done == ["on", "asked", "off"]


def test_reset_while_it_waits(service: PcscService, card: AskingCard, ada: Guest) -> None:
    service.reset(READER)
    assert ada.answer_to_transmit()[1] == REFUSED
    assert ada.status(ada.card).rv == Rv.RESET_CARD
    assert card.done == ["on", "asked", "reset"]


def test_its_client_dies_while_it_waits(service: PcscService, card: AskingCard, ada: Guest) -> None:
    with Guest(service, READER) as bob:
        ada.close()
        assert bob.says(VERIFIED) == DENIED
        assert card.done == ["on", "asked"]


def test_its_client_dies_in_a_transaction(service: PcscService, card: AskingCard) -> None:
    with Guest(service, READER) as bob:
        with Guest(service, READER) as ada:
            ada.begin(ada.card)
            ada.send_transmit(ada.card, ASK)
            card.wait_until_it_asks()
        bob.send_transmit(bob.card, VERIFIED)
        assert bob.answer_to_transmit()[0].rv == Rv.RESET_CARD
        assert card.done == ["on", "asked", "reset"]


def test_the_death_of_another_client_means_nothing(
    service: PcscService, card: AskingCard, ada: Guest
) -> None:
    with Guest(service, READER) as bob:
        bob.send(Request.READERS)
    with Guest(service, READER) as carl:
        # The third in the row has been attended to, so the first is gone.
        assert carl.status(carl.card).rv == Rv.SUCCESS
    assert card.interruptions == 0
    card.confirm()
    assert ada.answer_to_transmit()[1] == OK


@pytest.mark.parametrize("how", ["remove", "reset", "die"])
def test_called_off_before_it_has_come_to_its_question(
    service: PcscService, card: AskingCard, how: str
) -> None:
    card.dawdle.clear()
    with Guest(service, READER) as ada, Guest(service, READER) as bob:
        ada.send_transmit(ada.card, ASK)
        assert card.entered.wait(10)
        calls = {"remove": lambda: service.remove(0), "reset": lambda: service.reset(0)}
        with in_the_background(calls.get(how, ada.close)):
            while not card.interruptions:
                time.sleep(0.001)
            card.dawdle.set()
        bob.transmit(bob.card, VERIFIED)
    assert "asked" in card.done


def test_the_service_ends_while_it_waits(card: AskingCard) -> None:
    with ExitStack() as outside, serving(card) as service:
        ada = outside.enter_context(Guest(service, READER))
        ada.send_transmit(ada.card, ASK)
        card.wait_until_it_asks()
        service.stop()
        assert ada.hung_up()
        outside.close()
    assert card.done == ["on", "asked", "off"]


def test_a_card_that_fails_when_it_is_interrupted(service: PcscService) -> None:
    class Failing(AskingCard):
        def interrupt(self) -> None:
            super().interrupt()
            raise RuntimeError("no")

    card = Failing()
    service.remove(SECOND)
    service.insert(SECOND, card)
    with Guest(service, SECOND) as guest:
        guest.send_transmit(guest.card, ASK)
        card.wait_until_it_asks()
        service.reset(SECOND)
        assert guest.answer_to_transmit()[1] == REFUSED
