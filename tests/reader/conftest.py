"""The private pcscd, and a stand-in for vpcd that a test drives step by step."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.pcscd import pcscd, pytest_runtest_makereport
from tests.reader.fake import FakeReader

__all__ = ["pcscd", "pytest_runtest_makereport"]


@pytest.fixture
def reader() -> Iterator[FakeReader]:
    """A reader without a card."""
    with FakeReader() as fake:
        yield fake
