"""TLS with nothing but Python: our library for the token, by the recipe of docs/clients.md."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from tests.clients.authority import SITE, bank, customer
from tests.clients.cards import PIN
from tests.clients.ledger import Works
from tests.clients.recipes import fail, follow
from tests.clients.site import Site, open_site
from tests.clients.test_tls import IDS, KEYS, PROTOCOLS, STATUS_OF_PIN, title
from tests.clients.tool import Tool
from tests.clients.ways import Way
from ushield.device.assembly import assemble

PYTHON_FIRST = f"{Path(sys.executable).parent}:{os.environ['PATH']}"


def variables(site: Site, key: str, pin: str = PIN) -> dict[str, object]:
    """What the recipe wants to know, and where its Python is."""
    return {"PATH": PYTHON_FIRST, "ID": IDS[key], "PIN": pin, "HOST": SITE, "PORT": site.port}


def chosen_title(key: str, protocol: str) -> str:
    """It prefers the longest hash that the key has room for. TLS 1.3 binds a curve to its hash."""
    if key.startswith("rsa"):
        longest = "sha384" if key == "rsa1024" else "sha512"
        return title(key, protocol).replace("sha256", longest)
    if protocol == "TLSv1.2":
        return title(key, protocol).replace("ecdsa_secp256r1_sha256", "ecdsa_secp521r1_sha512")
    return title(key, protocol)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_login(way: Way, folder: Path, protocol: str, works: Works) -> None:
    with (
        way.inserted(assemble(customer(*KEYS), strict=True)),
        open_site(folder, PROTOCOLS[protocol]) as site,
    ):
        tool = Tool(folder, way.variables)
        tool.write("ca.pem", bank().pem)
        for key in KEYS:
            assert chosen_title(key, protocol) in follow(tool, "tlslite", **variables(site, key))
    works("tlslite-ng", f"login by {protocol}, signed by `host.client`", *KEYS.values())


def test_a_wrong_pin(way: Way, folder: Path) -> None:
    with (
        way.inserted(assemble(customer(*KEYS), strict=True)),
        open_site(folder, PROTOCOLS["TLSv1.3"]) as site,
    ):
        tool = Tool(folder, way.variables)
        said = fail(tool, "tlslite", **variables(site, "p256", "000000"))
        assert "5 tries left" in said
        assert not site.visits
        tool.see(STATUS_OF_PIN, "SW1=0x63, SW2=0xC5")


def test_a_site_that_nobody_vouches_for(way: Way, folder: Path) -> None:
    with (
        way.inserted(assemble(customer(*KEYS), strict=True)),
        open_site(folder, PROTOCOLS["TLSv1.3"]) as site,
    ):
        tool = Tool(folder, way.variables)
        tool.run("openssl req -x509 -newkey rsa:2048 -nodes -keyout k.pem -subj /CN=x -out ca.pem")
        assert "VerificationError" in fail(tool, "tlslite", **variables(site, "p256"))
