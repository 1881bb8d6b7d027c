"""Which dialogues a card can be judged by; for the others the reason, in words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from host.conformance.pins import WORDS
from host.conformance.reach import Reach, only_selects, reach_of
from host.conformance.survey import Edge, Survey
from vectors import profile
from vectors.loader import NEEDS, Dialogue, Reset, Step

WITHOUT_SELECT = "held without selecting the PKCS#15 application, which the card does not have"

_PROFILE_TRIES = {"pin": 6, "so-pin": 6, "puk": 10}
"""Tries of the token that the dialogues are written for."""

_FILLERS = b"\x00\xff"


@dataclass(frozen=True, slots=True)
class Choice:
    """A dialogue as this card gets it, with what is different about that; or why it does not."""

    dialogue: Dialogue | None = None
    remark: str = ""
    reason: str = ""


def choose(
    dialogue: Dialogue,
    survey: Survey,
    values: Mapping[str, bytes],
    *,
    destructive: bool,
    copy: bool,
) -> Choice:
    """Whether to hold the dialogue, and how. A `copy` of a card may be used up.

    `destructive` allows what may leave the card other than it was.
    """
    reach = reach_of(dialogue)
    reasons = (
        _unwanted(dialogue, destructive=destructive),
        survey.silent,
        _blankness(dialogue, survey),
        *(survey.lacking.get(need, "") for need in NEEDS if need in dialogue.needs),
        *(_no_edge(edge) for edge in Edge if edge in reach.edges - survey.edges),
        *(f"{WORDS.get(name, name)} was not given" for name in _not_given(reach, values)),
        *(_other_tries(name, survey) for name in sorted(reach.counts)),
        _other_label(reach, survey),
        *(_clash(reach, name, values) for name in WORDS),
        "" if destructive or copy else _last_try(reach),
    )
    reason = next(filter(None, reasons), "")
    return Choice(reason=reason) if reason else _adapted(dialogue, survey)


def _adapted(dialogue: Dialogue, survey: Survey) -> Choice:
    """The dialogue without selecting an application that is not there, if anything is left."""
    if Edge.PKCS15 in survey.edges or not any(map(_selects, dialogue.steps)):
        return Choice(dialogue)
    left = tuple(step for step in dialogue.steps if not _selects(step))
    if all(isinstance(step, Reset) for step in left):
        return Choice(reason=_no_edge(Edge.PKCS15))
    return Choice(replace(dialogue, steps=left), remark=WITHOUT_SELECT)


def _selects(step: Step | Reset) -> bool:
    return isinstance(step, Step) and only_selects(step)


def _unwanted(dialogue: Dialogue, *, destructive: bool) -> str:
    if "destructive" not in dialogue.needs or destructive:
        return ""
    return "it may leave the card other than it was, which was not asked for"


def _blankness(dialogue: Dialogue, survey: Survey) -> str:
    if survey.blank and "blank-card" not in dialogue.needs:
        return "the card is blank"
    return ""


def _no_edge(edge: Edge) -> str:
    return f"the card does not have {edge.value}"


def _not_given(reach: Reach, values: Mapping[str, bytes]) -> Iterable[str]:
    """The values that the dialogue uses, beside those that it captures, and nobody has given."""
    return sorted(name for name in reach.names & profile.VALUES.keys() if name not in values)


def _other_tries(name: str, survey: Survey) -> str:
    has, wanted = survey.pins.tries.get(name), _PROFILE_TRIES.get(name)
    if has is None or wanted is None or has == wanted:
        return ""
    return f"it counts {wanted} tries of {WORDS[name]}; the card has {has}"


def _other_label(reach: Reach, survey: Survey) -> str:
    if not reach.label or survey.label == profile.LABEL:
        return ""
    return f"it is written for a token with the label {profile.LABEL}"


def _clash(reach: Reach, name: str, values: Mapping[str, bytes]) -> str:
    """Whether PINs that are written in the dialogue mean something else with this card's."""
    given, usual = values.get(name), profile.VALUES.get(name)
    if given is None or usual is None or given == usual:
        return ""
    if given in reach.blocks:
        return f"{WORDS[name]} is one that the dialogue takes for another"
    # Also with another filler.
    if any(block.rstrip(_FILLERS) == usual.rstrip(_FILLERS) for block in reach.blocks):
        return f"it is written for {WORDS[name]} of the vectors' own token"
    return ""


def _last_try(reach: Reach) -> str:
    names = [WORDS[name] for name in sorted(reach.spends) if name in WORDS]
    return f"it spends the last try of {names[0]}" if names else ""
