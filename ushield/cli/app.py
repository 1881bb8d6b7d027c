"""The program ``ushield``: its commands, each in the module that does it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Annotated

import typer

from ushield.cli import (
    conformance,
    demo,
    display,
    doctor,
    info,
    order,
    pins,
    reader,
    record,
    replay,
    run,
    serve,
    setup,
    trace,
    use,
)

app = typer.Typer(
    name="ushield",
    help="A bank's USB key (U-Shield) as software: a smart card with its memory and its reader.",
    epilog="Begin with `ushield demo`, then `ushield init my.token`.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    context_settings={"help_option_names": ["-h", "--help"]},
)

_MAKE, _USE, _PINS = "Make a token and plug it in", "Use a token", "PINs"
_LISTEN, _JUDGE = "Listen in", "Judge a card"
_AS_IT_STANDS = {"allow_interspersed_args": False}
"""Behind the first argument nothing is an option of ours."""

app.command("init", rich_help_panel=_MAKE)(setup.init)
app.command("serve", rich_help_panel=_MAKE)(serve.serve)
app.command("run", rich_help_panel=_MAKE, context_settings=_AS_IT_STANDS)(run.run)
app.add_typer(reader.app, name="reader", rich_help_panel=_MAKE)
app.add_typer(display.app, name="display", rich_help_panel=_MAKE)
app.command("demo", rich_help_panel=_MAKE)(demo.demo)
app.command("doctor", rich_help_panel=_MAKE)(doctor.doctor)
app.command("info", rich_help_panel=_USE)(info.info)
app.command("cert", rich_help_panel=_USE)(use.cert)
app.command("sign", rich_help_panel=_USE)(use.sign)
app.command("verify", rich_help_panel=_USE)(use.verify)
app.command("encipher", rich_help_panel=_USE)(use.encipher)
app.command("decipher", rich_help_panel=_USE)(use.decipher)
app.add_typer(order.app, name="order", rich_help_panel=_USE)
app.command("change-pin", rich_help_panel=_PINS)(pins.change_pin)
app.command("unblock", rich_help_panel=_PINS)(pins.unblock)
app.add_typer(trace.app, name="trace", rich_help_panel=_LISTEN)
app.command("record", rich_help_panel=_LISTEN, context_settings=_AS_IT_STANDS)(record.record)
app.command("replay", rich_help_panel=_LISTEN, context_settings=_AS_IT_STANDS)(replay.replay)
app.command("conformance", rich_help_panel=_JUDGE)(conformance.conformance)


def _show_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"ushield {version('ushield')}")
        raise typer.Exit


@app.callback()
def every_command(
    show_version: Annotated[
        bool,
        typer.Option(
            "--version", help="Show the version and exit.", callback=_show_version, is_eager=True
        ),
    ] = False,
) -> None:
    """Options of the program itself; the help text of the program is above."""


_ADDRESS = re.compile(r"(\[[0-9a-fA-F:]+\]|[\w.-]+)?:\d+")


def with_default_address(arguments: Sequence[str]) -> list[str]:
    """Give ``--vpcd`` its default address where none follows: the parser has no such option."""
    if arguments[:1] != ["serve"]:
        return list(arguments)
    complete: list[str] = []
    for place, argument in enumerate(arguments):
        following = arguments[place + 1] if place + 1 < len(arguments) else ""
        if argument == "--vpcd" and not _ADDRESS.fullmatch(following):
            argument = f"--vpcd={serve.DEFAULT_ADDRESS}"  # noqa: PLW2901 the argument as completed
        complete.append(argument)
    return complete
