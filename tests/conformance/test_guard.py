"""The last try of a PIN is never spent, whatever the card and the dialogue are."""

from __future__ import annotations

import pytest

from apdu.edge import SO_PIN, USER_PIN
from host.client import TokenClient
from host.conformance.guard import Guard, LastTryError
from host.conformance.outcome import Verdict
from host.conformance.pins import PinSurvey
from host.conformance.runner import Examiner
from host.conformance.survey import survey_card
from host.errors import WrongPin
from host.memory import MemoryTransport
from host.pin import pin_block
from host.transport import CardPort
from tests.conformance.cards import DIALOGUES, HARMLESS, Altered, judged, kept, own, written
from vectors.profile import VALUES

WRONG = {"command": "00 20 00 01 [ 393939393939FFFF ]", "sw": "63C0-63CF"}
PIN_TRIES = 6


def left(card: CardPort) -> int:
    return TokenClient(MemoryTransport(card)).pin_status().tries_left


def spend(card: CardPort, count: int, reference: int = USER_PIN) -> None:
    client = TokenClient(MemoryTransport(card))
    for _ in range(count):
        with pytest.raises(WrongPin):
            client.verify_pin("000000", reference)


@pytest.mark.parametrize("spent", range(PIN_TRIES - 1))
def test_a_wrong_pin_that_was_given_costs_one_try_but_the_last(spent: int) -> None:
    card = own()
    spend(card, spent)
    values = {**VALUES, "pin": pin_block("111111"), "piv-pin": pin_block("111111")}
    outcomes = list(Examiner([kept(card)], values).hold_all(HARMLESS))
    assert left(card) == max(1, PIN_TRIES - spent - 1)
    reason = "refused" if spent < PIN_TRIES - 1 else "one try left"
    skipped = [o for o in outcomes if "pin" in o.dialogue.needs]
    assert all(o.verdict is Verdict.SKIPPED for o in skipped)
    assert any(reason in outcome.reason for outcome in skipped)


@pytest.mark.parametrize("reference", [USER_PIN, SO_PIN])
def test_one_try_that_is_left_is_not_risked_even_with_the_right_pin(reference: int) -> None:
    card = own()
    spend(card, PIN_TRIES - 1, reference)
    survey = survey_card(MemoryTransport(card), VALUES, copy=False)
    name = {USER_PIN: "pin", SO_PIN: "so-pin"}[reference]
    assert "one try left" in survey.lacking[name]
    statuses = {s.reference: s.pin_left for s in TokenClient(MemoryTransport(card)).tries()}
    assert statuses[reference] == 1


def test_a_dialogue_that_would_spend_it_is_stopped_before() -> None:
    """Its status words do not say so: the card's answers do."""
    card = own()
    (outcome,) = judged(kept(card), written(*[WRONG] * 8, needs=["pin"]))
    assert outcome.verdict is Verdict.SKIPPED and "held back" in outcome.reason
    assert left(card) == 1


def test_a_card_that_counts_wrongly_is_taken_at_its_word() -> None:
    """Each wrong PIN costs two tries here, as far as one is told."""

    def hurry(command: bytes, answer: bytes) -> bytes:
        return (
            b"\x63\xc1"
            if command[:5] == bytes.fromhex("0020000108") and answer[0] == 0x63
            else answer
        )

    card = Altered(own(), hurry)
    (outcome,) = judged(kept(card), written(*[WRONG] * 3, needs=["pin"]))
    wrong = [command for command in card.commands if command.endswith(b"999999\xff\xff")]
    # The card says that one try is left, and when it is asked, that there are more.
    assert outcome.verdict is Verdict.PASSED and len(wrong) == 3


def test_with_destructive_the_card_may_lose_it() -> None:
    card = own()
    (outcome,) = judged(kept(card), DIALOGUES["verify-six-wrong"], destructive=True)
    assert outcome.verdict is Verdict.PASSED
    (outcome,) = judged(kept(card), DIALOGUES["verify-six-wrong"])
    assert outcome.verdict is Verdict.SKIPPED
    assert outcome.reason == "it spends the last try of the PIN"


def test_a_pin_of_which_nothing_is_known_gets_no_wrong_one() -> None:
    """Another card has a PIN where ours has none."""

    def another(command: bytes, answer: bytes) -> bytes:
        return b"\x63\xc3" if command[:4] == bytes.fromhex("00200002") else answer

    card = Altered(own(), another)
    (outcome,) = judged(kept(card), DIALOGUES["verify-unknown-reference"])
    assert outcome.verdict is Verdict.SKIPPED and "reference 02" in outcome.reason
    assert not any(c[:5] == bytes.fromhex("0020000208") for c in card.commands)


def test_a_card_that_does_not_answer_the_question_is_asked_once() -> None:
    """It may count the question: vicc does."""

    def mute(command: bytes, answer: bytes) -> bytes:
        return b"\x63\x00" if command[1:2] == b"\x20" else answer

    card = Altered(own(), mute)
    outcomes = judged(kept(card), *HARMLESS)
    assert sum(command[1:2] == b"\x20" for command in card.commands) == 1
    pins = [o for o in outcomes if o.dialogue.needs & {"pin", "so-pin", "piv-pin"}]
    assert {outcome.verdict for outcome in pins} == {Verdict.SKIPPED}


def test_a_card_that_counts_the_question_is_asked_twice() -> None:
    tries = 6

    def count(command: bytes, answer: bytes) -> bytes:
        nonlocal tries
        if command[1:2] != b"\x20":
            return answer
        tries -= 1
        return bytes((0x63, 0xC0 | tries))

    outcomes = judged(kept(Altered(own(), count)), *HARMLESS)
    assert tries == 4
    assert any("counts a question" in outcome.reason for outcome in outcomes)


def test_the_guard_follows_a_pin_that_is_changed() -> None:
    card = own()
    transport = MemoryTransport(card)
    guard = Guard(transport.transmit, PinSurvey(tries={"pin": 6}), VALUES)
    new = pin_block("654321")
    change = bytes.fromhex("0024000110") + VALUES["pin"] + new
    assert guard.transmit(change) == b"\x90\x00"
    verify = bytes.fromhex("0020000108")
    for _ in range(PIN_TRIES - 1):
        guard.transmit(verify + VALUES["pin"])
    with pytest.raises(LastTryError):
        guard.transmit(verify + VALUES["pin"])
    assert guard.transmit(verify + new) == b"\x90\x00"
    assert left(card) == PIN_TRIES
