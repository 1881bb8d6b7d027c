"""Commands that use a token's keys: cert, sign, verify, encipher, decipher."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated, Literal

import typer

from ushield.cli.complaint import Complaint
from ushield.cli.files import check_output, read, write
from ushield.cli.options import Applet, Input, Key, Output, PinFile, Reader, Token, Trace
from ushield.cli.secrets import Secrets
from ushield.cli.target import connected_either

Hash = Annotated[
    Literal["sha256", "sha384", "sha512"], typer.Option("--hash", help="How the input is hashed.")
]
SignaturePadding = Annotated[
    Literal["pkcs1", "pss"], typer.Option("--padding", help="For RSA keys: PKCS#1 v1.5 or PSS.")
]
CipherPadding = Annotated[
    Literal["pkcs1", "oaep"],
    typer.Option("--padding", help="PKCS#1 v1.5, or OAEP with SHA-256."),
]


def cert(
    key: Key = None,
    der: Annotated[bool, typer.Option("--der", help="Write DER instead of PEM.")] = False,
    output: Output = None,
    token: Token = None,
    reader: Reader = None,
    applet: Applet = None,
    trace: Trace = None,
) -> None:
    """Write the certificate of a key. Needs no PIN."""
    from cryptography.hazmat.primitives.serialization import Encoding

    check_output(output, token, text=not der)
    with connected_either(token, reader, applet, trace) as client:
        certificate = client.certificate(client.named(key))
    form = Encoding.DER if der else Encoding.PEM
    write(output, certificate.public_bytes(form))


def sign(
    source: Input = None,
    key: Key = None,
    hash_name: Hash = "sha256",
    padding: SignaturePadding = "pkcs1",
    output: Output = None,
    token: Token = None,
    reader: Reader = None,
    applet: Applet = None,
    trace: Trace = None,
    pin_file: PinFile = None,
) -> None:
    """Sign a file. The signature is raw bytes for RSA, DER for EC, as `openssl dgst` takes it.

    A key that shows what it signs is sent the file itself.
    """
    from apdu.edge import Consent
    from host.client import TokenClient
    from host.usage import Usage
    from ushield.cli.waiting import with_key

    secrets = Secrets.of(pin_file)
    check_output(output, token, text=False)
    message = read(source)
    with connected_either(token, reader, applet, trace) as client:
        chosen = client.named(key)
        consent = client.consent(chosen, Usage.SIGN)
        pin = secrets.get("USHIELD_PIN")
        act = partial(client.sign, message, chosen, hash=hash_name, padding=padding, pin=pin)
        # No PIV key shows what it signs.
        if consent is Consent.CONTENT and isinstance(client, TokenClient):
            if (hash_name, padding) != ("sha256", "pkcs1"):
                raise Complaint(
                    "a key that shows what it signs has SHA-256 and PKCS#1 v1.5 or ECDSA"
                )
            act = partial(client.sign_message, message, chosen, pin=pin)
        signature = with_key(client, consent, act)
    write(output, signature)


def verify(
    source: Input = None,
    signature: Annotated[
        Path | None,
        typer.Option(
            "--signature",
            metavar="FILE",
            readable=False,
            help="Check this signature of the input with the token's certificate instead.",
        ),
    ] = None,
    key: Key = None,
    hash_name: Hash = "sha256",
    padding: SignaturePadding = "pkcs1",
    token: Token = None,
    reader: Reader = None,
    applet: Applet = None,
    trace: Trace = None,
    pin_file: PinFile = None,
) -> None:
    """Check the PIN; or, with --signature, a signature, which needs no PIN."""
    from ushield.cli.waiting import with_pin

    if signature is None:
        if source is not None:
            raise Complaint("a file can be verified only against a signature: add --signature FILE")
        secrets = Secrets.of(pin_file)
        with connected_either(token, reader, applet, trace) as client:
            with_pin(client, partial(client.verify_pin, secrets.get("USHIELD_PIN")))
        typer.echo("the PIN is right")
        return
    given, message = signature.read_bytes(), read(source)
    with connected_either(token, reader, applet, trace) as client:
        good = client.check_signature(
            given, message, client.named(key), hash=hash_name, padding=padding
        )
    if not good:
        raise Complaint("the signature is wrong: another key, another file, or a changed one")
    typer.echo("the signature is right")


def encipher(
    source: Input = None,
    key: Key = None,
    padding: CipherPadding = "pkcs1",
    output: Output = None,
    token: Token = None,
    reader: Reader = None,
    applet: Applet = None,
    trace: Trace = None,
) -> None:
    """Encipher a short file for the token, which alone can decipher it. Needs no PIN."""
    check_output(output, token, text=False)
    plain = read(source)
    with connected_either(token, reader, applet, trace) as client:
        cryptogram = client.encipher(plain, client.named(key), padding=padding)
    write(output, cryptogram)


def decipher(
    source: Input = None,
    key: Key = None,
    padding: CipherPadding = "pkcs1",
    output: Output = None,
    token: Token = None,
    reader: Reader = None,
    applet: Applet = None,
    trace: Trace = None,
    pin_file: PinFile = None,
) -> None:
    """Decipher what was enciphered for the token.

    With PKCS#1 v1.5 a PKCS#15 token makes random bytes of what is damaged, or was enciphered
    otherwise: so nobody learns from it.
    """
    from host.usage import Usage
    from ushield.cli.waiting import with_key

    secrets = Secrets.of(pin_file)
    check_output(output, token, text=True)
    cryptogram = read(source)
    with connected_either(token, reader, applet, trace) as client:
        chosen = client.named(key)
        consent = client.consent(chosen, Usage.DECIPHER)
        pin = secrets.get("USHIELD_PIN")
        act = partial(client.decipher, cryptogram, chosen, padding=padding, pin=pin)
        plain = with_key(client, consent, act)
    write(output, plain)
