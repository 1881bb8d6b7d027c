"""The ways in from a client to a card: our PC/SC service, and pcscd with vpcd."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import pytest

from tests.clients.system import ROOT
from tests.pcscd import SOCKET_VARIABLE, Pcscd
from ushield.reader.card import CardPort
from ushield.reader.service import PcscService, ReaderSpec

SERVICE, PCSCD = "service", "pcscd"
WAYS = [SERVICE] if ROOT else [SERVICE, PCSCD]
"""pcscd's own version of the protocol is not that of the clients in another root."""

by_every_way = pytest.mark.parametrize("way", WAYS, indirect=True)
"""Run a test by each way in; without it, our service is the way."""


class Way(Protocol):
    """A PC/SC service with one reader, which is empty at first."""

    @property
    def reader(self) -> str:
        """The reader's name."""
        ...

    @property
    def variables(self) -> Mapping[str, str]:
        """What a client needs in its environment to find the service."""
        ...

    def inserted(self, card: CardPort) -> AbstractContextManager[None]:
        """Put a card in, and pull it out at the end of the context."""
        ...


@dataclass(frozen=True)
class ThroughService:
    """Our service, in this process."""

    service: PcscService

    @property
    def reader(self) -> str:
        return self.service.readers[0]

    @property
    def variables(self) -> Mapping[str, str]:
        return self.service.environment

    @contextmanager
    def inserted(self, card: CardPort) -> Iterator[None]:
        self.service.insert(0, card)
        try:
            yield
        finally:
            self.service.remove(0)


@dataclass(frozen=True)
class ThroughPcscd:
    """A private pcscd with vpcd, which looks for a card two to three times a second."""

    daemon: Pcscd

    @property
    def reader(self) -> str:
        return self.daemon.reader().name

    @property
    def variables(self) -> Mapping[str, str]:
        return {SOCKET_VARIABLE: str(self.daemon.socket)}

    @contextmanager
    def inserted(self, card: CardPort) -> Iterator[None]:
        with self.daemon.plugged(card):
            yield


@contextmanager
def through_service(folder: Path, *names: str) -> Iterator[ThroughService]:
    """Our service with readers of these names, for clients that can reach this folder."""
    specs = [ReaderSpec(name) for name in names or ["ushield"]]
    with PcscService(specs, folder / "pcsc") as service:
        yield ThroughService(service)
