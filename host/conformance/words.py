"""What a report says in words: the groups it counts in, and a dialogue line by line."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator

from host.conformance.outcome import Outcome, Report, ShownStep, Verdict

_PLACE = re.compile(r",| §| part | appendix | table | [A-Z]\.\d")
"""How the place in a standard begins."""


def standard_of(outcome: Outcome) -> str:
    """The standard that the clause of a dialogue is of; of several, the first."""
    first = outcome.dialogue.clause.partition(";")[0]
    return _PLACE.split(first, maxsplit=1)[0]


def topic_of(outcome: Outcome) -> str:
    """The topic of a dialogue."""
    return outcome.dialogue.topic


def tally(
    outcomes: Iterable[Outcome], key: Callable[[Outcome], str]
) -> dict[str, Counter[Verdict]]:
    """The dialogues counted by their verdict, in groups in the order of their first one."""
    groups: dict[str, Counter[Verdict]] = {}
    for outcome in outcomes:
        groups.setdefault(key(outcome), Counter())[outcome.verdict] += 1
    return groups


def in_order(name: str) -> tuple[tuple[bool, int, str], ...]:
    """What to sort names by, so that ISO 7816-4 comes before ISO 7816-15."""
    parts = re.findall(r"\d+|\D+", name)
    return tuple((part.isdecimal(), int(part) if part.isdecimal() else 0, part) for part in parts)


def summary(report: Report) -> str:
    """The whole in one sentence."""
    parts = [f"{report.count(verdict)} {verdict}" for verdict in Verdict if report.count(verdict)]
    return f"{', '.join(parts) or 'nothing'} of {len(report.outcomes)} dialogues"


def why(outcome: Outcome) -> str:
    """What is to be said of a dialogue that did not simply pass."""
    return "; ".join(filter(None, (outcome.reason, outcome.remark)))


def told(outcome: Outcome) -> Iterator[str]:
    """A dialogue line by line, up to where it ended."""
    yield f"{outcome.dialogue.title} ({outcome.dialogue.clause})"
    if outcome.remark:
        yield outcome.remark
    for step in outcome.steps:
        yield from _told_step(step)
        if step.fault:
            break
    else:
        yield outcome.reason


def _told_step(step: ShownStep) -> Iterator[str]:
    note = f" ({step.note})" if step.note else ""
    yield f"{step.number:3} {step.name}{note}"
    if step.sent:
        yield f"    > {step.sent}"
    if step.got:
        data = "" if step.got_data == "no data" else f": {step.got_data}"
        yield f"    < {step.got}{data}"
    if step.fault:
        yield f"    ! {step.fault}"
        yield f"      expected {step.expected}: {step.expected_data}"
