"""Cards in a reader, and the command lines to use them with."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from applet.os.store import MemoryStore
from tests.clients.cards import PIN, PUK, SO_PIN, SO_PUK, copy
from tests.clients.ledger import works
from tests.clients.readback import Card, inserted
from tests.clients.system import ROOT, work_folder
from tests.clients.tool import Tool
from tests.clients.ways import PCSCD, SERVICE, ThroughPcscd, Way, through_service
from tests.pcscd import pcscd, pytest_runtest_makereport
from ushield.device.assembly import assemble

__all__ = ["pcscd", "pytest_runtest_makereport", "works"]

PROGRAMS = {"pkcs15-init": "opensc", "openssl": "openssl", "ssh-keygen": "openssh-client"}

collect_ignore = ["test_browsers.py", "test_java.py", "test_tls_in_python.py"] if ROOT else []
"""The programs are large, or this Python itself: those of this system are enough."""


@pytest.fixture(scope="session", autouse=True)
def programs() -> None:
    """Skip where there are no client programs."""
    for program, package in PROGRAMS.items():
        if ROOT is None and shutil.which(program) is None:
            pytest.skip(f"{program} is not installed (Debian's package {package})")


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder for the command lines to run in."""
    with work_folder() as path:
        yield path


@pytest.fixture
def way(request: pytest.FixtureRequest, folder: Path) -> Iterator[Way]:
    """A reader without a card."""
    if getattr(request, "param", SERVICE) == PCSCD:
        yield ThroughPcscd(request.getfixturevalue("pcscd"))
    else:
        with through_service(folder) as service:
            yield service


@pytest.fixture
def blank(way: Way, folder: Path) -> Iterator[Tool]:
    """The command line with a blank card in the reader."""
    with way.inserted(assemble(MemoryStore(), strict=True)):
        yield Tool(folder, way.variables)


@pytest.fixture(scope="session")
def personalised() -> MemoryStore:
    """The memory of a card that OpenSC has personalised: PINs, and no keys yet."""
    store = MemoryStore()
    with (
        work_folder() as folder,
        through_service(folder) as way,
        way.inserted(assemble(store, strict=True)),
    ):
        tool = Tool(folder, way.variables)
        tool.run("pkcs15-init -E")
        tool.run(
            f"pkcs15-init -C --so-pin {SO_PIN} --so-puk {SO_PUK} "
            f"-P -a 1 -l user --pin {PIN} --puk {PUK} -F"
        )
    return store


@pytest.fixture
def token(personalised: MemoryStore, way: Way, folder: Path) -> Iterator[Tool]:
    """The command line with a card in the reader as OpenSC personalises it, without keys."""
    with way.inserted(assemble(copy(personalised), strict=True)):
        yield Tool(folder, way.variables)


@pytest.fixture
def bare(personalised: MemoryStore, way: Way, folder: Path) -> Iterator[Card]:
    """The same, with the card's memory."""
    with inserted(copy(personalised), way, folder) as card:
        yield card
