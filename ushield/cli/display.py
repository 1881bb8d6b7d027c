"""``ushield display``: the display and the buttons of a key in a running service."""

from __future__ import annotations

import json
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from ushield.cli.complaint import Complaint
from ushield.cli.reader import Name, Socket, do
from ushield.reader.remote import VARIABLE

app = typer.Typer(
    name="display",
    help=f"""Look at the display of a key that is served, and press its buttons.

    The service is the one that {VARIABLE} names, or --socket.""",
    no_args_is_help=True,
)


class Button(StrEnum):
    """The buttons of a key."""

    CONFIRM = "confirm"
    CANCEL = "cancel"
    UP = "up"
    DOWN = "down"


Json = Annotated[bool, typer.Option("--json", help="Write JSON, for programs.")]


@app.command()
def show(as_json: Json = False, reader: Name = None, socket: Socket = None) -> None:
    """Show what is on the display now."""
    _show(do("screen", reader, socket), as_json)


@app.command()
def wait(
    text: Annotated[str, typer.Argument(help="What it shall show; spaces do not count.")],
    seconds: Annotated[
        float, typer.Option(min=0, max=900, help="How long to wait; then it fails.")
    ] = 60,
    as_json: Json = False,
    reader: Name = None,
    socket: Socket = None,
) -> None:
    """Wait until a page shows this text."""
    _show(do("await", reader, socket, text=text, seconds=seconds), as_json)


@app.command()
def press(
    button: Annotated[Button, typer.Argument(help="Which one.")],
    screen: Annotated[
        int | None,
        typer.Option(metavar="NUMBER", help="Only if it is still this one that is shown."),
    ] = None,
    as_json: Json = False,
    reader: Name = None,
    socket: Socket = None,
) -> None:
    """Press a button, and show what is on the display then."""
    wanted = {} if screen is None else {"screen": screen}
    answer = do("press", reader, socket, button=button.value, **wanted)
    if not answer["counted"]:
        raise Complaint(
            f"{button.value} counted for nothing: nothing is asked, or another screen is there"
        )
    _show(answer, as_json)


@app.command()
def script(
    rules: Annotated[
        Path | None, typer.Argument(metavar="FILE", readable=False, help="None: no more.")
    ] = None,
    reader: Name = None,
    socket: Socket = None,
) -> None:
    """Press the buttons as rules say from now on (docs/display.md)."""
    text = {} if rules is None else {"rules": rules.read_text(encoding="utf-8")}
    do("script", reader, socket, **text)


@app.command("time-out")
def time_out(reader: Name = None, socket: Socket = None) -> None:
    """Let the time be over that the question has."""
    do("time-out", reader, socket)


def _show(answer: dict[str, Any], as_json: bool) -> None:
    screen = answer["screen"]
    if as_json:
        typer.echo(json.dumps(screen, ensure_ascii=False, indent=2))
        return
    if not screen["lines"]:
        ended = f"; the last question ended by: {screen['ended_by']}" if screen["ended_by"] else ""
        typer.echo(f"screen {screen['number']}: at rest{ended}")
        return
    typer.echo(
        f"screen {screen['number']}, page {screen['page']} of {screen['pages']}, "
        f"{screen['seconds_left']:.0f} s left, waits for {', '.join(screen['waits_for'])}"
    )
    for line in screen["lines"]:
        typer.echo(f"| {line}")
