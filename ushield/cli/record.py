"""``ushield record``: a program's dialogue with any card, written down."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import Annotated

import typer

from host.errors import TransportError
from host.pcsc import find_reader, open_reader, unused_readers
from ushield.cli.complaint import Complaint
from ushield.cli.program import before_program, before_threads, run_program
from ushield.reader.remote import VARIABLE

PCSCD = Path("/run/pcscd/pcscd.comm")
"""Where pcscd's socket is unless the environment says otherwise."""


def record(
    command: Annotated[
        list[str], typer.Argument(metavar="COMMAND", help="The program and its arguments.")
    ],
    reader: Annotated[
        str | None,
        typer.Option(
            "--reader",
            metavar="NAME",
            help="Record this reader only; a part of its name that no other has is enough.",
        ),
    ] = None,
    trace: Annotated[
        Path,
        typer.Option(
            "--trace",
            metavar="FILE",
            readable=False,
            help="The trace to write, .jsonl or .pcapng; a file of that name is replaced.",
        ),
    ] = Path("trace.jsonl"),
) -> None:
    """Run a program and write down what it says to the cards in the readers.

    The readers are those of the PC/SC service that programs find now: pcscd, or the one that
    PCSCLITE_CSOCK_NAME names. Everything is passed through as it is. A card that nobody uses is
    reset first, so that the trace begins where the card does. PINs, keys and what is deciphered are
    not written down.

    The exit code is the program's, as with `ushield run`.
    """
    raise typer.Exit(_record(command, reader, trace))


def _record(command: list[str], reader: str | None, path: Path) -> int:
    from host.trace.file import TraceFile
    from host.trace.recorder import Recorder
    from ushield.reader.relay import Relay

    service = Path(os.environ.get(VARIABLE) or PCSCD)
    if not service.is_socket():
        raise Complaint(f"no PC/SC service is at {service}: start pcscd, or set {VARIABLE}")
    before_threads()
    wanted, resets = before_program(lambda: _readers(reader))
    with TraceFile(path, by=f"ushield record -- {command[0]}") as file:
        recorder = Recorder(file.tracer, lambda name: wanted in (None, name))
        for name, atr in resets:
            recorder.reset(name, atr)
        with Relay(service, recorder, file.clock) as relay:
            code = run_program(command, {**os.environ, **environment_at(relay.socket)})
    if file.fault:
        raise Complaint(file.fault)
    typer.echo(f"ushield: {recorder.commands} commands are in {path}", err=True)
    return code


def _readers(reader: str | None) -> tuple[str | None, list[tuple[str, bytes]]]:
    """The name of the reader that is meant, if one is; which readers' cards were reset, their ATRs.

    What a card gives to anybody can be told only from its reset on.
    """
    wanted = None if reader is None else find_reader(reader)
    resets: list[tuple[str, bytes]] = []
    for name in unused_readers():
        if wanted in (None, name):
            with suppress(TransportError), open_reader(name) as transport:
                resets.append((name, transport.reset()))
    return wanted, resets


def environment_at(socket: Path) -> dict[str, str]:
    """What a program needs to find the service at this socket, and to read all of a card.

    Newer OpenSC keeps the files of cards that it has seen; in a folder of its own there are none.
    """
    return {VARIABLE: str(socket), "XDG_CACHE_HOME": str(socket.parent / "cache")}
