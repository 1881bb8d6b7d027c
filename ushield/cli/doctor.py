"""``ushield doctor``: what this computer needs to use a token, checked."""

from __future__ import annotations

import json
import os
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from host.doctor.finding import Finding

_INTERRUPTED = 130
_COLOURS = {"ok": "green", "warning": "yellow", "fault": "bold red", "not needed": "dim"}


def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="Write JSON, for programs.")] = False,
) -> None:
    """Check Python, OpenSC, the PC/SC service, readers, cards, certificates and tries left.

    What is wrong comes with its mend. The exit code is 0 unless something is at fault; a warning is
    no fault.
    """
    from host.doctor.examine import examine, is_well
    from ushield.cli.machine import PATIENCE_SECONDS, ThisComputer

    computer = ThisComputer(PATIENCE_SECONDS)
    try:
        findings = examine(computer)
    except KeyboardInterrupt:
        # At once: a thread may be in the C library, for ever.
        os._exit(_INTERRUPTED)
    well = is_well(findings)
    if as_json:
        checks = [asdict(finding) for finding in findings]
        typer.echo(json.dumps({"well": well, "checks": checks}, indent=2))
    else:
        _show(findings)
    code = 0 if well else 1
    if computer.stuck:
        sys.stdout.flush()
        os._exit(code)
    raise typer.Exit(code)


def _show(findings: Sequence[Finding]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from ushield.cli.printable import printable

    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    for _ in range(2):
        table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for finding in findings:
        found = Text(printable(finding.found))
        if finding.mend:
            found.append(f"\n→ {printable(finding.mend)}", "bold")
        colour = _COLOURS[finding.state]
        table.add_row(Text(finding.state, colour), Text(printable(finding.name)), found)
    console = Console(highlight=False)
    console.print(table)
    console.print()
    console.print(_verdict(findings))


def _verdict(findings: Sequence[Finding]) -> str:
    count = Counter(finding.state.value for finding in findings)
    told = [
        f"{number} {word}{'' if number == 1 else 's'}"
        for word in ("fault", "warning")
        if (number := count[word])
    ]
    return " and ".join(told) if told else "all is well"
