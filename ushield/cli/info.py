"""``ushield info``: what a token says about itself."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ushield.cli.options import Reader, Token, Trace
from ushield.cli.target import connected

if TYPE_CHECKING:
    from host.info import TokenInfo


def info(
    as_json: Annotated[bool, typer.Option("--json", help="Write JSON, for programs.")] = False,
    token: Token = None,
    reader: Reader = None,
    trace: Trace = None,
) -> None:
    """Show label, serial number, phase of life, tries left, keys and certificates. Needs no PIN."""
    with connected(token, reader, trace) as client:
        found = client.info()
    if as_json:
        typer.echo(json.dumps(_plain(found), indent=2))
    else:
        _show(found)


def _plain(found: TokenInfo) -> dict[str, Any]:
    """The same as JSON takes it."""
    return {
        "label": found.label,
        "serial": found.serial.hex(),
        "phase": found.phase.name.lower(),
        "pin_tries_left": found.pin_tries_left,
        "puk_tries_left": found.puk_tries_left,
        "keys": [
            {
                "number": key.reference,
                "label": key.label,
                "id": key.id.hex(),
                "kind": key.kind,
                "bits": key.bits,
                "usage": sorted(key.usage),
                "pin_each_use": key.pin_each,
            }
            for key in found.keys
        ],
        "certificates": [
            {
                "label": entry.label,
                "id": entry.id.hex(),
                "key": entry.key_reference,
                "subject": entry.certificate.subject.rfc4514_string(),
                "issuer": entry.certificate.issuer.rfc4514_string(),
                "serial": f"{entry.certificate.serial_number:x}",
                "not_before": entry.certificate.not_valid_before_utc.isoformat(),
                "not_after": entry.certificate.not_valid_after_utc.isoformat(),
            }
            for entry in found.certificates
        ],
    }


def _show(found: TokenInfo) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console(highlight=False, soft_wrap=True)
    facts = Table.grid(padding=(0, 2))
    for name, value in (
        ("label", found.label or "none"),
        ("serial number", found.serial.hex()),
        ("phase", found.phase.words),
        ("PIN tries left", _count(found.pin_tries_left)),
        ("PUK tries left", _count(found.puk_tries_left)),
    ):
        facts.add_row(name, Text(_printable(value)))
    console.print(facts)
    if found.keys:
        keys = Table("no.", "key", "kind", "may", "certificate until", box=None, pad_edge=False)
        until = {
            entry.key_reference: f"{entry.certificate.not_valid_after_utc:%Y-%m-%d}"
            for entry in found.certificates
        }
        for key in found.keys:
            keys.add_row(
                str(key.reference),
                Text(_printable(key.label)),
                f"{key.kind} {key.bits}",
                ", ".join(sorted(key.usage)) + ("; PIN anew each time" if key.pin_each else ""),
                until.get(key.reference, "none"),
            )
        console.print()
        console.print(keys)


def _printable(text: str) -> str:
    """What a card says may be meant for the terminal; it is shown, not obeyed."""
    return "".join(sign if sign.isprintable() else "\N{REPLACEMENT CHARACTER}" for sign in text)


def _count(tries: int | None) -> str:
    return "no PIN" if tries is None else str(tries)
