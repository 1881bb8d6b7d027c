"""A few pcscds and as many services of ours, for the whole session."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.pcsc.differential.lanes import Lane, Lanes, open_lanes
from tests.pcscd import missing, pytest_runtest_makereport

__all__ = ["pytest_runtest_makereport"]

LANES = 4


@pytest.fixture(scope="session")
def lanes() -> Iterator[Lanes]:
    """For scripts that are played at once."""
    if lack := missing():
        pytest.skip(lack)
    with open_lanes(LANES) as opened:
        yield opened


@pytest.fixture(scope="session")
def lane(lanes: Lanes) -> Iterator[Lane]:
    """For scripts that are played one after the other."""
    with lanes.one() as one:
        yield one
