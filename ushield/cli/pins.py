"""``ushield change-pin`` and ``ushield unblock``."""

from __future__ import annotations

import typer

from ushield.cli.options import PinFile, Reader, Token, Trace
from ushield.cli.secrets import Secrets
from ushield.cli.target import connected


def change_pin(
    token: Token = None, reader: Reader = None, trace: Trace = None, pin_file: PinFile = None
) -> None:
    """Change the PIN, knowing the old one."""
    secrets = Secrets.of(pin_file)
    with connected(token, reader, trace) as client:
        client.change_pin(secrets.get("USHIELD_PIN"), secrets.choose("USHIELD_NEW_PIN"))
    typer.echo("the PIN is changed")


def unblock(
    token: Token = None, reader: Reader = None, trace: Trace = None, pin_file: PinFile = None
) -> None:
    """Set a new PIN with the PUK, also when the old one is blocked."""
    secrets = Secrets.of(pin_file)
    with connected(token, reader, trace) as client:
        client.unblock_pin(secrets.get("USHIELD_PUK"), secrets.choose("USHIELD_NEW_PIN"))
    typer.echo("the PIN is set, with all its tries")
