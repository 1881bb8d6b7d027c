"""The private pcscd for the run that goes through PC/SC."""

from __future__ import annotations

from tests.pcscd import pcscd, pytest_runtest_makereport

__all__ = ["pcscd", "pytest_runtest_makereport"]
