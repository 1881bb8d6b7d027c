"""A PIV card by PKCS#11: Yubico's library (ykcs11), GnuTLS, OpenSSH."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.clients.cards import PIN
from tests.clients.ledger import Works
from tests.clients.piv import (
    MANAGEMENT_KEY,
    from_factory,
    in_reader,
    module,
    needs,
    version,
    with_keys,
)
from tests.clients.tool import Tool
from tests.piv import cards as piv

SLOTS = {
    0x9A: piv.RSA_2048,
    0x9C: piv.P_256,
    0x9D: piv.RSA_1024,
    0x9E: piv.P_384,
    0x82: piv.P_256,
    0x83: piv.P_384,
}
IDS = ("01", "02", "03", "04", "05", "06")
LABELS = {
    piv.RSA_1024: "PIV RSA-1024",
    piv.RSA_2048: "PIV RSA-2048",
    piv.P_256: "PIV P-256",
    piv.P_384: "PIV P-384",
}
YKCS11, OPENSC = "libykcs11.so", "opensc-pkcs11.so"

needs_ykcs11 = needs("yubico-piv-tool", "yubico-piv-tool, ykcs11")
needs_p11tool = needs("p11tool", "gnutls-bin")
with_libraries = pytest.mark.parametrize(
    "library", [pytest.param(YKCS11, marks=needs_ykcs11), OPENSC]
)


@pytest.fixture
def card(folder: Path) -> Iterator[Tool]:
    """A card with keys in six slots."""
    with in_reader(with_keys(SLOTS), folder) as tool:
        yield tool


@needs_ykcs11
def test_pkcs11_tool_tests_the_card_by_ykcs11(card: Tool) -> None:
    line = f"pkcs11-tool --module {module(YKCS11)} -l -p {PIN}"
    card.see(f"{line} -L", "YubiKey PIV", "firmware version   : 5.70")
    assert card.run(f"{line} -t").splitlines()[-1] == "No errors"


@needs_ykcs11
@pytest.mark.parametrize("ident", IDS)
def test_signatures_by_ykcs11(card: Tool, ident: str, works: Works) -> None:
    line = f"pkcs11-tool --module {module(YKCS11)} -l -p {PIN} --id {ident}"
    algorithm = list(SLOTS.values())[int(ident) - 1]
    card.write("order.txt", b"order")
    card.run(f"{line} --read-object --type cert -o c.der")
    card.run("openssl x509 -inform DER -in c.der -noout -pubkey -out public.pem")
    mechanism = "SHA256-RSA-PKCS" if algorithm in piv.RSA_BITS else "ECDSA-SHA256"
    card.run(f"{line} -s -m {mechanism} --signature-format openssl -i order.txt -o s.bin")
    card.see("openssl dgst -sha256 -verify public.pem -signature s.bin order.txt", "Verified OK")
    works("ykcs11", "signs by PKCS#11", LABELS[algorithm])


@needs_ykcs11
def test_a_key_is_made_by_ykcs11(folder: Path) -> None:
    """The security officer's PIN is the management key. The library adds a certificate."""
    with in_reader(from_factory(), folder) as card:
        line = f"pkcs11-tool --module {module(YKCS11)} -l"
        officer = f"{line} --login-type so --so-pin {MANAGEMENT_KEY}"
        card.run(f"{officer} --keypairgen --key-type EC:prime256v1 --id 01")
        card.run(f"{officer} --keypairgen --key-type rsa:2048 --id 03")
        listed = card.run(f"{line} -p {PIN} -O")
        assert listed.count("Private Key Object") == listed.count("Certificate Object") == 2


@with_libraries
def test_ssh_knows_the_keys(card: Tool, library: str) -> None:
    listed = card.run(f"ssh-keygen -D {module(library)}")
    kinds = re.findall(r"^(\S+) ", listed, re.MULTILINE)
    assert sorted(kinds) == sorted(2 * ["ssh-rsa", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384"])


@needs_p11tool
@with_libraries
def test_p11tool_lists_the_card(card: Tool, library: str, works: Works) -> None:
    """It asks for the PIN on the terminal, or takes it from the environment."""
    found = card.run(
        f"env GNUTLS_PIN={PIN} p11tool --provider {module(library)} --login --list-all"
    )
    for kind in ("X.509 Certificate (RSA-2048)", "Private key (RSA-2048)", "EC/ECDSA-SECP384R1"):
        assert kind in found
    works("GnuTLS", "`p11tool --list-all --login`", "PIV RSA-2048", "PIV P-384")


@needs_p11tool
@with_libraries
def test_p11tool_signs(card: Tool, library: str, works: Works) -> None:
    """GnuTLS signs with the key in 9A and verifies by itself."""
    url = "pkcs11:id=%01;type=private"
    card.see(
        f"env GNUTLS_PIN={PIN} p11tool --provider {module(library)} --login --test-sign '{url}'",
        "ok",
    )
    works("GnuTLS", "`p11tool --test-sign`", "PIV RSA-2048")


@needs_ykcs11
def test_rsa_keys_above_2048_bits_by_ykcs11(folder: Path, works: Works) -> None:
    """2.2 knows none; later versions take them, whatever version the card says it has."""
    with in_reader(with_keys({0x9A: piv.RSA_3072, 0x82: piv.RSA_4096}), folder) as card:
        card.write("order.txt", b"order")
        for ident, name in (("01", "PIV RSA-3072"), ("05", "PIV RSA-4096")):
            line = f"pkcs11-tool --module {module(YKCS11)} -l -p {PIN} --id {ident}"
            sign = f"{line} -s -m SHA256-RSA-PKCS -i order.txt -o s.bin"
            if version(card, "yubico-piv-tool --version") < (2, 5):
                card.fail(sign)
                works("ykcs11", "fails: before 2.5 it knows no such key", name)
            else:
                card.run(sign)
                works("ykcs11", "signs by PKCS#11", name)
