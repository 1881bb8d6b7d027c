"""A computer on which all is well, and cards to put into its readers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

from applet import piv, pkcs15
from applet.os.store import MemoryStore
from host.client import TokenClient
from host.doctor.computer import ReaderFacts, Service, Version
from host.errors import HostError
from host.memory import MemoryTransport
from host.overview import CardInfo, look_at
from host.personalise import Profile, personalise
from tests.host_piv import tokens as piv_tokens
from ushield.device.assembly import assemble

BORN = datetime(2025, 3, 1, 12, 0, 0, tzinfo=UTC)
END = datetime(2030, 3, 1, 12, 0, 0, tzinfo=UTC)
"""When the certificates of the cards here begin and end."""

PATH = Path("/tmp/reader.socket")
MODULE = Path("/usr/lib/x86_64-linux-gnu/opensc-pkcs11.so")
PCSCD = Path("/usr/sbin/pcscd")
DRIVER = Path("/usr/lib/pcsc/drivers/serial/libifdvpcd.so.0.8")

OURS = Service(PATH, "PCSCLITE_CSOCK_NAME", ours=True, protocol=(4, 4))
SYSTEMS = Service(Path("/run/pcscd/pcscd.comm"), protocol=(4, 5))
NO_SERVICE = Service(SYSTEMS.path, trouble="No such file or directory")
DEAD = Service(PATH, "PCSCLITE_CSOCK_NAME", trouble="Connection refused")


@dataclass
class FakeComputer:
    """Every answer is a field; what is not said is as it should be."""

    time: datetime = BORN + timedelta(days=1)
    runs: Version = (3, 11, 7)
    needs: Mapping[str, Version] = field(default_factory=lambda: {"construct": (2, 10, 70)})
    has: Mapping[str, Version] = field(
        default_factory=lambda: {"construct": (2, 10, 70), "pyscard": (2, 3, 1)}
    )
    programs: Mapping[str, str] = field(
        default_factory=lambda: {
            "opensc-tool --info": "OpenSC 0.23.0 [gcc  12.2.0]\nEnabled features: locking",
            "opensc-tool --reader ushield --name": "Using reader ushield\nOsEID 4.5.0\n",
            "/usr/sbin/pcscd --version": "pcsc-lite version 1.9.9.\nCopyright",
        }
    )
    files: Sequence[Path] = (MODULE, PCSCD, DRIVER)
    pcsc: Service = OURS
    vpcd: Sequence[str] = ()
    slots: Sequence[ReaderFacts] | HostError = ()

    def now(self) -> datetime:
        return self.time

    def python(self) -> Version:
        return self.runs

    def pythons(self) -> tuple[Version, Version]:
        return (3, 11), (3, 14)

    def requirements(self) -> Mapping[str, Version]:
        return self.needs

    def library(self, name: str) -> Version | None:
        return self.has.get(name)

    def output(self, *command: str, service: bool = False) -> str | None:
        assert service == ("--reader" in command), "only who asks for a reader needs the service"
        return self.programs.get(" ".join(command))

    def find(self, pattern: str) -> Sequence[Path]:
        return [path for path in self.files if path.match(pattern)]

    def service(self) -> Service:
        return self.pcsc

    def vpcd_addresses(self) -> Sequence[str]:
        return self.vpcd

    def readers(self) -> Sequence[ReaderFacts]:
        if isinstance(self.slots, HostError):
            raise self.slots
        return self.slots


@cache
def pkcs15_info() -> CardInfo:
    """A PKCS#15 token with one key and its certificate."""
    with MemoryTransport(assemble(MemoryStore())) as transport:
        profile = Profile.of(pin="135790", puk="97531864", keys=["p256"], label="mine")
        personalise(TokenClient(transport), profile, now=BORN)
        return look_at(transport)


@cache
def piv_info() -> CardInfo:
    """A PIV token with five keys."""
    return look_at(piv_tokens.token().link.transport)


@cache
def blank_info() -> CardInfo:
    """A PKCS#15 token that nobody has touched."""
    with MemoryTransport(assemble(MemoryStore())) as transport:
        return look_at(transport)


def with_pkcs15(name: str = "ushield") -> ReaderFacts:
    return ReaderFacts(name, pkcs15.ATR, pkcs15_info())


def with_piv(name: str = "ushield") -> ReaderFacts:
    return ReaderFacts(name, piv.ATR, piv_info())
