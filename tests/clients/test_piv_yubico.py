"""A PIV card and yubico-piv-tool: keys, certificates, PIN and PUK, management key, objects."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from tests.clients.cards import PIN, PUK
from tests.clients.ledger import Works
from tests.clients.piv import (
    MANAGEMENT_KEY,
    from_factory,
    in_reader,
    label,
    needs,
    version,
    with_keys,
)
from tests.clients.tool import Tool
from tests.clients.ways import Way, by_every_way
from tests.piv import cards as piv

pytestmark = needs("yubico-piv-tool", "yubico-piv-tool")

NEW_KEY = "112233445566778811223344556677881122334455667788"
AES = {"AES128": "5A" * 16, "AES192": "5A" * 24, "AES256": "5A" * 32}
VERIFIED = f"yubico-piv-tool -a verify-pin -P {PIN}"
P_256, P_384 = (f"ec -pkeyopt ec_paramgen_curve:{name}" for name in ("P-256", "P-384"))
CURVES = {"ECCP256": ec.SECP256R1(), "ECCP384": ec.SECP384R1()}
CASES = [
    ("9a", "RSA2048", "rsa:2048"),
    ("9c", "ECCP256", P_256),
    ("9d", "RSA1024", "rsa:1024"),
    ("9e", "ECCP384", P_384),
    ("82", "ECCP256", P_256),
    ("95", "RSA2048", "rsa:2048"),
]


@pytest.fixture
def card(folder: Path) -> Iterator[Tool]:
    """A card from the factory in a reader that the program finds without being told."""
    with in_reader(from_factory(), folder) as tool:
        yield tool


@by_every_way
def test_a_card_in_a_reader_of_any_name(way: Way, folder: Path) -> None:
    with way.inserted(piv.assemble(from_factory())):
        tool = Tool(folder, way.variables)
        text = tool.run(f"yubico-piv-tool -r '{way.reader}' -a status")
        assert "5.7.0" in text and "PIN tries left:\t6" in text


@pytest.mark.parametrize(("slot", "algorithm", "kind"), CASES)
def test_a_key_is_made_and_used(
    card: Tool, slot: str, algorithm: str, kind: str, works: Works
) -> None:
    card.run(f"yubico-piv-tool -a generate -s {slot} -A {algorithm} -o public.pem")
    card.run(f"openssl req -x509 -newkey {P_256} -nodes -keyout ca.key -subj /CN=ca -out ca.pem")
    card.run(
        "openssl x509 -new -force_pubkey public.pem -subj /CN=holder -CA ca.pem -CAkey ca.key "
        "-out c.pem"
    )
    _check(card, slot, algorithm)
    works("yubico-piv-tool", "makes a key, and uses it", label(algorithm))


@pytest.mark.parametrize(("slot", "algorithm"), [case[:2] for case in CASES])
def test_a_key_is_brought_and_used(card: Tool, slot: str, algorithm: str, works: Works) -> None:
    _make_key(card, algorithm, begins_with_zero=False)
    card.run("openssl req -x509 -key k.pem -subj /CN=holder -out c.pem")
    card.run(f"yubico-piv-tool -a import-key -s {slot} -i k.pem")
    _check(card, slot, algorithm)
    works("yubico-piv-tool", "brings a key with its certificate, and uses it", label(algorithm))


def test_a_private_value_that_begins_with_zero(card: Tool, works: Works) -> None:
    """2.7 announces a byte more than it sends."""
    _make_key(card, "ECCP256", begins_with_zero=True)
    if version(card, "yubico-piv-tool --version") < (2, 5):
        card.run("yubico-piv-tool -a import-key -s 82 -i k.pem")
        return
    card.fail("yubico-piv-tool -a import-key -s 82 -i k.pem")
    works(
        "yubico-piv-tool", "fails: one key in 256 on a curve, which begins with 00, is not brought"
    )


def _make_key(card: Tool, algorithm: str, *, begins_with_zero: bool) -> None:
    """Leave a private key in `k.pem`: one with a part that begins with 00, or one without."""
    while True:
        key = _new_key(algorithm)
        if any(value >> bits - 8 == 0 for value, bits in _parts(key)) is begins_with_zero:
            break
    card.write("k.pem", key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))


def _new_key(algorithm: str) -> rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey:
    if algorithm in CURVES:
        return ec.generate_private_key(CURVES[algorithm])
    return rsa.generate_private_key(65537, int(algorithm.removeprefix("RSA")))


def _parts(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey) -> list[tuple[int, int]]:
    """What is brought to the card of a key, each with the bits that it is sent in."""
    numbers = key.private_numbers()
    if isinstance(numbers, rsa.RSAPrivateNumbers):
        values = (numbers.p, numbers.q, numbers.dmp1, numbers.dmq1, numbers.iqmp)
        return [(value, key.key_size // 2) for value in values]
    return [(numbers.private_value, key.key_size)]


def _check(card: Tool, slot: str, algorithm: str) -> None:
    """The certificate is kept, and the key fits it."""
    card.run(f"yubico-piv-tool -a import-certificate -s {slot} -i c.pem")
    card.run(f"yubico-piv-tool -a read-certificate -s {slot} -o found.pem")
    assert card.read("found.pem") == card.read("c.pem")
    card.see("yubico-piv-tool -a status", f"Slot {slot}", algorithm, "CN=holder")
    card.see(f"{VERIFIED} -a test-signature -s {slot} -i c.pem", "Successful")
    card.see(f"{VERIFIED} -a test-decipher -s {slot} -i c.pem", "Successful")
    card.run(f"yubico-piv-tool -a delete-certificate -s {slot}")
    card.fail(f"yubico-piv-tool -a read-certificate -s {slot}")


@pytest.mark.parametrize("algorithm", ["RSA3072", "RSA4096"])
def test_large_rsa_keys(card: Tool, algorithm: str, works: Works) -> None:
    """2.2 knows none."""
    generate = f"yubico-piv-tool -a generate -s 9a -A {algorithm} -o public.pem"
    if version(card, "yubico-piv-tool --version") < (2, 5):
        card.fail(generate)
        works("yubico-piv-tool", "fails: before 2.5 it knows no such key", label(algorithm))
        return
    card.run(generate)
    card.run(f"{VERIFIED} -a selfsign-certificate -s 9a -S /CN=x/ -i public.pem -o c.pem")
    card.see("openssl verify -CAfile c.pem c.pem", "OK")
    works("yubico-piv-tool", "makes a key, and uses it", label(algorithm))


def test_a_key_changes_its_slot(card: Tool) -> None:
    _make_key(card, "ECCP256", begins_with_zero=False)
    card.run("openssl req -x509 -key k.pem -subj /CN=x -out c.pem")
    card.run("yubico-piv-tool -a import-key -s 9a -i k.pem")
    move = "yubico-piv-tool -a move-key -s 9a --to-slot 82"
    if version(card, "yubico-piv-tool --version") < (2, 4):
        card.fail(move)
        return
    card.run(move)
    card.run(f"{VERIFIED} -a test-signature -s 82 -i c.pem")
    card.run("yubico-piv-tool -a delete-key -s 82")
    card.fail(f"{VERIFIED} -a test-signature -s 82 -i c.pem")


def test_the_pin_is_asked_for_where_the_slot_wants_it(folder: Path) -> None:
    slots = dict.fromkeys((0x9A, 0x9C, 0x9D, 0x9E), piv.P_256)
    with in_reader(with_keys(slots), folder) as card:
        for slot in ("9a", "9c", "9d", "9e"):
            card.run(f"yubico-piv-tool -a read-certificate -s {slot} -o c.pem")
            line = f"yubico-piv-tool -a test-signature -s {slot} -i c.pem"
            (card.run if slot == "9e" else card.fail)(line)
        twice = f"{VERIFIED} -a test-signature -a test-signature -i c.pem"
        for slot, ends in (("9a", card.run), ("9c", card.fail)):
            card.run(f"yubico-piv-tool -a read-certificate -s {slot} -o c.pem")
            ends(f"{twice} -s {slot}")


def test_a_key_with_a_rule_of_its_own(card: Tool) -> None:
    _make_key(card, "ECCP256", begins_with_zero=False)
    card.run("openssl req -x509 -key k.pem -subj /CN=x -out c.pem")
    card.run("yubico-piv-tool -a import-key -s 9a -i k.pem --pin-policy=never")
    card.run("yubico-piv-tool -a test-signature -s 9a -i c.pem")
    card.fail("yubico-piv-tool -a import-key -s 9a -i k.pem --touch-policy=always")


def test_a_compressed_certificate(card: Tool) -> None:
    """Before 2.4 it writes one, and reads none; OpenSC reads it."""
    card.run(f"openssl req -x509 -newkey {P_256} -nodes -keyout k.pem -subj /CN=x -out c.pem")
    card.run("openssl x509 -in c.pem -outform DER -out c.der")
    card.run("gzip -n c.der")
    card.run("yubico-piv-tool -a import-certificate -s 9a -K GZIP -i c.der.gz")
    card.run("pkcs15-tool --read-certificate 01 -o found.pem")
    assert card.read("found.pem") == card.read("c.pem")
    if version(card, "yubico-piv-tool --version") < (2, 4):
        card.fail("yubico-piv-tool -a read-certificate -s 9a")
    else:
        card.run("yubico-piv-tool -a read-certificate -s 9a -o found.pem")
        assert card.read("found.pem") == card.read("c.pem")


def test_certificates_and_requests_of_its_own(card: Tool) -> None:
    """Before 2.3 it hangs its signature on OpenSSL in a way that OpenSSL 3 ignores."""
    card.run("yubico-piv-tool -a generate -s 9a -A ECCP256 -o public.pem")
    signed = f"{VERIFIED} -a selfsign-certificate -s 9a -S /CN=x/ -i public.pem -o c.pem"
    request = f"{VERIFIED} -a request-certificate -s 9a -S /CN=x/ -i public.pem -o r.pem"
    if version(card, "yubico-piv-tool --version") < (2, 3):
        assert "Failed signing certificate" in card.fail(signed)
        assert "Failed signing request" in card.fail(request)
        return
    card.run(signed)
    card.see("openssl verify -CAfile c.pem c.pem", "OK")
    card.run(request)
    card.see("openssl req -in r.pem -noout -verify", "OK")


def test_pin_and_puk(card: Tool) -> None:
    card.run(f"yubico-piv-tool -a change-pin -P {PIN} -N 654321")
    card.see(f"yubico-piv-tool -a change-puk -P {PUK} -N 87654321", "Successfully")
    assert "5 tries left" in card.fail(VERIFIED)
    said = [card.fail(VERIFIED) for _ in range(5)]
    assert "blocked" in said[-1]
    card.see("yubico-piv-tool -a status", "PIN tries left:\t0")
    assert "9 tries left" in card.fail(f"yubico-piv-tool -a unblock-pin -P {PUK} -N {PIN}")
    card.run(f"yubico-piv-tool -a unblock-pin -P 87654321 -N {PIN}")
    card.run(VERIFIED)


def test_the_management_key(card: Tool) -> None:
    card.run(f"yubico-piv-tool -a set-mgm-key -n {NEW_KEY}")
    assert "Failed authentication" in card.fail("yubico-piv-tool -a set-ccc")
    card.run(f"yubico-piv-tool -k{NEW_KEY} -a set-ccc")
    card.run(f"yubico-piv-tool -k{NEW_KEY} -a set-mgm-key -n {MANAGEMENT_KEY}")
    card.run("yubico-piv-tool -a set-ccc")


@pytest.mark.parametrize("name", AES)
def test_a_management_key_for_aes(card: Tool, name: str) -> None:
    """2.2 knows 3DES only."""
    key = AES[name]
    change = f"yubico-piv-tool -a set-mgm-key -n {key} --new-key-algo {name}"
    if version(card, "yubico-piv-tool --version") < (2, 3):
        card.fail(change)
        return
    card.run(change)
    card.fail("yubico-piv-tool -a set-ccc")
    card.run(f"yubico-piv-tool -k{key} -a set-ccc")


def test_objects(card: Tool) -> None:
    card.run("yubico-piv-tool -a set-chuid -a set-ccc")
    status = card.run("yubico-piv-tool -a status")
    assert "CHUID:\t3019" in status and "CCC:\tf015" in status
    card.write("data", bytes(range(256)) * 11)
    card.run("yubico-piv-tool -a write-object --id 0x5fff10 -f binary -i data")
    card.run("yubico-piv-tool -a read-object --id 0x5fff10 -f binary -o found")
    assert card.read("found") == card.read("data")
    card.fail("yubico-piv-tool -a read-object --id 0x5fff11 -f binary -o found")


def test_tries_and_reset(card: Tool) -> None:
    card.run("yubico-piv-tool -a generate -s 9a -A ECCP256 -o public.pem")
    card.run(f"{VERIFIED} -a pin-retries --pin-retries 2 --puk-retries 1")
    assert "pincodes blocked" in card.fail("yubico-piv-tool -a reset")
    for _ in range(2):
        card.fail("yubico-piv-tool -a verify-pin -P 000000")
    card.fail(f"yubico-piv-tool -a unblock-pin -P 00000000 -N {PIN}")
    card.run("yubico-piv-tool -a reset")
    card.see("yubico-piv-tool -a status", "PIN tries left:\t6")
    card.run(VERIFIED)


def test_there_is_no_attestation(card: Tool) -> None:
    card.run("yubico-piv-tool -a generate -s 9a -A ECCP256 -o public.pem")
    card.fail("yubico-piv-tool -a attest -s 9a")
