"""``ushield run``: a program in a world with a reader of its own."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ushield.cli.child import DEFAULT_KEYS, execute
from ushield.cli.kinds import KeyKind
from ushield.cli.options import (
    DISPLAY_PANEL,
    DisplayScript,
    DisplayStyle,
    ReaderNames,
    Trace,
)
from ushield.cli.plainrun import RunRequest
from ushield.device.applets import Applets
from ushield.device.display.model import Style


def run(
    command: Annotated[
        list[str], typer.Argument(metavar="COMMAND", help="The program and its arguments.")
    ],
    tokens: Annotated[
        list[Path] | None,
        typer.Option(
            "--token",
            metavar="IMAGE",
            readable=False,
            help="A token image for a reader; give it again for a second reader, and so on.",
        ),
    ] = None,
    keys: Annotated[
        list[KeyKind] | None,
        typer.Option(
            "--key",
            metavar="KIND",
            help=f"A key of a fresh token, one of {', '.join(KeyKind)}; give it again for more "
            f"keys. By default {' and '.join(DEFAULT_KEYS)}; in PIV rsa2048 in 9A, 9C and 9D, p256 "
            "in 9E. With --token, a reader more.",
        ),
    ] = None,
    applet: Annotated[
        Applets | None,
        typer.Option(
            "--applet",
            help=f"What the fresh token is for programs, by default {Applets.PKCS15}. With "
            "--token, a reader more.",
        ),
    ] = None,
    generation: Annotated[
        int | None,
        typer.Option(
            min=1,
            max=2,
            help="2: the fresh token has a display and buttons. Its first key shows what it "
            "signs, the second wants a press. With --token, a reader more.",
            rich_help_panel=DISPLAY_PANEL,
        ),
    ] = None,
    display_style: DisplayStyle = Style.LCD,
    display_script: DisplayScript = None,
    empty: Annotated[
        bool, typer.Option("--empty", help="No token: the readers are empty at first.")
    ] = False,
    reader_names: ReaderNames = None,
    trace: Trace = None,
) -> None:
    """Run a program with a reader and a token that only it can see, and end as it ends.

    The program finds them by PCSCLITE_CSOCK_NAME in its environment, as all that it starts does.
    Signals are passed on to it. When it ends the service ends, and nothing is left behind; what it
    leaves running sees the service stop.

    Without --token there is a fresh token in memory, with new keys each time; with --token only if
    --key, --applet or --generation asks for one. The keys are made while the rest loads, so RSA
    keys of up to 2048 bits cost little time, longer ones their usual second or more. PIN and PUK
    are USHIELD_PIN and USHIELD_PUK where these are set, else 123456 and 12345678, and the program
    has them in these variables. The SO PIN is USHIELD_SO_PIN, else the PUK; PIV's management key is
    USHIELD_MANAGEMENT_KEY, else the one from the factory.

    Exit codes: the program's own; 128 and the number of the signal that ended it; 127 and 126 when
    there is no such program, or it cannot be run.
    """
    request = RunRequest(
        command,
        tokens or [],
        keys or [],
        reader_names or [],
        empty,
        applet,
        trace,
        generation,
        display_style,
        display_script,
    )
    raise typer.Exit(execute(request))
