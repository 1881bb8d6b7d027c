"""The pytest plugin: fixtures that give a test a token, or a reader with a token in it.

A test session that uses none of them pays for this file only: everything else is imported by the
first fixture that needs it. `pytest -p no:ushield` leaves the plugin out.
"""

from __future__ import annotations

import os
import re
from collections.abc import Generator, Iterator
from typing import TYPE_CHECKING, cast

import pytest

if TYPE_CHECKING:
    from host.transport import CardPort, Transport
    from ushield.testing import (
        Reader,
        ReaderFactory,
        ReplayFactory,
        Token,
        TokenDisplay,
        TokenFactory,
    )
    from ushield.testing.options import TokenOptions

MARKER = "ushield"

_LONGEST_NAME = 80
_TOKENS = pytest.StashKey["TokenFactory"]()
_FOLDERS = pytest.StashKey[pytest.TempPathFactory]()
"""What a test has that fails, so that its displays can be shown."""

_MARKER_LINE = (
    f"{MARKER}(keys=[...], pin=..., puk=..., label=..., subject=..., blank=False, "
    "pin_each_signature=False, applet='pkcs15', generation=1, display_style='lcd'): what the "
    "tokens of this test shall be; all of it is optional"
)


_NO_CARD = (
    "--ushield-conformance: which card? Override the fixture ushield_card in a conftest.py of the "
    "folder that pytest is given, or above it, or name a reader with --ushield-conformance-reader"
)
_READER = "--ushield-conformance-reader"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Options with our name in them, so that they clash with nobody's."""
    group = parser.getgroup("ushield", "conformance of a smart card (ushield)")
    group.addoption(
        "--ushield-conformance",
        action="store_true",
        help="also hold the card of the fixture ushield_card against dialogues of the standards",
    )
    group.addoption(
        _READER, metavar="NAME", help="hold the card in this PC/SC reader against them instead"
    )
    group.addoption(
        "--ushield-conformance-destructive",
        action="store_true",
        help="also those that may use the card up",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Make the marker known, and add the dialogues to the tests if they are asked for."""
    config.addinivalue_line("markers", _MARKER_LINE)
    if config.getoption("ushield_conformance"):
        from ushield.testing.collecting import Folders

        config.pluginmanager.register(Folders())


@pytest.fixture
def ushield_token_factory(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[TokenFactory]:
    """Makes tokens, as many as are wanted: `ushield_token_factory(keys=["p256"], label="mine")`.

    What is not given is as the marker says. Tokens have serial numbers and keys of their own.
    """
    from host.errors import UnsupportedError
    from ushield.testing import TokenFactory

    try:
        options = _marked(request.node)
        if "ushield_display" in request.fixturenames:
            options.setdefault("generation", 2)
        factory = TokenFactory(**options)
    except (TypeError, UnsupportedError) as error:
        pytest.fail(f"@pytest.mark.{MARKER}: {error}", pytrace=False)
    request.node.stash[_TOKENS] = factory
    request.node.stash[_FOLDERS] = tmp_path_factory
    with factory:
        yield factory
        for fault in [display.fault for display in factory.displays if display.fault]:
            pytest.fail(f"the function that pressed the buttons raised {fault!r}", pytrace=False)


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
def ushield_display(ushield_reader: Reader) -> TokenDisplay:
    """The display and the buttons of the token in `ushield_reader`, which is of generation 2.

    `wait_for("Li Lei")`, `pages()`, `press("confirm")`, `script("confirm if amount < 100")`,
    `unplug()`. A test that fails shows the display.
    """
    return ushield_reader.display


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A test that fails shows what is on the displays of its tokens."""
    report = yield
    factory = item.stash.get(_TOKENS, None)
    if factory is not None and call.when == "call" and report.failed:
        for display in factory.displays:
            report.sections.append(("ushield display", _kept(item, display)))
    return report


def _kept(item: pytest.Item, display: TokenDisplay) -> str:
    """The display as text; and where the picture is, beside what pytest keeps of other tests."""
    folder = item.stash[_FOLDERS].mktemp("ushield-display")
    name = re.sub(r"[^\w.-]+", "-", item.name)[:_LONGEST_NAME]
    picture = folder / f"{name}.svg"
    picture.write_text(display.picture(), encoding="utf-8")
    return f"{display.text()}\n{picture}"


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


@pytest.fixture(scope="session")
def ushield_card(pytestconfig: pytest.Config) -> Iterator[CardPort | Transport]:
    """The card that `--ushield-conformance` judges: override it with one of your own.

    That is any object with `power_on`, `transmit`, `reset` and `power_off`; the fixture may make a
    fresh one for each test, or one for all. Without that it is the card in the reader that
    `--ushield-conformance-reader` names.
    """
    from host.errors import HostError
    from host.pcsc import open_reader

    name = pytestconfig.getoption(_READER)
    if name is None:
        pytest.exit(_NO_CARD, pytest.ExitCode.USAGE_ERROR)
    try:
        transport = open_reader(name)
    except HostError as error:
        pytest.exit(f"{_READER}: {error}", pytest.ExitCode.USAGE_ERROR)
    with transport:
        yield transport


@pytest.fixture(scope="session")
def ushield_card_pins() -> dict[str, str | None]:
    """The PINs of that card: `pin`, `puk`, `so_pin`, as far as they are known; override it.

    Else they are what USHIELD_PIN, USHIELD_PUK and USHIELD_SO_PIN say. `piv_pin` and `piv_puk` are
    the same unless they are given, `management_key` (in hexadecimal digits) is the factory's.
    """
    names = ("pin", "puk", "so_pin", "piv_pin", "piv_puk", "management_key")
    return {name: os.environ.get(f"USHIELD_{name.upper()}") for name in names}


def _marked(node: pytest.Item) -> TokenOptions:
    """The options of all markers of a test; the closest one has the last word."""
    options: TokenOptions = {}
    for marker in node.iter_markers(MARKER):
        if marker.args:
            raise TypeError(f"takes keywords only, not {marker.args[0]!r}")
        options = cast("TokenOptions", {**marker.kwargs, **options})
    return options
