"""Which token a command is about, and a client for it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from ushield.cli.complaint import Complaint
from ushield.cli.listening import listening

if TYPE_CHECKING:
    from host.client import TokenClient
    from host.holder import ApplicationClient
    from host.trace.file import TraceFile
    from host.transport import Transport


@contextmanager
def connected(
    token: Path | None, reader: str | None, trace: Path | None = None
) -> Iterator[TokenClient]:
    """A client for the token image, or for the card in a reader, with PKCS#15 selected."""
    from host.client import TokenClient

    with reached(token, reader, trace) as transport:
        yield TokenClient(transport)


@contextmanager
def connected_either(
    token: Path | None,
    reader: str | None,
    applet: Literal["pkcs15", "piv"] | None,
    trace: Path | None,
) -> Iterator[ApplicationClient]:
    """The same for what the holder of any application does."""
    from host.overview import open_application

    with reached(token, reader, trace) as transport:
        yield open_application(transport, applet)


@contextmanager
def reached(
    token: Path | None, reader: str | None, trace: Path | None = None
) -> Iterator[Transport]:
    """The way to the token image, or to the card in a reader, whatever it is for.

    With `trace` the dialogue is written to that file.
    """
    if token is not None and reader is not None:
        raise Complaint("--token and --reader exclude each other: name one of them")
    with listening(trace) as file:
        if token is not None:
            from ushield.tokens import open_card

            tracer = None if file is None else file.tracer(str(token))
            with open_card(token, tracer) as transport:
                yield transport
            return
        from host.pcsc import open_reader
        from ushield.cli.interrupt import Interruptible, ends_at_once

        with ends_at_once():
            pcsc = open_reader(reader)
        with pcsc:
            yield _traced(Interruptible(pcsc), pcsc.reader, file)


def _traced(transport: Transport, reader: str, file: TraceFile | None) -> Transport:
    if file is None:
        return transport
    from host.trace import TracedTransport

    return TracedTransport(transport, file.tracer(reader))
