"""``ushield trace``: dialogues with a card that were written down, by whomever."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from rich.text import Text

    from host.trace import Entry, TraceHead
    from host.trace.decode import Decoded

app = typer.Typer(
    name="trace",
    help="""Read what `--trace` has written, a log of OpenSC or of pcscd, or a capture.

    Captures are pcapng or pcap, with ISO 7816 as Wireshark exports it, or SIM cards in GSMTAP.
    Whatever may be a secret is not shown, whoever has written it down.""",
    no_args_is_help=True,
)

_PAUSE_SECONDS = 0.1

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
                self._console.print(f"reader {entry.reader}", style="bold", markup=False)
            self._reader = entry.reader
        for line in decoded_lines(self._decoder.decode(entry)):
            self._console.print(line)


def _head_words(head: TraceHead) -> str:
    by = f" by {head.by}" if head.by else ""
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
