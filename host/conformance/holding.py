"""One dialogue held with one card, whatever happens to it meanwhile."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from apdu.command import parse_command
from apdu.errors import ApduError
from apdu.instruction import INS
from host.conformance.guard import LastTryError
from host.conformance.outcome import Verdict
from host.conformance.reach import command_of, created
from host.errors import TransportError
from host.exchange import Transmit
from host.transport import Transport
from vectors.loader import Dialogue, Step
from vectors.pattern import fill
from vectors.run import Exchange, Result, run

_OK = b"\x90\x00"
_GIVING_BACK = frozenset(
    {INS.SELECT, INS.VERIFY, INS.CHANGE_REFERENCE, INS.RESET_RETRY, INS.ACTIVATE}
)
"""Commands by which dialogues give back what they have changed: PINs, tries, the phase of life."""


@dataclass(frozen=True, slots=True)
class Held:
    """What came of it, as far as it went: the exchanges, and at which step there was which fault.

    `gone` is why the card cannot be reached any more, if it cannot.
    """

    verdict: Verdict
    exchanges: tuple[Exchange, ...]
    step: Step | None = None
    fault: str = ""
    gone: str = ""


def hold(
    dialogue: Dialogue,
    transport: Transport,
    transmit: Transmit,
    values: Mapping[str, bytes],
    *,
    copy: bool,
) -> Held:
    """Hold a dialogue. `transmit` leads to the card that `transport` is connected to.

    After a fault what gives back what the dialogue has changed is sent all the same, unless the
    card is a `copy`.
    """
    pairs: list[tuple[bytes, bytes]] = []

    def noted(command: bytes) -> bytes:
        answer = transmit(command)
        pairs.append((command, answer))
        return answer

    transport.reset()
    try:
        held = _judged(run(dialogue, noted, transport.reset, values))
    except LastTryError as error:
        held = _cut_short(Verdict.SKIPPED, dialogue, pairs, str(error))
    except TransportError as error:
        held = _broken(_cut_short(Verdict.BROKEN, dialogue, pairs, str(error)), transport)
    if held.verdict is Verdict.PASSED or held.gone or copy:
        return held
    return replace(held, gone=_give_back(dialogue, pairs, transport, transmit, values))


def _judged(result: Result) -> Held:
    """Of a dialogue that ended by an answer."""
    if result.passed:
        return Held(Verdict.PASSED, result.exchanges)
    step = result.exchanges[-1].step
    number = result.dialogue.steps.index(step) + 1
    # The step is told by itself.
    fault = result.fault.removeprefix(f"step {number}").removeprefix(f" ({step.note})")
    return Held(Verdict.FAILED, result.exchanges, step, fault.removeprefix(": "))


def _cut_short(
    verdict: Verdict, dialogue: Dialogue, pairs: list[tuple[bytes, bytes]], fault: str
) -> Held:
    """Of a dialogue that ended while something was sent."""
    steps = [step for step in dialogue.steps if isinstance(step, Step)]
    exchanges = (Exchange(step, *pair) for step, pair in zip(steps, pairs, strict=False))
    step = steps[len(pairs)] if len(pairs) < len(steps) else None
    return Held(verdict, tuple(exchanges), step, fault)


def _broken(held: Held, transport: Transport) -> Held:
    """Whether it was the card that went, or one command that the reader would not pass on."""
    try:
        transport.reset()
    except TransportError:
        return replace(held, gone=held.fault)
    if held.step is not None and command_of(held.step) is None:
        # Readers need not pass on what is no command.
        return replace(held, verdict=Verdict.SKIPPED, fault=f"the reader refuses it: {held.fault}")
    return held


def _give_back(
    dialogue: Dialogue,
    pairs: list[tuple[bytes, bytes]],
    transport: Transport,
    transmit: Transmit,
    values: Mapping[str, bytes],
) -> str:
    """Of the steps that are left send those that give back, as far as they can be made.

    Why the card is gone after that, if it is.
    """
    steps = [step for step in dialogue.steps if isinstance(step, Step)]
    made = {fid for sent, answer in pairs if (fid := _made(sent, answer)) is not None}
    why = ""
    for step in steps[len(pairs) :]:
        try:
            raw = fill(step.command, values)
            if _gives_back(raw, made):
                transmit(raw)
        except (KeyError, LastTryError):
            # A name that was never captured, a last try: that is not given back.
            continue
        except TransportError as error:
            why = why or str(error)
    try:
        transport.reset()
    except TransportError as error:
        return why or str(error)
    return ""


def _made(raw: bytes, answer: bytes) -> int | None:
    """The identifier of a file that was made by this command."""
    try:
        return created(parse_command(raw)) if answer == _OK else None
    except ApduError:
        return None


def _gives_back(raw: bytes, made: set[int]) -> bool:
    """Whether a command takes nothing from the card but a file that the dialogue has made."""
    try:
        command = parse_command(raw)
    except ApduError:
        return False
    if command.ins == INS.DELETE_FILE:
        return int.from_bytes(command.data, "big") in made
    return command.ins in _GIVING_BACK
