"""TLS with a key on the token, by the recipes of docs/clients.md: a login at a bank's site."""

from __future__ import annotations

import re
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.clients.authority import SITE, bank, customer
from tests.clients.cards import PIN
from tests.clients.ledger import Works, version
from tests.clients.recipes import fail, follow
from tests.clients.site import Site, Visit, open_site
from tests.clients.system import ROOT
from tests.clients.tool import Tool
from tests.clients.ways import Way, by_every_way
from ushield.device.assembly import assemble

KEYS = {"rsa2048": "RSA-2048", "p256": "P-256", "p384": "P-384", "rsa1024": "RSA-1024"}
IDS = dict(zip(KEYS, ("01", "02", "03", "04"), strict=True))
PROTOCOLS = {"TLSv1.2": ssl.TLSVersion.TLSv1_2, "TLSv1.3": ssl.TLSVersion.TLSv1_3}
STATUS_OF_PIN = "opensc-tool -s 00:20:00:01"

ENGINE, PROVIDER = "engines-3/pkcs11.so", "ossl-modules/pkcs11.so"
PYTHON = ("Python", "ssl with provider", ("provider", "names"))


class Client(NamedTuple):
    """A program of the table, its way to the token, and the recipes."""

    program: str
    recipe: str
    settings: tuple[str, ...] = ()
    plugin: str = ""
    keys: tuple[str, ...] = tuple(KEYS)

    @property
    def by(self) -> str:
        """For the table: by which plug-in of OpenSSL, if by any."""
        known = {ENGINE: " by libp11", PROVIDER: " by pkcs11-provider", "": ""}
        return known[self.plugin]

    @property
    def there(self) -> bool:
        """Whether its plug-in is installed."""
        return any((ROOT or Path("/")).glob(f"usr/lib/*/{self.plugin}"))


CLIENTS = [
    Client("curl", "curl with engine", ("engine", "names"), ENGINE),
    Client("curl", "curl with provider", ("provider", "names"), PROVIDER),
    Client("OpenSSL", "s_client with engine", ("engine", "names"), ENGINE),
    Client("OpenSSL", "s_client with provider", ("provider", "names"), PROVIDER),
    Client(*PYTHON, PROVIDER, ("rsa2048", "rsa1024")),
    Client("GnuTLS", "gnutls", ("names",)),
    Client("pycurl", "pycurl", ("names",)),
]
PRESENT = [client for client in CLIENTS if client.there]

of_clients = pytest.mark.parametrize(
    "client", PRESENT, ids=lambda client: client.recipe.replace(" ", "-")
)
of_protocols = pytest.mark.parametrize("protocol", PROTOCOLS)


@pytest.fixture
def token(way: Way, folder: Path) -> Iterator[Tool]:
    """A token whose keys have certificates of the bank, and the bank's own certificate."""
    with way.inserted(assemble(customer(*KEYS), strict=True)):
        tool = Tool(folder, way.variables)
        tool.write("ca.pem", bank().pem)
        yield tool


def variables(site: Site, key: str, pin: str = PIN) -> dict[str, object]:
    """What the recipes want to know."""
    return {"ID": IDS[key], "PIN": pin, "HOST": SITE, "PORT": site.port}


def names(token: Tool, key: str) -> dict[str, object]:
    """What NSS's recipe wants to know as well. Newer OpenSC calls the token as we do."""
    found = re.search(r"token label +: (.*)", token.run("pkcs11-tool --list-slots"))
    assert found is not None
    return {"TOKEN": found[1], "LABEL": f"{key} key"}


def title(key: str, protocol: str) -> str:
    """The page for the holder of this key. TLS 1.3 binds a curve to its hash, 1.2 does not."""
    scheme = "ecdsa_secp256r1_sha256"
    if key.startswith("rsa"):
        scheme = "rsa_pss_rsae_sha256"
    elif key == "p384" and protocol == "TLSv1.3":
        scheme = "ecdsa_secp384r1_sha384"
    return Visit(f"CN=Li Lei {key},O=Example", protocol, scheme).title


@of_clients
@of_protocols
def test_a_login(token: Tool, client: Client, protocol: str, works: Works) -> None:
    with open_site(token.folder, PROTOCOLS[protocol]) as site:
        for key in client.keys:
            page = follow(token, *client.settings, client.recipe, **variables(site, key))
            assert title(key, protocol) in page
        titles = [visit.title for visit in site.visits]
        assert titles == [title(key, protocol) for key in client.keys]
    known = [KEYS[key] for key in client.keys]
    works(client.program, f"login by {protocol}{client.by}", *known)


@of_clients
def test_a_login_with_a_wrong_pin(token: Tool, client: Client) -> None:
    with open_site(token.folder, PROTOCOLS["TLSv1.3"]) as site:
        fail(token, *client.settings, client.recipe, **variables(site, client.keys[0], "000000"))
        assert not site.visits
    token.see(STATUS_OF_PIN, "SW1=0x63, SW2=0xC5")


@of_protocols
def test_a_login_by_nss(token: Tool, protocol: str, works: Works) -> None:
    """NSS takes it that a token with keys of 1024 bits is old, and TLS 1.2 lets it use SHA-1."""
    follow(token, "nssdb")
    with open_site(token.folder, PROTOCOLS[protocol]) as site:
        for key in KEYS:
            wanted = title(key, protocol)
            if (key, protocol) == ("rsa1024", "TLSv1.2"):
                wanted = wanted.replace("rsa_pss_rsae_sha256", "rsa_pkcs1_sha1")
            known = {**variables(site, key), **names(token, key)}
            assert wanted in follow(token, "names", "tstclnt", **known)
    works("NSS", f"`tstclnt`: login by {protocol}", *KEYS.values())


def test_nss_with_a_wrong_pin(token: Tool, works: Works) -> None:
    """An old one spends every try."""
    follow(token, "nssdb")
    with open_site(token.folder, PROTOCOLS["TLSv1.3"]) as site:
        known = {**variables(site, "p256", "000000"), **names(token, "p256")}
        fail(token, "names", "tstclnt", **known)
        assert not site.visits
    if version("NSS").startswith("3.87"):
        token.see(STATUS_OF_PIN, "SW1=0x69, SW2=0x83")
        works("NSS", "fails: `tstclnt` tries a wrong PIN until it is blocked")
    else:
        token.see(STATUS_OF_PIN, "SW1=0x63, SW2=0xC5")


@by_every_way
def test_a_login_by_every_way(token: Tool) -> None:
    with open_site(token.folder, PROTOCOLS["TLSv1.3"]) as site:
        for client in (PRESENT[0], CLIENTS[-1]):
            page = follow(token, *client.settings, client.recipe, **variables(site, "rsa2048"))
            assert title("rsa2048", "TLSv1.3") in page
