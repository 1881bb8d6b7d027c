"""``ushield serve``: the token goes into a reader and stays there until the program is stopped."""

from __future__ import annotations

import signal
from contextlib import closing
from pathlib import Path
from typing import Annotated

import typer

from ushield.cli.complaint import Complaint
from ushield.reader.vpcd import DEFAULT_HOST, DEFAULT_PORT, Plug, PlugEvents, Session

DEFAULT_ADDRESS = f"{DEFAULT_HOST}:{DEFAULT_PORT}"


def serve(
    image: Annotated[Path, typer.Argument(metavar="IMAGE", help="The token image.")],
    vpcd: Annotated[
        str,
        typer.Option(
            "--vpcd",
            metavar="[HOST:PORT]",
            help="Plug into pcscd's virtual reader (vsmartcard's vpcd), "
            f"by default at {DEFAULT_ADDRESS}.",
        ),
    ],
) -> None:
    """Plug a token into a reader, until Ctrl-C.

    Prints one line when the token is in, and one for each session. Waits for pcscd, and plugs in
    again when pcscd restarts.
    """
    from ushield.device.assembly import assemble
    from ushield.device.image import open_image

    host, port = _address(vpcd)
    with closing(open_image(image)) as store:
        plug = Plug(assemble(store), host, port, _narrator(image, f"{host}:{port}"))
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: plug.stop())
        plug.run()


def _narrator(image: Path, place: str) -> PlugEvents:
    def session_ends(session: Session) -> None:
        _say(f"session: {session.commands} commands in {session.seconds:.1f} s")

    return PlugEvents(
        waiting=lambda reason: _say(f"waiting: {reason}"),
        plugged=lambda: _say(f"{image} is in the reader at {place}; Ctrl-C takes it out"),
        session_ends=session_ends,
        unplugged=lambda: _say(f"{image} is out of the reader"),
    )


def _say(line: str) -> None:
    typer.echo(line)


def _address(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    if not port.isdecimal() or not 0 < int(port) < 65536:
        raise Complaint(f"--vpcd {text}: an address is HOST:PORT, such as {DEFAULT_ADDRESS}")
    return host.strip("[]") or DEFAULT_HOST, int(port)
