"""``ushield info``: what a token says about itself."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ushield.cli.options import Reader, Token, Trace
from ushield.cli.printable import printable
from ushield.cli.target import reached

if TYPE_CHECKING:
    from rich.console import Console

    from host.directory import CertificateInfo, KeyInfo
    from host.info import TokenInfo
    from host.overview import CardInfo
    from host.piv.info import PivInfo

_CONSENTS = {"PRESS": "wants Confirm each time", "CONTENT": "shows what it signs"}


def info(
    as_json: Annotated[bool, typer.Option("--json", help="Write JSON, for programs.")] = False,
    token: Token = None,
    reader: Reader = None,
    trace: Trace = None,
) -> None:
    """Show label, serial number, phase of life, tries left, keys and certificates. Needs no PIN."""
    from host.overview import look_at

    with reached(token, reader, trace) as transport:
        found = look_at(transport)
    if as_json:
        typer.echo(json.dumps(_plain(found), indent=2))
    else:
        _show(found)


# --- for programs ---------------------------------------------------------------------------------


def _plain(found: CardInfo) -> dict[str, Any]:
    """The same as JSON takes it. What PIV says stands apart."""
    plain: dict[str, Any] = {
        "applets": [name for name in ("pkcs15", "piv") if getattr(found, name) is not None]
    }
    if found.pkcs15 is not None:
        plain |= _plain_pkcs15(found.pkcs15)
    if found.piv is not None:
        plain["piv"] = _plain_piv(found.piv)
    return plain


def _plain_pkcs15(found: TokenInfo) -> dict[str, Any]:
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
                "consent": key.consent.name.lower(),
            }
            for key in found.keys
        ],
        "certificates": [
            {
                "label": entry.label,
                "id": entry.id.hex(),
                "key": entry.key_reference,
                **_plain_certificate(entry),
            }
            for entry in found.certificates
        ],
    }


def _plain_piv(found: PivInfo) -> dict[str, Any]:
    return {
        "guid": None if found.guid is None else found.guid.hex(),
        "version": None if found.version is None else ".".join(map(str, found.version)),
        "pin_tries_left": found.pin_tries_left,
        "puk_tries_left": found.puk_tries_left,
        "keys": [
            {
                "slot": f"{key.reference:02x}",
                "name": key.label,
                "kind": key.kind,
                "bits": key.bits,
                "pin_each_use": key.pin_each,
                "consent": key.consent.name.lower(),
            }
            for key in found.keys
        ],
        "certificates": [
            {
                "slot": None if entry.key_reference is None else f"{entry.key_reference:02x}",
                "name": entry.label,
                **_plain_certificate(entry),
            }
            for entry in found.certificates
        ],
    }


def _plain_certificate(entry: CertificateInfo) -> dict[str, Any]:
    certificate = entry.certificate
    return {
        "subject": certificate.subject.rfc4514_string(),
        "issuer": certificate.issuer.rfc4514_string(),
        "serial": f"{certificate.serial_number:x}",
        "not_before": certificate.not_valid_before_utc.isoformat(),
        "not_after": certificate.not_valid_after_utc.isoformat(),
    }


# --- for people -----------------------------------------------------------------------------------


def _show(found: CardInfo) -> None:
    from rich.console import Console

    console = Console(highlight=False, soft_wrap=True)
    if found.pkcs15 is not None:
        _show_pkcs15(console, found.pkcs15)
    if found.piv is not None:
        if found.pkcs15 is not None:
            console.print("\nPIV")
        _show_piv(console, found.piv)


def _show_pkcs15(console: Console, found: TokenInfo) -> None:
    _show_facts(
        console,
        {
            "label": found.label or "none",
            "serial number": found.serial.hex(),
            "phase": found.phase.words,
            "PIN tries left": _count(found.pin_tries_left, "no PIN"),
            "PUK tries left": _count(found.puk_tries_left, "no PIN"),
        },
    )
    _show_keys(console, "no.", found.keys, found.certificates, lambda key: str(key.reference))


def _show_piv(console: Console, found: PivInfo) -> None:
    _show_facts(
        console,
        {
            "application": "PIV" + "".join(f", version {text}" for text in _version(found)),
            "card number": "none" if found.guid is None else found.guid.hex(),
            "PIN tries left": _count(found.pin_tries_left, "the card does not tell"),
            "PUK tries left": _count(found.puk_tries_left, "the card does not tell"),
        },
    )
    _show_keys(console, "slot", found.keys, found.certificates, lambda key: f"{key.reference:02x}")


def _version(found: PivInfo) -> list[str]:
    return [] if found.version is None else [".".join(map(str, found.version))]


def _show_facts(console: Console, facts: dict[str, str]) -> None:
    from rich.table import Table
    from rich.text import Text

    table = Table.grid(padding=(0, 2))
    for name, value in facts.items():
        table.add_row(name, Text(printable(value)))
    console.print(table)


def _conditions(key: KeyInfo) -> Iterator[str]:
    """What each use of the key wants, beside the PIN."""
    if key.pin_each:
        yield "PIN anew each time"
    if key.consent:
        yield _CONSENTS[key.consent.name]


def _show_keys(
    console: Console,
    place: str,
    keys: Iterable[KeyInfo],
    certificates: Iterable[CertificateInfo],
    number: Callable[[KeyInfo], str],
) -> None:
    from rich.table import Table
    from rich.text import Text

    until = {
        entry.key_reference: f"{entry.certificate.not_valid_after_utc:%Y-%m-%d}"
        for entry in certificates
    }
    table = Table(place, "key", "kind", "may", "certificate until", box=None, pad_edge=False)
    for key in keys:
        table.add_row(
            number(key),
            Text(printable(key.label)),
            f"{key.kind} {key.bits}",
            "; ".join((", ".join(sorted(key.usage)), *_conditions(key))),
            until.get(key.reference, "none"),
        )
    if table.row_count:
        console.print()
        console.print(table)


def _count(tries: int | None, nothing: str) -> str:
    return nothing if tries is None else str(tries)
