"""``ushield order``: payment orders that the key shows before it signs them."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ushield.cli.complaint import Complaint
from ushield.cli.files import check_output, read, write
from ushield.cli.options import Input, Key, Output, PinFile, Reader, Token, Trace
from ushield.cli.secrets import Secrets
from ushield.cli.target import connected

if TYPE_CHECKING:
    from apdu.order import Order

app = typer.Typer(
    help="Payment orders that the key shows before it signs them. FILE is JSON or YAML.",
    no_args_is_help=True,
)

Signature = Annotated[
    Path, typer.Option("--signature", metavar="FILE", readable=False, help="The signature.")
]


@app.command()
def sign(
    source: Input = None,
    key: Key = None,
    output: Output = None,
    token: Token = None,
    reader: Reader = None,
    trace: Trace = None,
    pin_file: PinFile = None,
) -> None:
    """Sign an order. The key shows it and waits for Confirm; Ctrl-C cancels.

    What is signed is the order as the key reads it, SHA-256 with PKCS#1 v1.5 or ECDSA; `ushield
    order show --binary` writes these bytes.
    """
    from host.usage import Usage
    from ushield.cli.waiting import with_key

    secrets = Secrets.of(pin_file)
    check_output(output, token, text=False)
    order = _order(source)
    with connected(token, reader, trace) as client:
        chosen = client.named(key)
        consent = client.consent(chosen, Usage.SIGN)
        pin = secrets.get("USHIELD_PIN")
        signature = with_key(client, consent, partial(client.sign_order, order, chosen, pin=pin))
    write(output, signature)


@app.command()
def verify(
    signature: Signature,
    source: Input = None,
    key: Key = None,
    token: Token = None,
    reader: Reader = None,
    trace: Trace = None,
) -> None:
    """Check the signature of an order with the token's certificate. Needs no PIN."""
    from apdu.order import build_order

    given, message = signature.read_bytes(), build_order(_order(source))
    with connected(token, reader, trace) as client:
        good = client.check_signature(given, message, client.named(key))
    if not good:
        raise Complaint("the signature is wrong: another key, another order, or a changed one")
    typer.echo("the signature is right")


@app.command()
def show(
    source: Input = None,
    binary: Annotated[
        bool, typer.Option("--binary", help="Write the bytes that are signed instead.")
    ] = False,
    output: Output = None,
) -> None:
    """Check an order and show its fields; needs no token."""
    from apdu.order import build_order
    from host.orderfile import describe

    order = _order(source)
    if binary:
        write(output, build_order(order))
        return
    write(output, "".join(f"{name}: {value}\n" for name, value in describe(order)).encode())


def _order(source: Path | None) -> Order:
    from host.orderfile import read_order

    try:
        text = read(source).decode()
    except UnicodeDecodeError:
        raise Complaint("an order is written in UTF-8") from None
    return read_order(text)
