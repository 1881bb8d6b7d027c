"""Keys with their certificates come to a card from PKCS#12 files, in the forms that are about."""

from __future__ import annotations

from typing import NamedTuple

import pytest

from tests.clients.cards import PIN
from tests.clients.ledger import Works
from tests.clients.odd import CHAIN, chain
from tests.clients.readback import Card, check_read_back, check_signs
from tests.clients.recipes import fail, follow

PLAIN = "-name key -passout pass:secret"
INDEFINITE = b"\x30\x80"
"""A SEQUENCE whose length is not told: its end is (X.690 §8.1.3.6)."""


class Form(NamedTuple):
    """How openssl is to write the file: options, password, number of certificates."""

    options: str
    password: str = "secret"
    certificates: int = 1


FORMS = {
    "usual": Form(PLAIN),
    "an empty password": Form("-name key -passout pass:", ""),
    "a password in Chinese": Form("-name key -passout pass:密码", "密码"),
    "four certificates": Form(f"{PLAIN} -certfile above.pem", certificates=4),
    "no friendlyName": Form("-passout pass:secret"),
    "friendlyName in Chinese": Form("-name 李雷的钥匙 -passout pass:secret"),
    "nothing in cipher": Form(f"{PLAIN} -keypbe NONE -certpbe NONE"),
    "Triple-DES": Form(f"{PLAIN} -keypbe PBE-SHA1-3DES -certpbe PBE-SHA1-3DES -macalg sha1"),
}


@pytest.fixture
def files(bare: Card) -> Card:
    """A card without keys, and the holder's key and the chain as files."""
    bare.tool.write("holder.key", chain().key)
    for name, der in zip(CHAIN, chain().certificates, strict=True):
        bare.tool.write(f"{name}.der", der)
        bare.tool.run(f"openssl x509 -inform DER -in {name}.der -out {name}.pem")
    bare.tool.write("above.pem", b"".join(bare.tool.read(f"{name}.pem") for name in CHAIN[1:]))
    return bare


@pytest.mark.parametrize("name", FORMS)
def test_a_file_of_openssl(files: Card, name: str, works: Works) -> None:
    form = FORMS[name]
    _export(files, form.options)
    _bring(files, form.password)
    _check(files, form.certificates)
    works("OpenSC", "`pkcs15-init` brings a key with its certificates from PKCS#12")


def test_a_file_of_nss(files: Card, works: Works) -> None:
    """NSS, and Firefox with it, does not tell lengths beforehand (BER)."""
    _export(files, PLAIN)
    files.tool.run("certutil -N -d sql:. --empty-password")
    files.tool.run("pk12util -d sql:. -i user.p12 -W secret")
    files.tool.run("pk12util -d sql:. -o user.p12 -n key -W secret")
    assert files.tool.read("user.p12").startswith(INDEFINITE)
    _bring(files, "secret")
    _check(files, 1)
    works("OpenSC", "`pkcs15-init` brings a key from PKCS#12 that NSS wrote (BER)")


def test_an_old_file(files: Card, works: Works) -> None:
    """In RC2: OpenSSL reads that only when it is told to, and OpenSC does not tell it."""
    _export(files, f"{PLAIN} -legacy")
    said = fail(files.tool, "pkcs12", ID="45", PIN=PIN, PASSPHRASE="secret")
    assert "Unable to read private key from user.p12" in said
    assert not files.certificates()
    files.tool.run("mv user.p12 old.p12")
    follow(files.tool, "old pkcs12", PASSPHRASE="secret")
    _bring(files, "secret")
    _check(files, 1)
    works("OpenSC", "fails: `pkcs15-init` reads no PKCS#12 in RC2")


def test_a_wrong_password(files: Card) -> None:
    _export(files, PLAIN)
    said = fail(files.tool, "pkcs12", ID="45", PIN=PIN, PASSPHRASE="wrong")
    assert "Unable to read private key from user.p12" in said
    assert not files.certificates()


def _export(card: Card, options: str) -> None:
    make = "openssl pkcs12 -export -inkey holder.key -in holder.pem -out user.p12"
    card.tool.run(f"{make} {options}")


def _bring(card: Card, password: str) -> None:
    follow(card.tool, "pkcs12", ID="45", PIN=PIN, PASSPHRASE=password)


def _check(card: Card, certificates: int) -> None:
    """The key works, and its certificates follow its own identifier, each with its own name."""
    check_signs(card, "45", "holder.key")
    assert len(card.certificates()) == certificates
    for place, der in enumerate(chain().certificates[:certificates]):
        entry = check_read_back(card, f"{0x45 + place:02x}", der)
        assert entry.key_reference == (None if place else 1)
        assert entry.label == CHAIN[place]
