"""``ushield init``: a new token image, personalised or blank."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ushield.cli.complaint import Complaint
from ushield.cli.consent import (
    AskedFor,
    ConfirmSeconds,
    DisplayLanguage,
    Hidden,
    check_keys,
    consent_settings,
)
from ushield.cli.kinds import KeyKind
from ushield.cli.options import PinFile
from ushield.cli.secrets import Secrets

if TYPE_CHECKING:
    from host.personalise import Profile


def init(
    image: Annotated[
        Path, typer.Argument(metavar="IMAGE", readable=False, help="The file to make.")
    ],
    key: Annotated[
        list[str] | None,
        typer.Option(
            "--key",
            metavar="KIND[:USE][:CONSENT]",
            callback=check_keys,
            help=f"A key to make, one of {', '.join(KeyKind)}; USE is sign, decipher or derive, "
            "else it does all it can; CONSENT is none, press or content. Give it more than once "
            "for more keys. Without it: one rsa2048 key to sign and one to decipher.",
        ),
    ] = None,
    subject: Annotated[
        str, typer.Option(help="Whom the certificates name (RFC 4514).")
    ] = "CN=U-Shield",
    label: Annotated[str, typer.Option(help="What programs call the token.")] = "U-Shield",
    blank: Annotated[
        bool, typer.Option("--blank", help="Leave the card blank: OpenSC personalises it.")
    ] = False,
    pin_each_signature: Annotated[
        bool,
        typer.Option(
            "--pin-each-signature",
            help="Keys that sign want the PIN anew for each use; programs ask for it each time.",
        ),
    ] = False,
    generation: Annotated[
        int,
        typer.Option(
            min=1,
            max=2,
            help="2: a key with a display and buttons. Keys that only sign show what they sign, "
            "others want a press of Confirm, unless --key says otherwise.",
        ),
    ] = 1,
    asked: AskedFor = None,
    seconds: ConfirmSeconds = None,
    language: DisplayLanguage = None,
    hidden_fields: Hidden = None,
    force: Annotated[bool, typer.Option("--force", help="Replace an existing token.")] = False,
    pin_file: PinFile = None,
) -> None:
    """Make a token: keys, self-signed certificates valid five years, PKCS#15 files, PIN and PUK.

    The SO PIN, which allows to erase the token, is USHIELD_SO_PIN, else the same as the PUK.
    """
    from ushield.device.image import new_image
    from ushield.tokens import manufacture

    if blank and (key or pin_each_signature or generation > 1):
        raise Complaint(
            "--blank leaves the keys to OpenSC: no other option about them goes with it"
        )
    consent = consent_settings(generation, asked, seconds, language, hidden_fields)
    # What is wrong with the file is said before anybody has typed a PIN.
    with new_image(image, replace=force) as store:
        profile = None
        if not blank:
            profile = _profile(
                Secrets.of(pin_file),
                keys=key or [],
                subject=subject,
                label=label,
                pin_each_signature=pin_each_signature,
                generation=generation,
                consent=consent,
            )
        manufacture(store, profile)
    typer.echo(f"{image}: {'a blank token' if blank else f'a token called {label}'}")


def _profile(secrets: Secrets, **wishes: Any) -> Profile:
    from host.personalise import Profile

    return Profile.of(
        pin=secrets.choose("USHIELD_PIN"),
        puk=secrets.choose("USHIELD_PUK"),
        so_pin=secrets.known("USHIELD_SO_PIN"),
        **wishes,
    )
