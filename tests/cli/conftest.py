"""Tokens for the tests of the command line."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.cli.program import ok
from tests.pcscd import pcscd

__all__ = ["pcscd"]


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A token with a signing RSA key, a decipher key, and a P-256 key; not to be changed."""
    path = tmp_path_factory.mktemp("made") / "my.token"
    ok("init", path, "--key", "rsa2048", "--key", "p256", "--subject", "CN=Li Lei,O=Example")
    return path


@pytest.fixture
def token(made: Path, tmp_path: Path) -> Path:
    """A copy of it, which a test may use up."""
    return Path(shutil.copy(made, tmp_path / "my.token"))
