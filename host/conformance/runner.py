"""Holding dialogues with a card, or with copies of one, until all are through or it is gone."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from time import perf_counter

from apdu.edge import PKCS15_AID
from apdu.pivnames import PIV_AID
from host.conformance.asking import Asking
from host.conformance.choose import choose
from host.conformance.decode import shown_steps
from host.conformance.guard import Guard
from host.conformance.holding import hold
from host.conformance.keys import has_file
from host.conformance.outcome import Facts, Outcome, Verdict
from host.conformance.pins import PinSurvey
from host.conformance.reach import reach_of
from host.conformance.survey import Edge, Survey, survey_card
from host.errors import TransportError
from host.exchange import Transmit
from host.transport import Transport
from vectors.loader import Dialogue


@dataclass(frozen=True, slots=True)
class Subject:
    """A card to be judged. `connect` gives a connection to it that nobody else comes between.

    With a `copy` every connection is to the card as it was in the beginning, and what is done to it
    is done to nobody.
    """

    name: str
    connect: Callable[[], AbstractContextManager[Transport]]
    copy: bool = False


class Examiner:
    """Holds dialogues with the first of its subjects that has what they need.

    `values` are the PINs as they travel. `destructive` allows what may leave a card other than it
    was. `revive` waits for a card that is gone and says whether it is back. `stopped` is why
    nothing is held any more, which others may say too; `warnings` is what the user must know.
    """

    def __init__(
        self,
        subjects: Sequence[Subject],
        values: Mapping[str, bytes],
        *,
        destructive: bool = False,
        revive: Callable[[], bool] = lambda: False,
    ) -> None:
        self._subjects = subjects
        self._values = values
        self._destructive = destructive
        self._revive = revive
        self._surveys: dict[str, Survey] = {}
        self._guards: dict[str, Guard] = {}
        self._changed_by: dict[str, str] = {}
        self.stopped = ""
        self.warnings: list[str] = []

    def hold_all(self, dialogues: Iterable[Dialogue]) -> Iterator[Outcome]:
        """All of them; a card that is no copy is given those last that may use it up."""
        copies = all(subject.copy for subject in self._subjects)
        for dialogue in sorted(dialogues, key=lambda d: not copies and "destructive" in d.needs):
            yield self.hold(dialogue)

    def hold(self, dialogue: Dialogue) -> Outcome:
        """One of them."""
        if self.stopped:
            return Outcome(dialogue, Verdict.SKIPPED, f"not reached: {self.stopped}")
        begin = perf_counter()
        try:
            outcome = self._hold(dialogue)
        except TransportError as error:
            outcome = Outcome(dialogue, Verdict.BROKEN, str(error))
            self._card_is_gone(dialogue, str(error))
        return replace(outcome, seconds=perf_counter() - begin)

    def facts(self) -> tuple[tuple[str, Facts], ...]:
        """What each card says of itself, as far as it was asked."""
        return tuple((name, survey.facts) for name, survey in self._surveys.items())

    def _hold(self, dialogue: Dialogue) -> Outcome:
        """Hold it with the first card that has what it needs; for none the first one's reason."""
        why = ""
        for subject in self._subjects:
            choice = choose(
                dialogue,
                self._survey(subject),
                self._values,
                destructive=self._destructive,
                copy=subject.copy,
            )
            if choice.dialogue is not None:
                outcome = self._judge(subject, dialogue, choice.dialogue)
                return replace(outcome, remark=choice.remark)
            why = why or choice.reason
        return Outcome(dialogue, Verdict.SKIPPED, why)

    def _judge(self, subject: Subject, written: Dialogue, dialogue: Dialogue) -> Outcome:
        with subject.connect() as transport:
            taken = _taken(transport, reach_of(dialogue).creates)
            if taken:
                return Outcome(written, Verdict.SKIPPED, taken)
            transmit = self._guarded(subject, transport, dialogue)
            held = hold(dialogue, transport, transmit, self._values, copy=subject.copy)
            atr = transport.atr
        if held.gone:
            self._card_is_gone(written, held.gone)
        used_up = "destructive" in dialogue.needs
        if not subject.copy and (used_up or held.verdict is not Verdict.PASSED):
            self._changed_by.setdefault(subject.name, "" if used_up else written.id)
        steps = shown_steps(written, held, atr)
        number = next((step.number for step in steps if step.fault), None)
        reason = held.fault if number is None else f"step {number}: {held.fault}"
        judged = held.verdict in (Verdict.FAILED, Verdict.BROKEN)
        return Outcome(
            written, held.verdict, reason, steps=steps if judged else (), card=subject.name
        )

    def _card_is_gone(self, dialogue: Dialogue, why: str) -> None:
        """Go on with the card when it comes back, which is asked anew then; else with none."""
        if not self._revive():
            self.stopped = why
            return
        self.warnings.append(f"the card was gone after {dialogue.id}, and came back: {why}")
        for subject in self._subjects:
            self._changed_by.setdefault(subject.name, "")

    def _guarded(self, subject: Subject, transport: Transport, dialogue: Dialogue) -> Transmit:
        """The way to the card; to one that is no copy, past the guard, who has a look first."""
        guard = self._guards.get(subject.name)
        if guard is None or self._destructive:
            return transport.transmit
        guard.over(transport.transmit)
        reach = reach_of(dialogue)
        applications = (PKCS15_AID, PIV_AID) if Edge.PIV in reach.edges else (PKCS15_AID,)
        transport.reset()
        guard.look(applications, reach.references)
        return guard.transmit

    def _survey(self, subject: Subject) -> Survey:
        """Ask a card that was not asked yet, or that may have changed since."""
        known = self._surveys.get(subject.name)
        if known is not None and subject.name not in self._changed_by:
            return known
        before = self._pins_before(subject, known)
        with subject.connect() as transport:
            survey = survey_card(transport, self._values, before, copy=subject.copy)
            if not subject.copy:
                self._guards[subject.name] = Guard(transport.transmit, survey.pins, self._values)
        changed_by = self._changed_by.pop(subject.name, "")
        if known is not None and changed_by:
            self._warn(known, survey, changed_by)
        self._surveys[subject.name] = survey
        return survey

    def _pins_before(self, subject: Subject, known: Survey | None) -> PinSurvey | None:
        """What is known of the PINs of a card that is asked again."""
        guard = self._guards.get(subject.name)
        if known is None or guard is None:
            return None
        return replace(known.pins, telling=known.pins.telling and guard.telling)

    def _warn(self, before: Survey, after: Survey, changed_by: str) -> None:
        """Say what a dialogue took from the card and did not give back."""
        lost = [why for need, why in after.lacking.items() if need not in before.lacking]
        self.warnings += [f"since {changed_by}: {why}" for why in dict.fromkeys(lost)]


def _taken(transport: Transport, fids: frozenset[int]) -> str:
    """What to say if the card has a file already that a dialogue would make, and delete."""
    ask = Asking(transport.transmit)
    if fids:
        transport.reset()
        ask.select(PKCS15_AID)
    found = next((fid for fid in sorted(fids) if has_file(ask, fid)), None)
    return "" if found is None else f"the card has a file {found:04X} already"
