"""The pytest plugin: fixtures that give a test a token, or a reader with a token in it.

A test session that uses none of them pays for this file only: everything else is imported by the
first fixture that needs it. `pytest -p no:ushield` leaves the plugin out.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, cast

import pytest

if TYPE_CHECKING:
    from ushield.testing import Reader, ReaderFactory, ReplayFactory, Token, TokenFactory
    from ushield.testing.options import TokenOptions

MARKER = "ushield"

_MARKER_LINE = (
    f"{MARKER}(keys=[...], pin=..., puk=..., label=..., subject=..., blank=False, "
    "pin_each_signature=False, applet='pkcs15', generation=1): what the tokens of this test shall "
    "be; all of it is optional"
)


def pytest_configure(config: pytest.Config) -> None:
    """Make the marker known."""
    config.addinivalue_line("markers", _MARKER_LINE)


@pytest.fixture
def ushield_token_factory(request: pytest.FixtureRequest) -> Iterator[TokenFactory]:
    """Makes tokens, as many as are wanted: `ushield_token_factory(keys=["p256"], label="mine")`.

    What is not given is as the marker says. Tokens have serial numbers and keys of their own.
    """
    from host.errors import UnsupportedError
    from ushield.testing import TokenFactory

    try:
        factory = TokenFactory(**_marked(request.node))
    except (TypeError, UnsupportedError) as error:
        pytest.fail(f"@pytest.mark.{MARKER}: {error}", pytrace=False)
    with factory:
        yield factory


@pytest.fixture
def ushield_token(ushield_token_factory: TokenFactory) -> Token:
    """A fresh token in memory: `.client` uses it, `.pin` and `.puk` open it."""
    return ushield_token_factory()


@pytest.fixture
def ushield_reader_factory(ushield_token_factory: TokenFactory) -> Iterator[ReaderFactory]:
    """Makes readers, each in a PC/SC service of its own; `side_by_side` puts several into one."""
    from ushield.testing import ReaderFactory

    with ReaderFactory(ushield_token_factory) as factory:
        yield factory


@pytest.fixture
def ushield_reader(ushield_reader_factory: ReaderFactory) -> Reader:
    """A reader with a fresh token in it, in a PC/SC service that only this test knows.

    `subprocess.run(..., env=ushield_reader.environment)` runs a program that sees it.
    """
    return ushield_reader_factory()


@pytest.fixture
def ushield_replay() -> Iterator[ReplayFactory]:
    """Plays recorded cards: `ushield_replay("bug.jsonl").environment` is for the program.

    The test fails, and says where, if the program leaves the trace.
    """
    from ushield.testing import ReplayFactory

    with ReplayFactory() as factory:
        yield factory
        if factory.departures:
            pytest.fail("\n".join(factory.departures), pytrace=False)


def _marked(node: pytest.Item) -> TokenOptions:
    """The options of all markers of a test; the closest one has the last word."""
    options: TokenOptions = {}
    for marker in node.iter_markers(MARKER):
        if marker.args:
            raise TypeError(f"takes keywords only, not {marker.args[0]!r}")
        options = cast("TokenOptions", {**marker.kwargs, **options})
    return options
