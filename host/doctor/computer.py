"""What the checks look at, and nothing else of the machine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum, auto
from pathlib import Path
from typing import Protocol

from host.overview import CardInfo

Version = tuple[int, ...]


class Spot(Enum):
    """What is at the path of a service that does not answer."""

    FREE = auto()
    """Nothing, or what a dead service left: another one can be started there."""
    TAKEN = auto()
    """A program that listens, and does not answer as it should."""
    UNFIT = auto()
    """Something else, or the path is none for a socket: no service can be started there."""


@dataclass(frozen=True, slots=True)
class Service:
    """The PC/SC service that programs started from here find.

    `variable` names it, if it is set; else it is the system's. `protocol` is the version that it
    speaks, None when it does not answer: then `trouble` says why, and `spot` what is there.
    """

    path: Path
    variable: str = ""
    ours: bool = False
    protocol: Version | None = None
    trouble: str = ""
    spot: Spot = Spot.FREE


@dataclass(frozen=True, slots=True)
class ReaderFacts:
    """A reader, and what is in it: nothing, or a card with its ATR.

    `info` is what the card says of itself; None when it has no application that is known here, or
    when `trouble` says why it could not be asked.
    """

    name: str
    atr: bytes = b""
    info: CardInfo | None = None
    trouble: str = ""


class Computer(Protocol):
    """A computer, as far as it matters."""

    def now(self) -> datetime:
        """The time, with its zone."""
        ...

    def python(self) -> Version:
        """The version of Python that runs this."""
        ...

    def pythons(self) -> tuple[Version, Version]:
        """The first version that is supported, and the first one after it that is not."""
        ...

    def requirements(self) -> Mapping[str, Version]:
        """The libraries that are needed always: the earliest version that will do, by name."""
        ...

    def library(self, name: str) -> Version | None:
        """The version of a Python library; None when it is not installed."""
        ...

    def output(self, *command: str, service: bool = False) -> str | None:
        """What a program prints, whatever its exit code; None when there is no such program.

        Without `service` it finds no PC/SC service, and so cannot wait for one. Nothing, if it does
        not end in time.
        """
        ...

    def find(self, pattern: str) -> Sequence[Path]:
        """The files that a pattern, from the root, stands for."""
        ...

    def service(self) -> Service:
        """The PC/SC service, asked once: what it said then."""
        ...

    def vpcd_addresses(self) -> Sequence[str]:
        """The addresses at which the first port of vpcd is listened to."""
        ...

    def readers(self) -> Sequence[ReaderFacts]:
        """The readers of the service. HostError when it cannot be asked, or does not tell."""
        ...
