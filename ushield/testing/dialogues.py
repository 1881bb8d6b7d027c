"""The dialogues of ``vectors`` as tests of a card; `pytest --ushield-conformance` collects them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from traceback import format_exception
from typing import cast

import pytest

from host.conformance.outcome import Outcome, Verdict
from host.conformance.runner import Examiner, Subject
from host.conformance.values import card_values
from host.conformance.words import told
from host.errors import HostError
from host.memory import MemoryTransport
from host.transport import CardPort, Transport
from ushield.conformance import card_subject
from vectors.loader import Dialogue, load_all

_DIALOGUES = sorted(load_all(), key=lambda dialogue: "destructive" in dialogue.needs)
"""Those that may use a card up are the last."""

Card = CardPort | Transport


class _Desk:
    """Who judges the card that is there; the same one as long as it is the same card."""

    def __init__(self, *, destructive: bool) -> None:
        self._destructive = destructive
        self._card: Card | None = None
        self._examiner: Examiner | None = None

    def examiner(self, card: Card, pins: Mapping[str, str | None]) -> Examiner:
        """Another card is asked anew what it has."""
        if self._examiner is None or card is not self._card:
            values = card_values(**pins)
            self._examiner = Examiner([_subject(card)], values, destructive=self._destructive)
            self._card = card
        return self._examiner


def _subject(card: Card) -> Subject:
    if not hasattr(card, "power_on"):
        return card_subject("the card", card)
    port = cast("CardPort", card)

    @contextmanager
    def connect() -> Iterator[Transport]:
        with MemoryTransport(port) as transport:
            yield transport

    return Subject("the card", connect)


@pytest.fixture(scope="session")
def desk(pytestconfig: pytest.Config) -> _Desk:
    """The one desk of the session."""
    return _Desk(destructive=pytestconfig.getoption("ushield_conformance_destructive"))


@pytest.mark.parametrize("dialogue", _DIALOGUES, ids=lambda one: f"{one.topic}/{one.id}")
def test_dialogue(
    dialogue: Dialogue,
    desk: _Desk,
    ushield_card: Card,
    ushield_card_pins: Mapping[str, str | None],
    request: pytest.FixtureRequest,
) -> None:
    """The card does what the clause says."""
    try:
        examiner = desk.examiner(ushield_card, ushield_card_pins)
    except (HostError, TypeError) as error:
        pytest.exit(f"ushield_card_pins: {error}", pytest.ExitCode.USAGE_ERROR)
    # The fixture record_property warns, and some make every warning an error.
    request.node.user_properties.append(("clause", dialogue.clause))
    outcome = _held(examiner, dialogue)
    if outcome.remark:
        request.node.user_properties.append(("remark", outcome.remark))
    if outcome.verdict is Verdict.SKIPPED:
        pytest.skip(outcome.reason)
    if outcome.verdict is not Verdict.PASSED:
        pytest.fail("\n".join(told(outcome)), pytrace=False)


def _held(examiner: Examiner, dialogue: Dialogue) -> Outcome:
    """What comes of a dialogue. What the card raises is shown without values: it may have a PIN."""
    try:
        return examiner.hold(dialogue)
    except Exception as error:  # noqa: BLE001 somebody else's card may raise anything
        trace = "".join(format_exception(error))
    pytest.fail(f"the card raises an exception\n{trace}", pytrace=False)
