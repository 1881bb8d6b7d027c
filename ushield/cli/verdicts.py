"""A conformance run in the terminal: how far it is, and what came of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING

from host.conformance.outcome import Outcome, Report, Verdict
from host.conformance.words import in_order, standard_of, summary, tally, told, topic_of

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

_STYLES = {
    Verdict.PASSED: "green",
    Verdict.FAILED: "bold red",
    Verdict.BROKEN: "yellow",
    Verdict.SKIPPED: "dim",
}


def followed(outcomes: Iterable[Outcome], count: int) -> Iterator[Outcome]:
    """Pass outcomes on, with a bar on standard error if that is a terminal."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    faults = 0
    console = Console(stderr=True)
    columns = (BarColumn(), MofNCompleteColumn(), TextColumn("{task.description}", markup=False))
    with Progress(
        *columns, console=console, transient=True, disable=not console.is_terminal
    ) as bar:
        task = bar.add_task("", total=count)
        for outcome in outcomes:
            faults += outcome.verdict is Verdict.FAILED
            told_faults = f", {faults} failed" if faults else ""
            bar.update(task, advance=1, description=f"{outcome.dialogue.topic}{told_faults}")
            yield outcome


def show(report: Report) -> None:
    """Tables by topic and by standard, each fault decoded, why dialogues were skipped, the sum."""
    from rich.console import Console
    from rich.text import Text

    console = Console(highlight=False, soft_wrap=True)
    console.print(_table(report, "topic", topic_of))
    console.print()
    console.print(_table(report, "standard", standard_of))
    for verdict in (Verdict.FAILED, Verdict.BROKEN):
        for outcome in report.of(verdict):
            _show_dialogue(console, outcome)
    _show_skipped(console, report)
    for line in report.warnings:
        console.print(Text(f"\nwarning: {line}", style="yellow"))
    if report.stopped:
        console.print(Text(f"\nthe run ended before its end: {report.stopped}", style="yellow"))
    style = "bold green" if report.passed else "bold red" if report.of(Verdict.FAILED) else "yellow"
    console.print(Text(f"\n{report.subject}: {summary(report)}", style=style))


def _table(report: Report, name: str, key: Callable[[Outcome], str]) -> Table:
    from rich.table import Table
    from rich.text import Text

    table = Table(name, box=None, pad_edge=False)
    for verdict in Verdict:
        table.add_column(verdict.value, justify="right")
    groups = tally(report.outcomes, key)
    for group in sorted(groups, key=in_order):
        counts = groups[group]
        cells = (Text(str(counts[verdict] or ""), style=_STYLES[verdict]) for verdict in Verdict)
        table.add_row(Text(group), *cells)
    return table


def _show_dialogue(console: Console, outcome: Outcome) -> None:
    from rich.text import Text

    head, *lines = told(outcome)
    mark = Text(f"\n{outcome.verdict} ", style=_STYLES[outcome.verdict])
    console.print(mark + Text(f"{outcome.dialogue.id}: {head}", style="default"))
    for line in lines:
        fault = line.startswith("    ! ")
        console.print(Text(f"  {line}", style=_STYLES[Verdict.FAILED] if fault else "default"))


def _show_skipped(console: Console, report: Report) -> None:
    from rich.text import Text

    reasons = Counter(outcome.reason for outcome in report.of(Verdict.SKIPPED))
    if reasons:
        console.print("\nskipped")
    for reason, count in reasons.most_common():
        console.print(Text(f"  {count:4} {reason}", style=_STYLES[Verdict.SKIPPED]))
