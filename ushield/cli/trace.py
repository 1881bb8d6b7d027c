"""``ushield trace``: dialogues with a card that were written down, by whomever."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ushield.cli.printable import printable

if TYPE_CHECKING:
    from rich.text import Text

    from host.trace import Entry, TraceHead
    from host.trace.decode import Decoded, Decoder
    from host.trace.diff import Parting

app = typer.Typer(
    name="trace",
    help="""Read what `--trace` has written, a log of OpenSC or of pcscd, or a capture.

    Captures are pcapng or pcap, with ISO 7816 as Wireshark exports it, or SIM cards in GSMTAP.
    Whatever may be a secret is not shown, whoever has written it down.""",
    no_args_is_help=True,
)

_PAUSE_SECONDS = 0.1
_CONTEXT = 4
"""Entries that are shown before a parting."""

Name = Annotated[Path, typer.Argument(metavar="FILE", readable=False, help="The trace.")]


@app.command()
def show(
    file: Name,
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Go on with what is written later, until Ctrl-C.")
    ] = False,
) -> None:
    """Print a dialogue, explained: commands, the files and keys they mean, status words, times."""
    from host.trace.file import read_trace

    screen = _Screen()
    if follow:
        for head, entry in _followed(file):
            screen.show(head, entry)
        return
    trace = read_trace(file)
    for entry in trace.entries:
        screen.show(trace.head, entry)
    if trace.damage:
        typer.echo(f"ushield: {file}: {trace.damage}", err=True)
        raise typer.Exit(1)


@app.command()
def diff(
    left: Annotated[Path, typer.Argument(metavar="A", readable=False, help="A trace.")],
    right: Annotated[Path, typer.Argument(metavar="B", readable=False, help="Another.")],
    chance: Annotated[
        bool,
        typer.Option(
            "--ignore-random",
            help="Challenges, digests, signatures, cryptograms and new keys may differ.",
        ),
    ] = False,
) -> None:
    """Show where two dialogues part; exit code 0 if they do not, else 1.

    Times and names of readers do not count.
    """
    from host.trace.diff import find_parting
    from host.trace.file import read_trace

    traces = [read_trace(path) for path in (left, right)]
    for path, trace in zip((left, right), traces, strict=True):
        if trace.damage:
            typer.echo(f"ushield: {path}: {trace.damage}", err=True)
    parting = find_parting(traces[0].entries, traces[1].entries, chance=chance)
    if parting is None:
        typer.echo(f"the same dialogue, {_commands(len(_sent(traces[0].entries)))}")
        return
    _show_parting(parting, (str(left), str(right)))
    raise typer.Exit(1)


def _sent(entries: Iterable[Entry]) -> list[Entry]:
    """The commands among the entries."""
    from host.trace import Direction, TraceRecord

    return [
        entry
        for entry in entries
        if isinstance(entry.what, TraceRecord) and entry.what.direction is Direction.TO_CARD
    ]


def _commands(count: int) -> str:
    return f"{count} command{'' if count == 1 else 's'}"


def _show_parting(parting: Parting, names: tuple[str, str]) -> None:
    """The last that is common, then how each side goes on."""
    from rich.console import Console

    console = Console(highlight=False, soft_wrap=True)
    console.print(
        f"the same for {_commands(parting.common)}, then they part", style="bold", markup=False
    )
    _, known = _explained(parting.before)
    for decoded in known[-_CONTEXT:]:
        console.print(*decoded_lines(decoded), sep="\n")
    for name, entry in zip(names, (parting.left, parting.right), strict=True):
        console.print(f"{name}:", style="bold", markup=False)
        if entry is None:
            console.print(f"{'':18}ends here", style="dim")
            continue
        decoder, _ = _explained(parting.before)
        decoded = decoder.decode(entry._replace(reader=_reader_of(parting)))
        console.print(*decoded_lines(decoded), sep="\n")


def _explained(entries: Iterable[Entry]) -> tuple[Decoder, list[Decoded]]:
    """A decoder that knows these entries, and they explained."""
    from host.trace.decode import Decoder

    decoder = Decoder()
    return decoder, [decoder.decode(entry) for entry in entries]


def _reader_of(parting: Parting) -> str:
    """What both sides' reader is called, so that one decoder knows what went before."""
    entry = next(iter(parting.before), parting.left or parting.right)
    return "" if entry is None else entry.reader


def _followed(file: Path) -> Iterator[tuple[TraceHead, Entry]]:
    from host.trace import TraceError
    from host.trace.file import TraceParser, follow

    parser = TraceParser()
    for chunk in follow(file, lambda: time.sleep(_PAUSE_SECONDS)):
        try:
            entries = parser.feed(chunk)
        except TraceError as error:
            raise TraceError(f"{file}: {error}") from None
        for entry in entries:
            yield parser.head, entry


class _Screen:
    """A terminal, or a pipe, which gets the same without colours."""

    def __init__(self) -> None:
        from rich.console import Console

        from host.trace.decode import Decoder

        self._console = Console(highlight=False, soft_wrap=True)
        self._decoder = Decoder()
        self._reader: str | None = None

    def show(self, head: TraceHead, entry: Entry) -> None:
        """One entry, and whatever has to be said before it."""
        if self._reader is None:
            self._console.print(_head_words(head), style="bold", markup=False)
        if entry.reader != self._reader:
            if entry.reader:
                name = printable(entry.reader)
                self._console.print(f"reader {name}", style="bold", markup=False)
            self._reader = entry.reader
        for line in decoded_lines(self._decoder.decode(entry)):
            self._console.print(line)
        self._console.file.flush()


def _head_words(head: TraceHead) -> str:
    by = f" by {printable(head.by)}" if head.by else ""
    when = f", {head.when.astimezone():%Y-%m-%d %H:%M:%S %Z}" if head.when else ""
    return f"trace{by}{when}"


def decoded_lines(decoded: Decoded) -> Iterator[Text]:
    """An entry as it is to be seen: its time, what it is, and what is in it."""
    from rich.text import Text

    colour = {">": "cyan", "<": "green", "*": "yellow"}[decoded.mark]
    if decoded.failed:
        colour = "red"
    at = decoded.entry.at
    line = Text(f"{at // 1_000_000:6}.{at % 1_000_000:06} ", style="dim")
    line.append(f"{decoded.mark} ", style=colour)
    line.append(decoded.title, style=f"bold {colour}")
    if decoded.about:
        line.append(f"  {decoded.about}", style="default")
    yield line
    for detail in decoded.lines:
        yield Text(f"{'':18}{detail}", style="dim")
