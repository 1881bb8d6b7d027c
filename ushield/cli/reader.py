"""``ushield reader``: the readers of a running service, managed from outside."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Annotated, Any

import typer

from ushield.cli.complaint import Complaint
from ushield.reader.remote import VARIABLE, ask

app = typer.Typer(
    name="reader",
    help=f"""Manage the readers of a running `ushield serve` or `ushield run`.

    The service is the one that {VARIABLE} names, or --socket.""",
    no_args_is_help=True,
)

Socket = Annotated[
    Path | None,
    typer.Option(
        "--socket",
        metavar="PATH",
        readable=False,
        help=f"The service's socket; by default what {VARIABLE} says.",
    ),
]
Name = Annotated[
    str | None,
    typer.Option(
        "--reader",
        metavar="NAME",
        help="Its number, its name, or a part of its name that no other has. By default the "
        "only reader that can be meant.",
    ),
]


@app.command("list")
def list_readers(
    as_json: Annotated[bool, typer.Option("--json", help="Write JSON, for programs.")] = False,
    socket: Socket = None,
) -> None:
    """Show each reader: its number, its name, and the token in it."""
    readers = _readers(_service(socket))
    if as_json:
        typer.echo(json.dumps(readers, indent=2))
        return
    for reader in readers:
        typer.echo(f"{reader['number']}  {reader['name']}: {_content(reader)}")


@app.command()
def insert(
    image: Annotated[
        Path | None,
        typer.Argument(
            metavar="IMAGE",
            readable=False,
            help="The token; by default the one that was removed last.",
        ),
    ] = None,
    reader: Name = None,
    socket: Socket = None,
) -> None:
    """Put a token into a reader; by default back into the only one that is empty."""
    token = {} if image is None else {"token": str(image.absolute())}
    done = do("insert", reader, socket, **token)
    typer.echo(f"{done['token']} is in {done['reader']}")


@app.command()
def remove(reader: Name = None, socket: Socket = None) -> None:
    """Pull the token out of a reader, whatever it is doing. Its image is free afterwards."""
    done = do("remove", reader, socket)
    typer.echo(f"{done['token']} is out of {done['reader']}")


@app.command()
def reset(reader: Name = None, socket: Socket = None) -> None:
    """Reset the token in a reader, as another program might: PINs are to be verified again."""
    done = do("reset", reader, socket)
    typer.echo(f"{done['token']} in {done['reader']} is reset")


def do(verb: str, name: str | None, socket: Path | None, **fields: Any) -> dict[str, Any]:
    """Ask the service that is meant to do this, in the reader that is meant; its answer."""
    service = _service(socket)
    if name is None:
        return ask(service, do=verb, **fields)
    return ask(service, do=verb, reader=_number(service, name), **fields)


def _service(socket: Path | None) -> Path:
    named = os.environ.get(VARIABLE)
    if socket is not None:
        return socket
    if not named:
        raise Complaint(
            f"which service? Set {VARIABLE} as `ushield serve` prints it, or use --socket"
        )
    return Path(named)


def _readers(service: Path) -> list[dict[str, Any]]:
    readers: list[dict[str, Any]] = ask(service, do="list")["readers"]
    return readers


def _number(service: Path, name: str) -> int:
    """The number of the reader that is meant: its whole name always wins."""
    readers = _readers(service)
    found = [reader for reader in readers if reader["name"] == name]
    found = found or [reader for reader in readers if str(reader["number"]) == name]
    found = found or [r for r in readers if name.casefold() in r["name"].casefold()]
    if len(found) == 1:
        return int(found[0]["number"])
    if found:
        raise Complaint(f"more than one reader may be meant, name one: {_names(found)}")
    raise Complaint(f"no reader is called {name!r}; there are: {_names(readers)}")


def _names(readers: list[dict[str, Any]]) -> str:
    return ", ".join(reader["name"] for reader in readers)


def _content(reader: dict[str, Any]) -> str:
    if not reader["card"]:
        return "empty"
    return f"{reader['token'] or 'a card'}, {reader['use']}, ATR {reader['atr']}"
