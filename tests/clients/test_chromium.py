"""Chromium as its user sees it: the page asks for a certificate, the window for the PIN."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.clients.authority import bank, customer
from tests.clients.cards import PIN
from tests.clients.ledger import Works
from tests.clients.recipes import follow
from tests.clients.screen import HEIGHT, WIDTH, Screen, open_screen, started
from tests.clients.site import COLOUR, Site, open_site
from tests.clients.test_tls import KEYS, PROTOCOLS, STATUS_OF_PIN, title
from tests.clients.tool import Tool
from tests.clients.ways import Way, by_every_way
from tests.pcscd import eventually
from ushield.device.assembly import assemble

PICTURES = Path(__file__).parents[2] / "build" / "pictures"
ASKS_FOR_PIN = "Unlock Security Device"
USUAL = [("TLSv1.2", "rsa2048"), ("TLSv1.3", "rsa2048"), ("TLSv1.3", "p256")]
MORE = [("TLSv1.2", "p256"), ("TLSv1.3", "p384"), ("TLSv1.3", "rsa1024")]
CASES = [*USUAL, *(pytest.param(*case, marks=pytest.mark.torture) for case in MORE)]
"""A browser takes its time: what the other clients show too is left to `make torture`."""

START = """\
exec 3<&0
mount --bind settings /etc/chromium
chromium --no-sandbox --no-first-run --test-type --disable-gpu --no-proxy-server \
    --disable-background-networking --user-data-dir="$(mktemp -d profile.XXXXXX)" \
    --window-position=0,0 --window-size={width},{height} {url} &
browser=$!
(read -r end <&3 || kill -9 $browser) &
wait $browser
"""


@pytest.fixture
def token(way: Way, folder: Path) -> Iterator[Tool]:
    """A home with NSS's database, in which the token's library and the bank are known."""
    with way.inserted(assemble(customer(*KEYS), strict=True)):
        tool = Tool(folder, {**way.variables, "HOME": str(folder)})
        tool.write("ca.pem", bank().pem)
        follow(tool, "chromium")
        yield tool


@contextmanager
def browser(token: Tool, way: Way, site: Site, key: str) -> Iterator[Screen]:
    """Chromium at the site, on a screen of its own. It is told which certificate to choose.

    That is a setting of the whole machine, so a folder of ours stands in for the machine's, and
    only the browser sees it. When the shell's input ends, or the browser does, so does the shell,
    which is the first of its namespace, and with it every process in there.
    """
    choice = {"pattern": site.url, "filter": {"SUBJECT": {"CN": f"Li Lei {key}"}}}
    policy = token.folder / "settings" / "policies" / "managed" / "choice.json"
    policy.parent.mkdir(parents=True, exist_ok=True)
    policy.write_text(json.dumps({"AutoSelectCertificateForUrls": [json.dumps(choice)]}))
    token.write("start", START.format(url=site.url, width=WIDTH, height=HEIGHT).encode())
    own_user = "" if os.geteuid() == 0 else "--map-root-user"
    with open_screen(token.folder) as screen:
        variables = {**way.variables, **screen.variables, "HOME": str(token.folder)}
        namespace = f"unshare {own_user} --mount --pid --fork --kill-child --mount-proc"
        with started(token.folder, variables, f"{namespace} sh -e start") as process:
            screen.shows(process)
            yield screen


def check_page(screen: Screen, site: Site, key: str, protocol: str) -> None:
    """The site has let it in, and its page is to be seen."""
    eventually(lambda: bool(site.visits), "the site lets the browser in")
    assert site.visits[0].title == chosen_title(key, protocol)
    screen.wait_for(f"{site.visits[0].title} - Chromium")
    eventually(lambda: screen.colour(WIDTH // 2, HEIGHT - 20) == COLOUR, "the page is painted")
    PICTURES.mkdir(parents=True, exist_ok=True)
    (PICTURES / f"chromium-{protocol}-{key}.png").write_bytes(screen.picture())


def chosen_title(key: str, protocol: str) -> str:
    """In TLS 1.2 it prefers the padding that every token knows."""
    wanted = title(key, protocol)
    return wanted if protocol == "TLSv1.3" else wanted.replace("rsa_pss_rsae", "rsa_pkcs1")


@pytest.mark.parametrize(("protocol", "key"), CASES)
def test_a_login(token: Tool, way: Way, key: str, protocol: str, works: Works) -> None:
    def log_in() -> None:
        with (
            open_site(token.folder, PROTOCOLS[protocol]) as site,
            browser(token, way, site, key) as screen,
        ):
            screen.type(ASKS_FOR_PIN, PIN)
            check_page(screen, site, key, protocol)

    try:
        log_in()
    except AssertionError:
        # Once in a while Chromium ends by SIGTRAP, whatever it is doing.
        log_in()
    works("Chromium", f"login by {protocol}", KEYS[key])


@pytest.mark.torture
def test_a_wrong_pin_and_then_the_right_one(token: Tool, way: Way) -> None:
    with (
        open_site(token.folder, PROTOCOLS["TLSv1.3"]) as site,
        browser(token, way, site, "p256") as screen,
    ):
        screen.type(ASKS_FOR_PIN, "000000")
        eventually(lambda: "SW2=0xC5" in token.run(STATUS_OF_PIN), "a try is lost")
        screen.type(ASKS_FOR_PIN, PIN)
        check_page(screen, site, "p256", "TLSv1.3")


@pytest.mark.torture
@by_every_way
def test_a_login_by_every_way(token: Tool, way: Way) -> None:
    with (
        open_site(token.folder, PROTOCOLS["TLSv1.3"]) as site,
        browser(token, way, site, "rsa2048") as screen,
    ):
        screen.type(ASKS_FOR_PIN, PIN)
        check_page(screen, site, "rsa2048", "TLSv1.3")
