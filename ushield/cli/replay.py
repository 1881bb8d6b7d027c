"""``ushield replay``: a program with the card of a trace."""

from __future__ import annotations

import os
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ushield.cli.complaint import Complaint
from ushield.cli.program import before_threads, run_program
from ushield.cli.record import environment_at

if TYPE_CHECKING:
    from host.replay import ReplayCard

_LEFT_THE_TRACE = 1


class Tolerated(StrEnum):
    """What may be otherwise than in the trace, as one says it."""

    RANDOM = "random"
    ORDER = "order"


def replay(
    trace: Annotated[
        Path, typer.Argument(metavar="TRACE", readable=False, help="A trace, a log or a capture.")
    ],
    command: Annotated[
        list[str], typer.Argument(metavar="COMMAND", help="The program and its arguments.")
    ],
    tolerate: Annotated[
        list[Tolerated] | None,
        typer.Option(
            "--tolerate",
            help="random: other challenges, digests and cryptograms of the same length. order: "
            "reads in another order, again or not at all, between the same changes. Give it twice "
            "for both.",
        ),
    ] = None,
    whole: Annotated[
        bool, typer.Option("--whole", help="The program must also come to the end of the trace.")
    ] = False,
) -> None:
    """Run a program with readers whose cards answer as those in a trace did.

    So what was seen with a real card is there without that card. A PIN and whatever else the trace
    does not show matches anything of its length; hidden answers are zeros. The first command that
    is not in the trace ends the play: it is told with what was expected, and everything is answered
    6F00 from there on.

    The exit code is the program's; 1 if it left the trace and ended well all the same.
    """
    raise typer.Exit(_replay(trace, command, tolerate or [], whole))


def _replay(path: Path, command: list[str], tolerated: list[Tolerated], whole: bool) -> int:
    from functools import reduce
    from operator import or_

    from host.replay import Tolerance, cards_of
    from host.trace.file import read_trace
    from ushield.reader.service import PcscService, ReaderSpec, default_names

    trace = read_trace(path)
    if trace.damage:
        typer.echo(f"ushield: {path}: {trace.damage}", err=True)
    tolerance = reduce(or_, (Tolerance[one.name] for one in tolerated), Tolerance.NONE)
    cards = cards_of(trace.entries, tolerance=tolerance)
    before_threads()
    program = command[1:] if command[0] == "--" else command
    if not program:
        raise Complaint("there is no program to run: name it after the trace and --")
    readers = [ReaderSpec(name, card) for name, card in cards.items()]
    # A service has a reader, also when nothing has happened in any.
    readers = readers or [ReaderSpec(default_names(1)[0])]
    with PcscService(readers) as service:
        code = run_program(program, {**os.environ, **environment_at(service.socket)})
    faults = [_fault(name, card, whole) for name, card in cards.items()]
    return code or (_LEFT_THE_TRACE if any(faults) else 0)


def _fault(reader: str, card: ReplayCard, whole: bool) -> bool:
    """Tell how the play went in one reader. Whether it went wrong."""
    if card.departure is not None:
        typer.echo(f"ushield: {reader}: {card.departure}", err=True)
        return True
    if card.left:
        typer.echo(f"ushield: {reader}: {card.left} commands of the trace did not come", err=True)
    return whole and card.left > 0
