"""Cards in the private pcscd's reader, and the command lines to use them with."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from applet.os.store import MemoryStore
from tests.clients.cards import PIN, PUK, SO_PIN, SO_PUK, Holder, copy
from tests.clients.tool import Tool
from tests.pcscd import Pcscd, missing, private_pcscd, pytest_runtest_makereport
from ushield.device.assembly import assemble

__all__ = ["pytest_runtest_makereport"]

PROGRAMS = {"pkcs15-init": "opensc", "openssl": "openssl", "ssh-keygen": "openssh-client"}


@pytest.fixture(scope="session")
def daemon() -> Iterator[Pcscd]:
    """A pcscd whose reader is never empty, so not the shared one."""
    for program, package in PROGRAMS.items():
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not installed (Debian's package {package})")
    if lack := missing():
        pytest.skip(lack)
    with private_pcscd() as private:
        yield private


@pytest.fixture(scope="session")
def holder(daemon: Pcscd) -> Iterator[Holder]:
    """The card in the reader, which is changed for each test."""
    card = Holder()
    with daemon.plugged(card):
        yield card


@pytest.fixture
def blank(holder: Holder, daemon: Pcscd, tmp_path: Path) -> Tool:
    """The command line with a blank card in the reader."""
    holder.hold(assemble(MemoryStore(), strict=True))
    return Tool(tmp_path, daemon.env)


@pytest.fixture(scope="session")
def personalised(
    holder: Holder, daemon: Pcscd, tmp_path_factory: pytest.TempPathFactory
) -> MemoryStore:
    """The memory of a card that OpenSC has personalised: PINs, and no keys yet."""
    store = MemoryStore()
    holder.hold(assemble(store, strict=True))
    tool = Tool(tmp_path_factory.mktemp("personalise"), daemon.env)
    tool.run("pkcs15-init -E")
    tool.run(
        f"pkcs15-init -C --so-pin {SO_PIN} --so-puk {SO_PUK} "
        f"-P -a 1 -l user --pin {PIN} --puk {PUK} -F"
    )
    return store


@pytest.fixture
def token(personalised: MemoryStore, holder: Holder, daemon: Pcscd, tmp_path: Path) -> Tool:
    """The command line with a card in the reader as OpenSC personalises it, without keys."""
    holder.hold(assemble(copy(personalised), strict=True))
    return Tool(tmp_path, daemon.env)
