"""Sequences of calls that Hypothesis makes: pcscd and our service answer the same."""

from __future__ import annotations

import re

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.pcsc.differential.conversation import Line, play
from tests.pcsc.differential.differences import compare
from tests.pcsc.differential.lanes import PATIENT_SECONDS, USUAL_SECONDS, Lane, Lanes
from tests.pcsc.differential.script import USUAL, step
from tests.pcsc.differential.sequences import Wish, explore, wishes

AT_ONCE = 4
SOME = settings(
    max_examples=8,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    # A try can take ten seconds, and the script that differs is short enough to be read.
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
)
MANY = settings(SOME, max_examples=250)

# vpcd's card loses its power, and with it the protocol, half a second after its last connection,
# and in a direct connection at once. When exactly is chance.
WITH_PROTOCOL = re.compile(r"(\S+ )?(connect|reconnect|status|see|returns)\b.*")


def differences(lane: Lane, wanted: list[Wish]) -> list[str]:
    """Find out on our side what happens, then see whether it is so on the other."""
    found = explore(lane.ours, wanted)
    steps = [step(line.step) for line in found]
    wrong = compare(tidy(play(lane.judge, USUAL, steps, USUAL_SECONDS)), tidy(found))
    if wrong:
        again = [play(side, USUAL, steps, PATIENT_SECONDS) for side in (lane.judge, lane.ours)]
        wrong = compare(*map(tidy, again))
    return wrong


def tidy(lines: list[Line]) -> list[Line]:
    return [
        line._replace(result=re.sub(r"\b(T1|none)\b", "-", line.result))
        if WITH_PROTOCOL.fullmatch(line.step)
        else line
        for line in lines
    ]


sequences = st.lists(wishes("AB") | wishes("ABC"), min_size=AT_ONCE, max_size=AT_ONCE)


@given(wanted=sequences)
@SOME
def test_sequences(lanes: Lanes, wanted: list[list[Wish]]) -> None:
    wrong = lanes.each(differences, wanted)
    assert not wrong, "\n".join(wrong)


@pytest.mark.torture
@given(wanted=sequences)
@MANY
def test_many_sequences(lanes: Lanes, wanted: list[list[Wish]]) -> None:
    wrong = lanes.each(differences, wanted)
    assert not wrong, "\n".join(wrong)
