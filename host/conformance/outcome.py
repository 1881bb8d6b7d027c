"""What comes of a run, as values: of each step, of each dialogue, of the whole."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from vectors.loader import Dialogue

Facts = tuple[tuple[str, str], ...]
"""What is known of a card: what it is called, and what it is, in words."""


class Verdict(StrEnum):
    """How a dialogue ended."""

    PASSED = "passed"
    FAILED = "failed"
    """The card answered other than the clause has it."""
    BROKEN = "broken"
    """The way to the card broke before the dialogue was through; nobody is judged."""
    SKIPPED = "skipped"
    """The card does not declare what the dialogue needs, or it was not asked for."""


@dataclass(frozen=True, slots=True)
class ShownStep:
    """A step as a report may show it, without any PIN, key or deciphered byte.

    `expected` and `got` are a status word with its words; `expected_data` and `got_data` what the
    data should be like, and what it was or how long. `got` is empty when no answer came, all but
    `name` for a reset.
    """

    number: int
    name: str
    note: str = ""
    sent: str = ""
    expected: str = ""
    expected_data: str = ""
    got: str = ""
    got_data: str = ""
    fault: str = ""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one dialogue. `reason` is the fault, why it broke, or why it was skipped.

    `steps` are there unless it passed or was skipped. `remark` is what was different from how the
    dialogue is written, `card` which of several cards it was held with.
    """

    dialogue: Dialogue
    verdict: Verdict
    reason: str = ""
    seconds: float = 0.0
    steps: tuple[ShownStep, ...] = ()
    remark: str = ""
    card: str = ""


@dataclass(frozen=True, slots=True)
class Report:
    """A whole run. `stopped` says why it ended before its end, `warnings` what the user must know.

    `facts` are what each card, by its name, says of itself.
    """

    subject: str
    version: str
    started: datetime
    seconds: float
    outcomes: tuple[Outcome, ...]
    facts: tuple[tuple[str, Facts], ...] = ()
    warnings: tuple[str, ...] = ()
    stopped: str = ""

    def count(self, verdict: Verdict) -> int:
        """How many dialogues ended so."""
        return sum(outcome.verdict is verdict for outcome in self.outcomes)

    @property
    def passed(self) -> bool:
        """Whether something was judged, and no answer was wrong."""
        return bool(
            self.count(Verdict.PASSED)
            and not self.count(Verdict.FAILED)
            and not self.count(Verdict.BROKEN)
            and not self.stopped
        )

    def of(self, verdict: Verdict) -> tuple[Outcome, ...]:
        """The dialogues that ended so, in order."""
        return tuple(outcome for outcome in self.outcomes if outcome.verdict is verdict)
