"""Certificates that are right and unusual come back byte for byte, whoever wrote them.

OpenSC writes them on a card of its own making, our TokenManager on a token of ours.
"""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest
from cryptography import x509

from applet.os.store import MemoryStore
from host.client import TokenClient
from host.manage import TokenManager
from host.memory import MemoryTransport
from tests.clients.cards import PIN
from tests.clients.ledger import Works
from tests.clients.odd import CHAIN, LARGE, ODD, SUBJECT, chain, odd
from tests.clients.readback import Card, check_read_back, check_signs, content, inserted
from tests.clients.tokens import with_keys
from tests.clients.ways import PCSCD, SERVICE, WAYS, Way
from ushield.device.assembly import assemble

LABELS = ["", "a" * 31, "b" * 32, "c" * 33, "李雷的证书", "证" * 11]
"""Some places of PKCS#11 and PKCS#15 end at 32 bytes; eleven of these characters have 33."""
NAMED = "signed with PSS"
"""The kind that the labels are tried with. It is for "holder"."""
WRITE = f"pkcs15-init --auth-id 1 --pin {PIN} --format DER -X c.der"

of_every_kind = pytest.mark.parametrize("kind", ODD)
of_every_label = pytest.mark.parametrize("label", LABELS, ids=lambda label: f"{len(label)}-{label}")
of_every_kind_in_a_reader = pytest.mark.parametrize(
    ("way", "kind"),
    [(SERVICE, kind) for kind in ODD] + ([(PCSCD, "many names")] if PCSCD in WAYS else []),
    indirect=["way"],
)


def ours(certificate: bytes, label: str) -> MemoryStore:
    """The memory of a token of ours whose one key got this certificate."""
    store = with_keys("p256")
    client = TokenClient(MemoryTransport(assemble(store, strict=True)))
    client.verify_pin(PIN)
    loaded = x509.load_der_x509_certificate(certificate)
    TokenManager(client).write_certificate(loaded, client.key(None), label=label)
    return store


def test_the_kinds_are_what_they_are_called() -> None:
    def load(kind: str) -> x509.Certificate:
        return x509.load_der_x509_certificate(odd(kind))

    assert len(odd("many names")) > LARGE and len(odd("large extension")) > LARGE
    assert len(load("long subject").subject.public_bytes()) == SUBJECT
    assert b"\x18\x0f99991231235959Z" in odd("GeneralizedTime")
    assert load(NAMED).signature_algorithm_oid.dotted_string == "1.2.840.113549.1.1.10"


@of_every_kind_in_a_reader
def test_written_by_opensc(bare: Card, kind: str, works: Works) -> None:
    bare.tool.write("c.der", odd(kind))
    bare.tool.run(f"{WRITE} --id 45 --label {shlex.quote(kind)}")
    assert check_read_back(bare, "45", odd(kind)).label == kind
    works("OpenSC", "keeps certificates whole that are large, or odd (by `pkcs15-init -X`)")


@of_every_kind
def test_written_by_us(way: Way, folder: Path, kind: str) -> None:
    with inserted(ours(odd(kind), kind), way, folder) as card:
        entry = check_read_back(card, "01", odd(kind))
        assert (entry.label, entry.key_reference) == (kind, 1)


@of_every_label
def test_a_label_by_opensc(bare: Card, label: str) -> None:
    bare.tool.write("c.der", odd(NAMED))
    bare.tool.run(f"{WRITE} --id 45 --label {shlex.quote(label)}")
    _check_label(bare, "45", label)


@of_every_label
def test_a_label_by_us(way: Way, folder: Path, label: str) -> None:
    with inserted(ours(odd(NAMED), label), way, folder) as card:
        _check_label(card, "01", label)


def _check_label(card: Card, ident: str, label: str) -> None:
    """All show it whole. For an empty one OpenSC's PKCS#11 takes whom the certificate is for."""
    assert check_read_back(card, ident, odd(NAMED)).label == label
    card.tool.see("pkcs15-tool --list-certificates", f"X.509 Certificate [{label}]\n")
    shown = f"  label:      {label or 'holder'}\n"
    card.tool.see("pkcs11-tool --list-objects --type cert", shown)


def test_a_chain(bare: Card, works: Works) -> None:
    """The holder's certificate, and those of three authorities above it."""
    _check_chain(bare, "50")
    works("OpenSC", "keeps a chain of four certificates")


def test_a_chain_on_a_token_of_ours(way: Way, folder: Path) -> None:
    """The first one is written by us, the others by OpenSC."""
    with inserted(ours(chain().certificates[0], CHAIN[0]), way, folder) as card:
        _check_chain(card, "01")


def _check_chain(card: Card, holder: str) -> None:
    """Write what is not there yet, read all, and let openssl follow it up to the root."""
    idents = [holder, "51", "52", "53"]
    there = {entry.id.hex() for entry in card.certificates()}
    for ident, name, der in zip(idents, CHAIN, chain().certificates, strict=True):
        if ident not in there:
            card.tool.write("c.der", der)
            authority = "" if ident == holder else "--authority"
            card.tool.run(f"{WRITE} --id {ident} --label {name} {authority}")
    for ident, name, der in zip(idents, CHAIN, chain().certificates, strict=True):
        assert check_read_back(card, ident, der).label == name
        card.tool.run(f"mv found.pem {name}.pem")
    between = "-untrusted city.pem -untrusted country.pem"
    card.tool.see(f"openssl verify -CAfile root.pem {between} holder.pem", "holder.pem: OK")


def test_explicit_parameters_of_a_curve(bare: Card, works: Works) -> None:
    """The key, which OpenSC brings to the card as one of the curve that it names, works."""
    explicit = "-pkeyopt ec_paramgen_curve:P-256 -pkeyopt ec_param_enc:explicit"
    bare.tool.run(f"openssl genpkey -quiet -algorithm EC {explicit} -out k.pem")
    bare.tool.run(f"pkcs15-init -S k.pem -i 45 -a 1 --pin {PIN} -u digitalSignature")
    _check_kept_and_not_read(bare)
    check_signs(bare, "45", "k.pem")
    works("OpenSC", "fails: reads no certificate with explicit parameters of a curve")


def test_a_key_for_pss_alone(bare: Card, works: Works) -> None:
    bare.tool.run("openssl genpkey -quiet -algorithm RSA-PSS -out k.pem")
    said = bare.tool.fail(f"pkcs15-init -S k.pem -i 45 -a 1 --pin {PIN} -u sign")
    assert "Failed to store private key: Not supported" in said
    _check_kept_and_not_read(bare)
    works("OpenSC", "fails: knows no key for PSS alone, and reads no certificate of one")


def _check_kept_and_not_read(card: Card) -> None:
    """OpenSC writes a certificate of this key and refuses to read it. The card has it whole."""
    card.tool.run("openssl req -x509 -key k.pem -subj /CN=odd -outform DER -out c.der")
    card.tool.run(f"{WRITE} --id 45")
    said = card.tool.fail("pkcs15-tool --read-certificate 45")
    assert "Certificate read failed: Invalid ASN.1 object" in said
    assert content(card.certificate("45")) == card.tool.read("c.der")
