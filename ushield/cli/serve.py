"""``ushield serve``: tokens in readers, until the program is stopped."""

from __future__ import annotations

import os
import shlex
import signal
import sys
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ushield.cli.complaint import Complaint
from ushield.cli.kinds import Face
from ushield.cli.listening import listening
from ushield.cli.options import DISPLAY_PANEL as _DISPLAY
from ushield.cli.options import DisplayScript, DisplayStyle, ReaderNames, Trace
from ushield.cli.plainrun import RunRequest
from ushield.device.display.model import Style

if TYPE_CHECKING:
    from ushield.reader.vpcd import PlugEvents

DEFAULT_ADDRESS = "127.0.0.1:35963"
"""Where vpcd listens; written down again here because the program loads late what it needs."""

_PCSCD = "With pcscd"


def serve(
    images: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="IMAGE", readable=False, help="Token images, each for a reader of its own."
        ),
    ] = None,
    reader_names: ReaderNames = None,
    socket: Annotated[
        Path | None,
        typer.Option(
            "--socket",
            metavar="PATH",
            readable=False,
            help="Where the service's socket shall be; by default in a private folder, which is "
            "gone afterwards. At most 99 bytes.",
        ),
    ] = None,
    vpcd: Annotated[
        str | None,
        typer.Option(
            "--vpcd",
            metavar="[HOST:PORT]",
            help="No service of its own: plug the one token into pcscd's virtual reader "
            f"(vsmartcard's vpcd), by default at {DEFAULT_ADDRESS}.",
            rich_help_panel=_PCSCD,
        ),
    ] = None,
    generation: Annotated[
        int | None,
        typer.Option(
            min=1,
            max=2,
            help="A fresh token in memory too, in a reader of its own, as `ushield run` makes it; "
            "2: with a display and buttons.",
            rich_help_panel=_DISPLAY,
        ),
    ] = None,
    display: Annotated[
        Face,
        typer.Option(
            help="Where the displays are drawn, and buttons pressed by hand: a page for a browser "
            "on this machine, or this terminal. Programs can look and press in any case.",
            rich_help_panel=_DISPLAY,
        ),
    ] = Face.NONE,
    display_style: DisplayStyle = Style.LCD,
    display_script: DisplayScript = None,
    trace: Trace = None,
) -> None:
    """Run a PC/SC service with tokens in its readers, until Ctrl-C.

    The first line of output is for the shells in which programs shall see these readers, and only
    these; the others are comments. Readers can be managed by `ushield reader`.
    """
    if vpcd is not None:
        alone = socket is None and not reader_names and generation is None and display is Face.NONE
        request = RunRequest(
            tokens=images or [],
            trace=trace,
            display_style=display_style,
            display_script=display_script,
        )
        _plug(request, vpcd, alone=alone)
        return
    if not images and not reader_names and generation is None:
        raise Complaint(
            "nothing to serve: name a token image, or an empty reader with --reader-name"
        )
    request = RunRequest(
        tokens=images or [],
        names=reader_names or [],
        trace=trace,
        generation=generation,
        display_style=display_style,
        display_script=display_script,
    )
    place = None if socket is None else socket.absolute()
    _serve(request, place, display, fresh=generation is not None)


def _serve(request: RunRequest, socket: Path | None, face: Face, *, fresh: bool) -> None:
    from ushield.cli.child import DEFAULT_PINS, fresh_token, pins_of_fresh_tokens, script_of
    from ushield.cli.desk import at_work, image_tokens
    from ushield.cli.faces import shown

    style, script = request.display_style, script_of(request)
    pins = pins_of_fresh_tokens()
    show = shown(face)
    stops = {signal.SIGINT, signal.SIGTERM, signal.SIGHUP}
    if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
        # Somebody has said nohup.
        stops.remove(signal.SIGHUP)
    tokens = image_tokens(request.tokens, style)
    # Before there are threads: they do as this one does, which is to wait.
    signal.pthread_sigmask(signal.SIG_BLOCK, stops)
    if fresh:
        tokens.append(fresh_token(request, pins))
    with at_work(
        tokens, request.names, socket, _comment, request.trace, style=style, script=script
    ) as work:
        _say_where(work.service.environment)
        for reader in work.keeper.list():
            _comment(f"{reader.token or 'nothing'} is in {reader.name}")
        if fresh and pins == DEFAULT_PINS:
            _comment(f"the fresh token's PIN is {pins['USHIELD_PIN']}")
        show(work, stops, _comment)


def _plug(request: RunRequest, address: str, *, alone: bool) -> None:
    if len(request.tokens) != 1 or not alone:
        raise Complaint(
            "--vpcd goes with exactly one token image, and neither names nor a socket nor a display"
        )
    from ushield.cli.child import script_of
    from ushield.cli.desk import listener
    from ushield.cli.displays import Displays
    from ushield.device.body import embody
    from ushield.device.image import open_image
    from ushield.reader.vpcd import Plug

    (image,) = request.tokens
    host, port = _address(address)
    place = f"vpcd at {host}:{port}"
    displays = Displays([place], script_of(request))
    with closing(open_image(image)) as store, listening(request.trace) as file:
        card = displays.put_in(place, embody(store, request.display_style))
        card = listener(file)(place, card)
        plug = Plug(card, host, port, _narrator(image, f"{host}:{port}"))
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: plug.stop())
        plug.run()


def _narrator(image: Path, place: str) -> PlugEvents:
    from ushield.reader.vpcd import PlugEvents, Session

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


def _say_where(environment: Mapping[str, str]) -> None:
    """Without these lines the service is of no use to anybody."""
    try:
        for variable, value in environment.items():
            _say(f"export {variable}={shlex.quote(value)}")
    except OSError as error:
        _go_on_unheard()
        raise Complaint(
            f"nobody can read where the service is: standard output: {error.strerror}"
        ) from None


def _comment(text: str) -> None:
    """Tell what happens, in a line that a shell passes over; the service goes on unheard, too."""
    try:
        _say(f"# {' '.join(text.split())}")
    except OSError:
        _go_on_unheard()


def _go_on_unheard() -> None:
    """What is written from now on, or is still held back, goes nowhere."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _address(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    if not port.isdecimal() or not 0 < int(port) < 65536:
        raise Complaint(f"--vpcd {text}: an address is HOST:PORT, such as {DEFAULT_ADDRESS}")
    return host.strip("[]") or DEFAULT_ADDRESS.rpartition(":")[0], int(port)
