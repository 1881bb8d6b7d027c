"""Whatever a card answers, the run comes to its end, and no try that counts is spent."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import host.conformance.survey as survey_module
from host.conformance.outcome import Verdict
from host.conformance.runner import Examiner
from host.conformance.survey import survey_card
from host.memory import MemoryTransport
from tests.conformance.cards import DIALOGUES, HARMLESS, Altered, kept, own
from tests.conformance.test_guard import left
from vectors.loader import NEEDS
from vectors.profile import VALUES

WORDS = [bytes.fromhex(sw) for sw in ("9000", "6110", "6C20", "63C1", "63C0", "6983", "6A82")]


def spoilt(random: Random, answer: bytes) -> bytes:
    """The right answer, or less, or more, or another one."""
    match random.randrange(10):
        case 0:
            return random.randbytes(random.randrange(40))
        case 1:
            return answer[:-2] + random.choice(WORDS)
        case 2:
            return bytes(byte ^ (random.random() < 0.05) << random.randrange(8) for byte in answer)
        case 3:
            return answer[: random.randrange(len(answer) + 1)]
        case 4:
            return random.randbytes(300) + b"\x90\x00"
        case _:
            return answer


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.integers(0, 2**32))
def test_garbage_among_the_answers_ends_no_run(seed: int) -> None:
    random = Random(seed)
    card = Altered(own(), lambda _command, answer: spoilt(random, answer))
    examiner = Examiner([kept(card)], VALUES)
    outcomes = list(examiner.hold_all(random.sample(HARMLESS, 12)))
    assert len(outcomes) == 12 and not examiner.stopped
    assert all(outcome.verdict is not Verdict.BROKEN for outcome in outcomes)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.permutations([d for d in HARMLESS if d.topic in ("pin", "chaining", "life-cycle")]))
def test_in_any_order_the_pin_keeps_its_tries(order: list[object]) -> None:
    card = own()
    list(Examiner([kept(card)], VALUES).hold_all(order[:15]))  # type: ignore[arg-type]
    assert left(card) == 6


def test_a_need_that_nothing_here_can_tell_is_lacking(monkeypatch: pytest.MonkeyPatch) -> None:
    """The vectors may come to know needs that are not known here."""
    monkeypatch.setattr(survey_module, "NEEDS", {**NEEDS, "wings": "the card can fly"})
    survey = survey_card(MemoryTransport(own()), VALUES, copy=True)
    assert survey.lacking["wings"] == "nothing here can tell whether this holds: the card can fly"
    assert set(DIALOGUES) and not survey.lacking.keys() & {"pin", "puk", "piv", "key-ec"}
