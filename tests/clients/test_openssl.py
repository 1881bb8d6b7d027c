"""OpenSSL with keys that are on a token: messages (CMS), requests, a small authority.

Its way to PKCS#11 is libp11's engine, or pkcs11-provider where the system has one (Debian 13).
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.clients.cards import PIN
from tests.clients.kinds import ORDER
from tests.clients.ledger import Works
from tests.clients.system import ROOT, pkcs11_module
from tests.clients.tokens import with_keys
from tests.clients.tool import Tool
from tests.clients.ways import Way, by_every_way
from ushield.device.assembly import assemble

KINDS = {"rsa2048": "RSA-2048", "p256": "P-256", "p384": "P-384"}
IDS = {kind: f"{number:02}" for number, kind in enumerate(KINDS.values(), 1)}
PSS = "-keyopt rsa_padding_mode:pss"
OAEP = "-keyopt rsa_padding_mode:oaep"
AUTHORITY = """\
[ca]
default_ca = mine
[mine]
database = index.txt
serial = serial
crlnumber = crlnumber
certificate = ca.pem
new_certs_dir = .
default_md = sha256
default_days = 30
default_crl_days = 30
policy = any
[any]
commonName = supplied
"""


class Access(NamedTuple):
    """A way from OpenSSL to PKCS#11: its name, options, more options for a key, its library."""

    program: str
    options: str
    form: str
    library: str


ENGINE = Access("libp11", "-engine pkcs11", "-keyform engine", "engines-3/pkcs11.so")
# Without the query the provider verifies signatures of others by the token's library, which asks
# OpenSSL, which asks the provider, which waits for itself for ever.
PROVIDER = Access(
    "pkcs11-provider",
    "-provider pkcs11 -provider default -propquery ?provider=default",
    "",
    "ossl-modules/pkcs11.so",
)
PRESENT = [
    access
    for access in (ENGINE, PROVIDER)
    if any((ROOT or Path("/")).glob(f"usr/lib/*/{access.library}"))
]

by_every_access = pytest.mark.parametrize("access", PRESENT, ids=lambda access: access.program)
with_every_kind = pytest.mark.parametrize("kind", IDS)


@pytest.fixture
def token(way: Way, folder: Path) -> Iterator[Tool]:
    """OpenSSL with a token of three keys and their certificates, which are in the folder too."""
    with way.inserted(assemble(with_keys(*KINDS), strict=True)):
        tool = Tool(folder, {**way.variables, **library()})
        tool.write("order.txt", ORDER)
        yield tool


def library() -> dict[str, str]:
    """How both accesses find the library in the environment."""
    return dict.fromkeys(("PKCS11_MODULE_PATH", "PKCS11_PROVIDER_MODULE"), pkcs11_module())


def key_of(kind: str) -> str:
    """The key as a URI of PKCS#11 (RFC 7512)."""
    return f"'pkcs11:id=%{IDS[kind]};type=private;pin-value={PIN}'"


def certificate_of(token: Tool, kind: str) -> str:
    """The file with the key's certificate, which has signed itself."""
    token.run(f"pkcs15-tool --read-certificate {IDS[kind]} -o mine.pem")
    return "mine.pem"


def check_signed_message(token: Tool, access: Access, kind: str, options: str = "") -> None:
    """The token signs a message, and OpenSSL without the token verifies it."""
    mine = certificate_of(token, kind)
    key = f"{access.options} {access.form} -inkey {key_of(kind)}"
    token.run(
        f"openssl cms -sign {key} -signer {mine} {options} -nodetach -binary "
        "-in order.txt -outform DER -out order.p7"
    )
    token.run(f"openssl cms -verify -inform DER -in order.p7 -CAfile {mine} -out found.txt")
    assert token.read("found.txt") == ORDER


def deciphering(token: Tool, access: Access, kind: str, options: str = "") -> str:
    """Encipher a message without the token: the command line that deciphers it to found.txt."""
    mine = certificate_of(token, kind)
    token.run(
        f"openssl cms -encrypt -aes256 -binary -in order.txt -outform DER -out order.enc "
        f"-recip {mine} {options}"
    )
    key = f"{access.options} {access.form} -inkey {key_of(kind)}"
    return f"openssl cms -decrypt {key} -recip {mine} -inform DER -in order.enc -out found.txt"


