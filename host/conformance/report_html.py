"""A report as one HTML file that needs nothing else: no server, no network, no other file."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from host.conformance.outcome import Outcome, Report, Verdict
from host.conformance.words import in_order, standard_of, summary, tally, topic_of
from host.errors import HostError
from vectors.loader import NEEDS

if TYPE_CHECKING:
    from jinja2 import Template

_JUDGED = (Verdict.PASSED, Verdict.FAILED, Verdict.BROKEN)


class TemplatesMissing(HostError):
    """The library that fills in the page is not installed."""


@dataclass(frozen=True, slots=True)
class Share:
    """One colour of a bar: how many dialogues, and how much of the bar, in percent."""

    verdict: Verdict
    count: int
    percent: float


@dataclass(frozen=True, slots=True)
class Row:
    """A group of dialogues with its bar."""

    name: str
    total: int
    shares: tuple[Share, ...]

    @property
    def judged(self) -> int:
        """How many of them the card could be judged by."""
        return sum(share.count for share in self.shares if share.verdict in _JUDGED)


def check_templates() -> None:
    """TemplatesMissing if there will be no page."""
    _template()


def as_html(report: Report) -> str:
    """The whole page. TemplatesMissing without Jinja."""
    return _template().render(
        report=report,
        summary=summary(report),
        whole=_row("all", Counter(outcome.verdict for outcome in report.outcomes)),
        topics=_rows(report.outcomes, topic_of),
        standards=_rows(report.outcomes, standard_of),
        wrong=report.of(Verdict.FAILED) + report.of(Verdict.BROKEN),
        skipped=_by_reason(report.of(Verdict.SKIPPED)),
        verdicts=tuple(Verdict),
        needs=NEEDS,
    )


def _rows(outcomes: Iterable[Outcome], key: Callable[[Outcome], str]) -> list[Row]:
    groups = tally(outcomes, key)
    return [_row(name, groups[name]) for name in sorted(groups, key=in_order)]


def _row(name: str, counts: Counter[Verdict]) -> Row:
    total = counts.total() or 1
    shares = (Share(verdict, counts[verdict], 100 * counts[verdict] / total) for verdict in Verdict)
    return Row(name, counts.total(), tuple(shares))


def _by_reason(outcomes: Iterable[Outcome]) -> list[tuple[str, list[Outcome]]]:
    """Skipped dialogues by their reason, the most frequent one first."""
    reasons: dict[str, list[Outcome]] = {}
    for outcome in outcomes:
        reasons.setdefault(outcome.reason, []).append(outcome)
    return sorted(reasons.items(), key=lambda item: -len(item[1]))


@cache
def _template() -> Template:
    try:
        from jinja2 import Environment, PackageLoader, StrictUndefined
    except ImportError:
        raise TemplatesMissing(
            "an HTML report needs the extra 'report': pip install 'ushield[report]'"
        ) from None
    environment = Environment(
        loader=PackageLoader("host.conformance"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("report.html")
