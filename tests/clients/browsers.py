"""Browsers on a screen of their own, each with what it wants to be told beforehand."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from tests.clients.recipes import follow
from tests.clients.screen import HEIGHT, WIDTH, Screen, open_screen, started
from tests.clients.site import Site
from tests.clients.tool import Tool
from tests.clients.ways import Way

_START = """\
exec 3<&0
{browser} {url} &
browser=$!
(read -r end <&3 || kill -9 $browser) &
wait $browser
"""
"""When its input ends, or the browser does, so does the shell."""

_CHROMIUM = f"""\
mount --bind settings /etc/chromium
chromium --no-sandbox --no-first-run --test-type --disable-gpu --no-proxy-server \
    --disable-background-networking --user-data-dir="$(mktemp -d profile.XXXXXX)" \
    --window-position=0,0 --window-size={WIDTH},{HEIGHT}"""

_FIREFOX = f"firefox-esr --no-remote --profile profile --width {WIDTH} --height {HEIGHT}"

_PREFERENCES = {
    "app.normandy.enabled": False,
    "browser.aboutwelcome.enabled": False,
    "browser.preonboarding.enabled": False,
    "browser.shell.checkDefaultBrowser": False,
    "browser.startup.homepage_override.mstone": "ignore",
    "datareporting.policy.dataSubmissionEnabled": False,
    "network.proxy.type": 0,
    "security.default_personal_cert": "Select Automatically",
    "termsofuse.bypassNotification": True,
}
"""Nothing to be read or clicked before the page, and the certificate chosen without a question."""


@dataclass(frozen=True)
class Browser:
    """A browser that asks for the PIN in a window, and for nothing else."""

    name: str
    prepare: Callable[[Tool, Site], None]
    """Makes the token's folder a home of this browser, to which token and bank are known."""
    start: str
    """How a shell in that folder starts it, but for the address."""
    asks_for_pin: str
    """What the window for the PIN is called."""
    page: str
    """What the window of a page is called, with {} for the page's own title."""
    tls_1_2: str
    """How it has an RSA key pad in TLS 1.2, which leaves it a choice."""

    @contextmanager
    def at(self, site: Site, token: Tool, way: Way) -> Iterator[Screen]:
        """The browser at a site.

        The shell that starts it is the first process of a namespace: at its end all others in
        there, which browsers have many of, end too.
        """
        self.prepare(token, site)
        token.write("start", _START.format(browser=self.start, url=site.url).encode())
        own_user = "" if os.geteuid() == 0 else "--map-root-user"
        with open_screen(token.folder) as screen:
            variables = {**way.variables, **screen.variables, "HOME": str(token.folder)}
            namespace = f"unshare {own_user} --mount --pid --fork --kill-child --mount-proc"
            with started(token.folder, variables, f"{namespace} sh -e start") as process:
                screen.shows(process)
                yield screen


def _prepare_chromium(token: Tool, site: Site) -> None:
    """Which certificate it shows is a setting of the whole machine.

    So a folder of ours stands in for the machine's, where only the browser sees it.
    """
    follow(token, "chromium", HOME=token.folder)
    policy = token.folder / "settings" / "policies" / "managed" / "choice.json"
    policy.parent.mkdir(parents=True)
    choice = {"pattern": site.url, "filter": {}}
    policy.write_text(json.dumps({"AutoSelectCertificateForUrls": [json.dumps(choice)]}))


def _prepare_firefox(token: Tool, _site: Site) -> None:
    follow(token, "firefox", PROFILE="profile")
    lines = (
        f"user_pref({json.dumps(name)}, {json.dumps(value)});\n"
        for name, value in _PREFERENCES.items()
    )
    token.write("profile/user.js", "".join(lines).encode())


BROWSERS = [
    Browser(
        "Chromium",
        prepare=_prepare_chromium,
        start=_CHROMIUM,
        asks_for_pin="Unlock Security Device",
        page="{} - Chromium",
        tls_1_2="rsa_pkcs1",
    ),
    Browser(
        "Firefox",
        prepare=_prepare_firefox,
        start=_FIREFOX,
        asks_for_pin="Password Required - Mozilla Firefox",
        page="{} \N{EM DASH} Mozilla Firefox",
        tls_1_2="rsa_pss_rsae",
    ),
]
