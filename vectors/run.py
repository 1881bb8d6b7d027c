"""One dialogue held with a card: commands filled in and sent, answers judged, names captured.

It knows a card only as a function from command to answer, so it runs over any way to any card.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from vectors.errors import MismatchError
from vectors.loader import Dialogue, Reset, Step
from vectors.match import match
from vectors.pattern import Status, fill
from vectors.profile import VALUES


@dataclass(frozen=True, slots=True)
class Exchange:
    """What was sent at one step and what came back, status word included. May hold a PIN."""

    step: Step
    command: bytes = field(repr=False)
    answer: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Result:
    """How a dialogue went: as far as the first fault, which is empty when there was none."""

    dialogue: Dialogue
    exchanges: tuple[Exchange, ...]
    fault: str = ""

    @property
    def passed(self) -> bool:
        """Whether every answer was as it must be."""
        return not self.fault


def run(
    dialogue: Dialogue,
    transmit: Callable[[bytes], bytes],
    reset: Callable[[], object] | None = None,
    values: Mapping[str, bytes] = VALUES,
) -> Result:
    """Hold the dialogue, up to the first answer that is wrong.

    `transmit` takes a command APDU and returns the answer with its status word; `reset` is needed
    by dialogues that need "reset"; `values` gives the names known from the start. What `transmit`
    and `reset` raise goes through.
    """
    known = dict(values)
    exchanges: list[Exchange] = []
    for number, step in enumerate(dialogue.steps, 1):
        if isinstance(step, Reset):
            if reset is None:
                return Result(
                    dialogue, tuple(exchanges), f"step {number}: the card cannot be reset"
                )
            reset()
            continue
        command = fill(step.command, known)
        answer = transmit(command)
        exchanges.append(Exchange(step, command, answer))
        fault = judge(step, answer, known)
        if fault:
            named = f" ({step.note})" if step.note else ""
            return Result(dialogue, tuple(exchanges), f"step {number}{named}: {fault}")
    return Result(dialogue, tuple(exchanges))


def judge(step: Step, answer: bytes, known: dict[str, bytes]) -> str:
    """What is wrong with an answer, or nothing; what it gives to capture is added to `known`."""
    if len(answer) < 2:
        return f"expected a status word of 2 bytes, got {len(answer)}"
    data, sw = answer[:-2], int.from_bytes(answer[-2:], "big")
    status = next((status for status in step.statuses if sw in status), None)
    if status is None:
        return f"expected status word {_listed(step.statuses)}, got {sw:04X}"
    try:
        known.update(match(step.data, data, known))
    except MismatchError as error:
        return f"the data of {len(data)} bytes does not match at {error}"
    if status.name is not None:
        known[status.name] = answer[-1:]
    return ""


def _listed(statuses: tuple[Status, ...]) -> str:
    return " or ".join(str(status) for status in statuses)
