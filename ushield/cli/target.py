"""Which token a command is about, and a client for it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from ushield.cli.complaint import Complaint

if TYPE_CHECKING:
    from host.client import TokenClient


@contextmanager
def connected(token: Path | None, reader: str | None) -> Iterator[TokenClient]:
    """A client for the token image, or for the card in a reader, with the applet selected."""
    if token is not None and reader is not None:
        raise Complaint("--token and --reader exclude each other: name one of them")
    if token is not None:
        from ushield.tokens import open_token

        with open_token(token) as client:
            yield client
        return
    from host.client import TokenClient
    from host.pcsc import open_reader

    with open_reader(reader) as transport:
        yield TokenClient(transport)


def key_choice(key: str | None) -> int | str | None:
    """The key as the client takes it: a number, a label, or nothing."""
    return int(key) if key is not None and key.isdecimal() else key
