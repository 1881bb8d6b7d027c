"""The private pcscd for the dialogues that go through PC/SC."""

from __future__ import annotations

from tests.pcscd import pcscd, pytest_runtest_makereport

__all__ = ["pcscd", "pytest_runtest_makereport"]
