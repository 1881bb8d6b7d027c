"""Which dialogue notices which mutant.

Only dialogues that come near the change are held with a mutant: one that never calls the changed
function, or is never given an answer that would be changed, goes as it goes with the right card.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from types import FrameType

from applet.os.card import Card
from tests.mutants.mutant import Answers, Memory, Mutant, Place, Source, Value, place_of
from tests.vectors.lab import chip_with, memory_for
from vectors.loader import Dialogue
from vectors.run import Result, run


@dataclass(frozen=True, slots=True)
class Usual:
    """How a dialogue goes with the right card, and the code that takes part."""

    dialogue: Dialogue
    result: Result
    places: frozenset[Place]


def hold(
    dialogue: Dialogue, memory: Mapping[str, bytes], change: Callable[[bytes, bytes], bytes] | None
) -> Result:
    """A dialogue with a card of its own, whose answers may be changed on their way."""
    card = chip_with(memory)
    card.power_on()
    return run(dialogue, _changed(card, change) if change else card.transmit, card.reset)


def _changed(card: Card, change: Callable[[bytes, bytes], bytes]) -> Callable[[bytes], bytes]:
    return lambda command: change(command, card.transmit(command))


def usual(dialogue: Dialogue) -> Usual:
    """Hold a dialogue with the right card, and write down which code it comes by."""
    places: set[Place] = set()

    def notice(frame: FrameType, event: str, _argument: object) -> None:
        if event == "call":
            places.add(place_of(frame.f_code))

    memory = memory_for(dialogue)
    before = sys.getprofile()
    sys.setprofile(notice)
    try:
        result = hold(dialogue, memory, None)
    finally:
        sys.setprofile(before)
    return Usual(dialogue, result, frozenset(places))


def noticed(mutant: Mutant, known: Iterable[Usual]) -> frozenset[str]:
    """The names of the dialogues that fail with the mutant."""
    change = mutant.change
    near = [one for one in known if _near(change, one)]
    made = change.made() if isinstance(change, (Source, Value)) else nullcontext()
    with made:
        return frozenset(_failing(change, near))


def _near(change: Source | Value | Memory | Answers, one: Usual) -> bool:
    if isinstance(change, Memory):
        return change.cell in memory_for(one.dialogue)
    if isinstance(change, Answers):
        pairs = ((exchange.command, exchange.answer) for exchange in one.result.exchanges)
        return any(change.change(*pair) != pair[1] for pair in pairs)
    return not one.places.isdisjoint(change.places())


def _failing(change: Source | Value | Memory | Answers, near: Iterable[Usual]) -> Iterator[str]:
    for one in near:
        memory = memory_for(one.dialogue)
        if isinstance(change, Memory):
            memory = change.spoil(memory)
        answers = change.change if isinstance(change, Answers) else None
        if not hold(one.dialogue, memory, answers).passed:
            yield one.dialogue.id
