"""GnuTLS's own tools with keys that are on a token, by the recipes of docs/clients.md."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography import x509

from host.publickey import PublicKey
from tests.clients.cards import PIN
from tests.clients.ledger import Works
from tests.clients.recipes import fail, follow
from tests.clients.test_tls import STATUS_OF_PIN
from tests.clients.tokens import with_keys
from tests.clients.tool import Tool
from tests.clients.ways import Way, by_every_way
from ushield.device.assembly import assemble

KEYS = {"rsa2048": "RSA-2048", "p256": "P-256", "p384": "P-384"}
IDS = dict(zip(KEYS, ("01", "02", "03"), strict=True))

with_every_key = pytest.mark.parametrize("key", KEYS)


@pytest.fixture
def token(way: Way, folder: Path) -> Iterator[Tool]:
    """The command line with a token of three keys."""
    with way.inserted(assemble(with_keys(*KEYS), strict=True)):
        yield Tool(folder, way.variables)


@by_every_way
@with_every_key
def test_p11tool(token: Tool, key: str, works: Works) -> None:
    said = follow(token, "p11tool", ID=IDS[key], PIN=PIN)
    for known in KEYS:
        for kind in ("private", "public", "cert"):
            assert f"id=%{IDS[known]};object={known}%20key;type={kind}\n" in said
    assert "Verifying against private key parameters... ok" in said
    assert "Verifying against public key in the token... ok" in said
    works("GnuTLS", "`p11tool --list-all --login`", *KEYS.values())
    works("GnuTLS", "`p11tool --test-sign`", KEYS[key])


@with_every_key
def test_certtool(token: Tool, key: str, works: Works) -> None:
    said = follow(token, "certtool", ID=IDS[key], PIN=PIN)
    assert "self-signature verify OK" in said
    assert "generate-self-signed.pem: OK" in said
    request = x509.load_pem_x509_csr(token.read("generate-request.pem"))
    certificate = x509.load_pem_x509_certificate(token.read("generate-self-signed.pem"))
    mine = public_key(token, key)
    assert request.public_key() == certificate.public_key() == mine
    works("GnuTLS", "`certtool` makes a request", KEYS[key])
    works("GnuTLS", "`certtool` makes a certificate that signs itself", KEYS[key])


@pytest.mark.parametrize("recipe", ["p11tool", "certtool"])
def test_a_wrong_pin_costs_one_try(token: Tool, recipe: str) -> None:
    said = fail(token, recipe, ID="01", PIN="000000")
    assert "Wrong PIN has been provided!" in said
    token.see(STATUS_OF_PIN, "SW1=0x63, SW2=0xC5")


def public_key(token: Tool, key: str) -> PublicKey:
    """The public key that the token's own certificate names."""
    token.run(f"pkcs15-tool --read-certificate {IDS[key]} -o mine.pem")
    found = x509.load_pem_x509_certificate(token.read("mine.pem")).public_key()
    assert isinstance(found, PublicKey)
    return found
