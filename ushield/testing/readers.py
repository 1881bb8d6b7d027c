"""Readers for tests: a PC/SC service that only one test knows, with tokens in its readers.

Nothing of the user's own is seen or touched: not pcscd, which another socket leads to, not the
files that OpenSC keeps of tokens, not the agents of ssh and gpg.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from threading import Lock
from typing import TYPE_CHECKING, Any

from host.client import TokenClient
from host.errors import NoReader, NoService
from host.pcsc import PcscTransport, open_reader
from host.transport import ClosedByWith
from ushield.reader.service import PcscService
from ushield.reader.specs import ReaderSpec, default_names
from ushield.testing.here import DOOR
from ushield.testing.tokens import Token, TokenFactory

if TYPE_CHECKING:
    from smartcard.CardConnection import CardConnection

    from host.piv.client import PivClient
    from ushield.testing.display import TokenDisplay

_AGENTS = ("SSH_AUTH_SOCK", "SSH_AGENT_PID")
"""Through these a program under test would reach the user's own ssh-agent."""

_STRANGER = (
    "{} cannot be reached from this process: libpcsclite looks up its service once in a process, "
    "and another one was used here before; run the program in a subprocess, with the reader's "
    "environment"
)


_OPENING = Lock()
"""libpcsclite locks itself while it asks for the readers. Who waits for that with Python's own lock
in hand, as pyscard does, keeps the service in this process from answering."""


class WrongService(RuntimeError):
    """libpcsclite in this process is bound to another service than the reader's."""


class Desk:
    """One PC/SC service with its readers, and folders for what programs keep besides."""

    def __init__(self, names: Sequence[str]) -> None:
        self.service = PcscService([ReaderSpec(name) for name in names])
        self.service.start()
        # In the service's folder, which goes with it.
        folder = self.service.socket.parent
        (folder / "gnupg").mkdir(mode=0o700)
        self.variables = {
            **self.service.environment,
            "XDG_CACHE_HOME": str(folder / "cache"),
            "GNUPGHOME": str(folder / "gnupg"),
        }

    @property
    def environment(self) -> dict[str, str]:
        """This process's own environment without the way to ssh-agent, and with `variables`."""
        kept = {name: value for name, value in os.environ.items() if name not in _AGENTS}
        return kept | self.variables

    def connected(self, reader: str) -> bool:
        """Whether anybody is connected to this reader."""
        return any(record.sharing for record in self.service.records() if record.name == reader)

    def close(self) -> None:
        """End the service; nothing is left behind."""
        DOOR.close(self.service.socket)
        self.service.stop()


class Reader:
    """One reader of a private PC/SC service. `ReaderFactory` makes it."""

    def __init__(self, desk: Desk, name: str) -> None:
        self._desk = desk
        self._taken_out: Token | None = None
        self.name = name
        """The name that programs see."""
        self.token: Token | None = None
        """The token that is in it, or None."""

    def __repr__(self) -> str:
        return f"Reader({self.name!r}, token={self.token!r})"

    @property
    def environment(self) -> dict[str, str]:
        """A whole environment in which a subprocess finds this reader, and nothing of the user's.

        It is this process's own without the way to ssh-agent, and with `variables`.
        """
        return self._desk.environment

    @property
    def variables(self) -> dict[str, str]:
        """The part of `environment` that is new: PC/SC's socket, folders for caches and for gpg."""
        return dict(self._desk.variables)

    def insert(self, token: Token | None = None) -> None:
        """Put a token in, or the one again that was taken out last. The reader must be empty."""
        token = token or self._taken_out
        if token is None:
            raise ValueError("no token was taken out of this reader before: say which one")
        if self.token is not None:
            raise ValueError(f"there is a token in {self.name}: remove it first")
        self._desk.service.insert(self.name, token.into_reader())
        self.token = token
        if token.display is not None:
            token.display.unplug = self.remove

    def remove(self) -> Token:
        """Take the token out; it may be used by its own client then."""
        token = self.token
        if token is None:
            raise ValueError(f"there is no token in {self.name}")
        self._desk.service.remove(self.name)
        self.token, self._taken_out = None, token
        token.out_of_reader()
        return token

    @property
    def display(self) -> TokenDisplay:
        """The display of the token that is in it, or was pulled out last; ValueError without."""
        token = self.token or self._taken_out
        if token is None or token.display is None:
            raise ValueError(f"no token with a display is in {self.name}: generation=2 makes one")
        return token.display

    def reset(self) -> None:
        """Reset the token, as another program might: verified PINs are forgotten."""
        self._desk.service.reset(self.name)

    def attach(self) -> None:
        """Let programs in this very process find the reader too, until the test ends.

        The last reader that was attached is the one they find.
        """
        DOOR.open_to(self._desk.service.socket)

    def connect(self) -> CardConnection:
        """A connection of pyscard to the token, shared with others. Attaches the reader."""
        # Says what is wrong when something is, in words of ours.
        self._transport().close()
        from smartcard.pcsc.PCSCReader import PCSCReader

        connection: Any = PCSCReader(self.name).createConnection()
        connection.connect()
        return connection

    def client(self) -> TokenClient:
        """A client of the token through PC/SC, shared with others. Attaches the reader."""
        return TokenClient(self._transport())

    def piv_client(self) -> PivClient:
        """The same for the PIV application."""
        from host.piv.client import PivClient

        return PivClient(self._transport())

    def _transport(self) -> PcscTransport:
        try:
            with _OPENING:
                self.attach()
                transport = open_reader(self.name)
        except (NoReader, NoService) as error:
            raise WrongService(_STRANGER.format(self.name)) from error
        if not self._desk.connected(self.name):
            transport.close()
            raise WrongService(_STRANGER.format(self.name))
        return transport


class ReaderFactory(ClosedByWith):
    """Makes the readers of one test. At the end of the context their services end."""

    def __init__(self, tokens: TokenFactory) -> None:
        self._tokens = tokens
        self._desks: list[Desk] = []
        self._readers: list[Reader] = []

    def __call__(self, token: Token | None = None, *, name: str | None = None) -> Reader:
        """A reader in a service of its own, with this token in it or else a fresh one."""
        reader = self.empty(name=name)
        reader.insert(token or self._tokens())
        return reader

    def empty(self, *, name: str | None = None) -> Reader:
        """A reader in a service of its own, without a token."""
        (reader,) = self.side_by_side(None, names=None if name is None else [name])
        return reader

    def side_by_side(
        self, *tokens: Token | None, names: Sequence[str] | None = None
    ) -> list[Reader]:
        """Readers in one service, so that a program sees them all; None leaves one empty.

        There are 1 to 16, with different names of up to 127 bytes each.
        """
        names = names or default_names(len(tokens))
        desk = Desk(names)
        self._desks.append(desk)
        readers = [Reader(desk, name) for name in names]
        self._readers += readers
        for reader, token in zip(readers, tokens, strict=True):
            if token is not None:
                reader.insert(token)
        return readers

    def close(self) -> None:
        """End the services; the tokens are nobody's again."""
        for desk in self._desks:
            desk.close()
        for reader in self._readers:
            if reader.token is not None:
                reader.token.out_of_reader()
        self._desks.clear()
        self._readers.clear()
