"""The private pcscd, to compare with."""

from __future__ import annotations

from tests.pcscd import pcscd, pytest_runtest_makereport

__all__ = ["pcscd", "pytest_runtest_makereport"]