@by_every_access
@with_every_kind
def test_a_signed_message(token: Tool, access: Access, kind: str, works: Works) -> None:
    check_signed_message(token, access, kind)
    works(access.program, "`openssl cms` signs", kind)
    if kind.startswith("RSA"):
        check_signed_message(token, access, kind, PSS)
        token.see("openssl cms -cmsout -print -inform DER -in order.p7", "rsassaPss")
        works(access.program, "`openssl cms` signs (PSS)", kind)


@by_every_access
@with_every_kind
def test_a_message_in_cipher(token: Tool, access: Access, kind: str, works: Works) -> None:
    """For EC the provider asks the library to derive the key of the message from the secret that
    both sides agree on; OpenSC does not hear that, and gives the bare secret."""
    if access is PROVIDER and not kind.startswith("RSA"):
        token.fail(deciphering(token, access, kind))
        works(access.program, "fails: `openssl cms` deciphers by ECDH: OpenSC knows no KDF", kind)
        return
    for options in ("", OAEP) if kind.startswith("RSA") else ("",):
        token.run(deciphering(token, access, kind, options))
        assert token.read("found.txt") == ORDER
    works(access.program, "`openssl cms` deciphers", kind)


@by_every_access
@with_every_kind
def test_a_request(token: Tool, access: Access, kind: str, works: Works) -> None:
    key = f"{access.options} {access.form} -key {key_of(kind)}"
    token.run(f"openssl req -new {key} -subj /CN=holder -out r.pem")
    token.see("openssl req -in r.pem -noout -verify", "self-signature verify OK")
    works(access.program, "`openssl req` makes a request", kind)


@by_every_way
@by_every_access
@with_every_kind
def test_an_authority(token: Tool, access: Access, kind: str, works: Works) -> None:
    """The authority's key is on the token: it issues a certificate, and revokes it."""
    options = f"{access.options} {access.form}"
    token.run(f"openssl req -x509 {options} -key {key_of(kind)} -subj '/CN=my CA' -out ca.pem")
    for name, text in {
        "ca.conf": AUTHORITY, "index.txt": "", "serial": "01", "crlnumber": "01"
    }.items():  # fmt: skip
        token.write(name, text.encode())
    authority = f"openssl ca -batch -config ca.conf {options} -keyfile {key_of(kind)}"
    token.run("openssl req -newkey rsa:1024 -nodes -keyout k.pem -subj /CN=me -out r.pem")
    token.run(f"{authority} -in r.pem -out c.pem -notext")
    check = "openssl verify -CAfile ca.pem -CRLfile crl.pem -crl_check c.pem"
    token.run(f"{authority} -gencrl -out crl.pem")
    token.see(check, "c.pem: OK")
    token.run(f"{authority} -revoke c.pem")
    token.run(f"{authority} -gencrl -out crl.pem")
    assert "certificate revoked" in token.fail(check)
    works(access.program, "`openssl ca`: an authority that issues and revokes", kind)


@by_every_access
def test_a_key_that_wants_the_pin_anew(
    way: Way, folder: Path, access: Access, works: Works
) -> None:
    """The PIN in the URI is for the login; that of the key is asked for at the terminal."""
    card = assemble(with_keys("rsa2048", "p256", pin_each_signature=True), strict=True)
    with way.inserted(card):
        token = Tool(folder, {**way.variables, **library()})
        token.write("order.txt", ORDER)
        for kind in ("RSA-2048", "P-256"):
            mine = certificate_of(token, kind)
            key = f"{access.options} {access.form} -inkey {key_of(kind)}"
            line = f"openssl cms -sign {key} -signer {mine} -in order.txt -out order.p7"
            assert "PIN" in token.fail(line)
            token.answer(line, "PIN", PIN)
            token.run(f"openssl cms -verify -in order.p7 -CAfile {mine} -out found.txt")
            works(access.program, "asks for the PIN of a key that wants it anew", kind)
