"""Browsers as their users see them: a window asks for the PIN, and the bank's page comes up."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.clients.authority import bank, customer
from tests.clients.browsers import BROWSERS, Browser
from tests.clients.cards import PIN
from tests.clients.ledger import Works
from tests.clients.screen import HEIGHT, WIDTH, Screen
from tests.clients.site import COLOUR, Site, open_site
from tests.clients.test_tls import KEYS, PROTOCOLS, STATUS_OF_PIN, title
from tests.clients.tool import Tool
from tests.clients.ways import Way, by_every_way
from tests.pcscd import eventually
from ushield.device.assembly import assemble

PICTURES = Path(__file__).parents[2] / "build" / "pictures"
USUAL = [("TLSv1.2", "rsa2048"), ("TLSv1.3", "rsa2048"), ("TLSv1.3", "p256")]
MORE = [("TLSv1.2", "p256"), ("TLSv1.3", "p384"), ("TLSv1.3", "rsa1024")]
CASES = [*USUAL, *(pytest.param(*case, marks=pytest.mark.torture) for case in MORE)]
"""A browser takes its time: what the other clients show too is left to `make torture`."""

of_browsers = pytest.mark.parametrize("browser", BROWSERS, ids=lambda browser: browser.name)


@contextmanager
def token_with(key: str, way: Way, folder: Path) -> Iterator[Tool]:
    """A token with this key and its certificate, and the bank's own certificate."""
    with way.inserted(assemble(customer(key), strict=True)):
        tool = Tool(folder, way.variables)
        tool.write("ca.pem", bank().pem)
        yield tool


def check_page(screen: Screen, site: Site, browser: Browser, key: str, protocol: str) -> None:
    """The site has let it in, and its page is to be seen."""
    eventually(lambda: bool(site.visits), "the site lets the browser in")
    expected = title(key, protocol)
    if protocol == "TLSv1.2":
        expected = expected.replace("rsa_pss_rsae", browser.tls_1_2)
    assert site.visits[0].title == expected
    screen.wait_for(browser.page.format(expected))
    eventually(lambda: screen.colour(WIDTH // 2, HEIGHT - 20) == COLOUR, "the page is painted")
    PICTURES.mkdir(parents=True, exist_ok=True)
    (PICTURES / f"{browser.name.lower()}-{protocol}-{key}.png").write_bytes(screen.picture())


def log_in(browser: Browser, way: Way, folder: Path, key: str, protocol: str) -> None:
    """A login, and another one if the first goes wrong.

    Once in a while Chromium ends by SIGTRAP, or does nothing, whatever it is at.
    """
    try:
        _log_in(browser, way, folder / "home", key, protocol)
    except AssertionError:
        _log_in(browser, way, folder / "again", key, protocol)


def _log_in(browser: Browser, way: Way, home: Path, key: str, protocol: str) -> None:
    home.mkdir()
    with (
        token_with(key, way, home) as token,
        open_site(home, PROTOCOLS[protocol]) as site,
        browser.at(site, token, way) as screen,
    ):
        screen.type(browser.asks_for_pin, PIN)
        check_page(screen, site, browser, key, protocol)


@of_browsers
@pytest.mark.parametrize(("protocol", "key"), CASES)
def test_a_login(
    browser: Browser, way: Way, folder: Path, key: str, protocol: str, works: Works
) -> None:
    log_in(browser, way, folder, key, protocol)
    works(browser.name, f"login by {protocol}", KEYS[key])


@pytest.mark.torture
@of_browsers
def test_a_wrong_pin_and_then_the_right_one(browser: Browser, way: Way, folder: Path) -> None:
    with (
        token_with("p256", way, folder) as token,
        open_site(folder, PROTOCOLS["TLSv1.3"]) as site,
        browser.at(site, token, way) as screen,
    ):
        screen.type(browser.asks_for_pin, "000000")
        eventually(lambda: "SW2=0xC5" in token.run(STATUS_OF_PIN), "a try is lost")
        screen.type(browser.asks_for_pin, PIN)
        check_page(screen, site, browser, "p256", "TLSv1.3")


@pytest.mark.torture
@of_browsers
@by_every_way
def test_a_login_by_every_way(browser: Browser, way: Way, folder: Path) -> None:
    log_in(browser, way, folder, "rsa2048", "TLSv1.3")
