"""``ushield change-pin`` and ``ushield unblock``."""

from __future__ import annotations

from functools import partial

import typer

from ushield.cli.options import Applet, PinFile, Reader, Token, Trace
from ushield.cli.secrets import Secrets
from ushield.cli.target import connected_either


def change_pin(
    token: Token = None,
    reader: Reader = None,
    applet: Applet = None,
    trace: Trace = None,
    pin_file: PinFile = None,
) -> None:
    """Change the PIN, knowing the old one."""
    from apdu.payload import Asked
    from ushield.cli.waiting import with_consent

    secrets = Secrets.of(pin_file)
    with connected_either(token, reader, applet, trace) as client:
        old, new = secrets.get("USHIELD_PIN"), secrets.choose("USHIELD_NEW_PIN")
        with_consent(client, Asked.PIN_CHANGE, partial(client.change_pin, old, new))
    typer.echo("the PIN is changed")


def unblock(
    token: Token = None,
    reader: Reader = None,
    applet: Applet = None,
    trace: Trace = None,
    pin_file: PinFile = None,
) -> None:
    """Set a new PIN with the PUK, also when the old one is blocked."""
    from apdu.payload import Asked
    from ushield.cli.waiting import with_consent

    secrets = Secrets.of(pin_file)
    with connected_either(token, reader, applet, trace) as client:
        puk, new = secrets.get("USHIELD_PUK"), secrets.choose("USHIELD_NEW_PIN")
        with_consent(client, Asked.PIN_CHANGE, partial(client.unblock_pin, puk, new))
    typer.echo("the PIN is set, with all its tries")
