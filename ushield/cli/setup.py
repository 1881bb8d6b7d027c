"""``ushield init``: a new token image, personalised or as from the factory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
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
from ushield.cli.listening import listening
from ushield.cli.options import PinFile, Trace
from ushield.cli.secrets import Secrets
from ushield.device.applets import Applets

if TYPE_CHECKING:
    from ushield.making import Making


_ANY_PIN = "000000"


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
            "else it does all it can; CONSENT is none, press or content, with --generation 2. PIV "
            "takes the KIND only. Give it more than once for more keys. Without it: one rsa2048 "
            "key to sign and one to decipher; in PIV rsa2048 in 9A, 9C and 9D, p256 in 9E.",
        ),
    ] = None,
    applet: Annotated[
        Applets,
        typer.Option(
            "--applet",
            help="What the token is for programs. PIV keys are in 9A, 9C, 9D, 9E and then the "
            "retired slots, in the order of --key.",
        ),
    ] = Applets.PKCS15,
    subject: Annotated[
        str, typer.Option(help="Whom the certificates name (RFC 4514).")
    ] = "CN=U-Shield",
    label: Annotated[
        str | None,
        typer.Option(
            help="What programs call the token; U-Shield by default. PIV knows no labels.",
            show_default=False,
        ),
    ] = None,
    blank: Annotated[
        bool,
        typer.Option(
            "--blank", help="Leave the card as from the factory: other programs personalise it."
        ),
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
            "others want a press of Confirm, unless --key says otherwise. PIV keys ask nobody.",
        ),
    ] = 1,
    asked: AskedFor = None,
    seconds: ConfirmSeconds = None,
    language: DisplayLanguage = None,
    hidden_fields: Hidden = None,
    force: Annotated[bool, typer.Option("--force", help="Replace an existing token.")] = False,
    pin_file: PinFile = None,
    trace: Trace = None,
) -> None:
    """Make a token: keys, certificates of its own valid five years, files or objects, PIN and PUK.

    The SO PIN, which allows to erase a PKCS#15 token, is USHIELD_SO_PIN, else the same as the PUK.
    The management key of a PIV token is USHIELD_MANAGEMENT_KEY in hexadecimal digits, 24 bytes for
    3DES, 16 or 32 for AES; else it stays the one from the factory.
    """
    from ushield.device.image import new_image
    from ushield.making import Making, make

    pkcs15_only = {
        "--label": label is not None,
        "--pin-each-signature": pin_each_signature,
        "--generation 2": generation > 1,
    }
    _check(applet, pkcs15_only, blank=blank, keys=bool(key))
    _check_uses(applet, key or [], generation)
    consent = consent_settings(generation, asked, seconds, language, hidden_fields)
    wishes = {
        "label": "U-Shield" if label is None else label,
        "pin_each_signature": pin_each_signature,
        "generation": generation,
        "consent": consent,
    }
    # What is wrong with the file is said before anybody has typed a PIN.
    place = image.resolve() if image.is_symlink() else image
    with listening(trace) as file, new_image(place, replace=force) as store:
        making = Making(applet)
        if not blank:
            making = _making(applet, Secrets.of(pin_file), key or [], subject, wishes)
        make(store, making, tracer=None if file is None else file.tracer(str(image)))
    typer.echo(f"{image}: {_described(making)}")


def _check(applet: Applets, pkcs15_only: Mapping[str, bool], *, blank: bool, keys: bool) -> None:
    """Options that do not go together, said before anything is made."""
    given = [name for name, used in pkcs15_only.items() if used]
    if given and not applet.has_pkcs15:
        raise Complaint(f"{given[0]} is for PKCS#15 tokens: leave it out, or use --applet both")
    if blank and (given or keys):
        raise Complaint(
            "--blank leaves keys and labels to other programs: no option about them goes with it"
        )


def _check_uses(applet: Applets, keys: Sequence[str], generation: int) -> None:
    """What is said of a key beside its kind, where it cannot be."""
    for key in keys:
        _, *words = key.split(":")
        if words and not applet.has_pkcs15:
            raise Complaint(
                f"--key {key}: what a PIV key is for, its slot says: give its kind only"
            )
        if generation == 1 and {"press", "content"} & set(words):
            raise Complaint(f"--key {key} needs a token with a display: add --generation 2")


def _making(
    applet: Applets,
    secrets: Secrets,
    keys: Sequence[str],
    subject: str,
    wishes: Mapping[str, Any],
) -> Making:
    make = partial(_profiles, applet, secrets, keys, subject, wishes)
    # What is wrong with the rest is said before anybody has typed a PIN.
    make(_ANY_PIN, _ANY_PIN)
    return make(secrets.choose("USHIELD_PIN"), secrets.choose("USHIELD_PUK"))


def _profiles(
    applet: Applets,
    secrets: Secrets,
    keys: Sequence[str],
    subject: str,
    wishes: Mapping[str, Any],
    pin: str,
    puk: str,
) -> Making:
    from ushield.making import Making

    pins: dict[str, Any] = {"pin": pin, "puk": puk}
    pkcs15 = piv = None
    if applet.has_pkcs15:
        from host.personalise import Profile

        so_pin = secrets.known("USHIELD_SO_PIN")
        pkcs15 = Profile.of(so_pin=so_pin, keys=keys, subject=subject, **pins, **wishes)
    if applet.has_piv:
        from host.piv.personalise import PivProfile

        # What a key of the other applet is for, PIV says by the slot.
        kinds = [key.partition(":")[0] for key in keys] if applet.has_pkcs15 else keys
        management_key = secrets.known("USHIELD_MANAGEMENT_KEY")
        piv = PivProfile.of(**pins, management_key=management_key, keys=kinds, subject=subject)
    return Making(applet, pkcs15, piv)


def _described(making: Making) -> str:
    blank = making.pkcs15 is None and making.piv is None
    if not making.applets.has_pkcs15:
        return "a PIV token as from the factory" if blank else "a PIV token"
    token = "a blank token" if making.pkcs15 is None else f"a token called {making.pkcs15.label}"
    return f"{token}, which is a PIV token too" if making.applets.has_piv else token
