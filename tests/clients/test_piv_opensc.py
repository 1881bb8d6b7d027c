"""A PIV card and OpenSC: its tools, and its PKCS#11 library with keys in many slots."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.clients.cards import PIN, PUK
from tests.clients.kinds import (
    P_256,
    P_384,
    RSA_1024,
    RSA_2048,
    RSA_3072,
    Kind,
    check_agreement,
    check_deciphering,
    check_ecdsa,
    check_rsa_signatures,
)
from tests.clients.ledger import Works
from tests.clients.piv import (
    KEY_HISTORY,
    MANAGEMENT_KEY,
    certificate,
    from_factory,
    in_reader,
    put_certificate,
    version,
    with_keys,
)
from tests.clients.tool import Tool
from tests.clients.ways import Way, by_every_way
from tests.piv import cards as piv
from tests.piv.cards import PivChip, ec_key, ec_parts

ALGORITHMS = {
    RSA_1024: piv.RSA_1024,
    RSA_2048: piv.RSA_2048,
    RSA_3072: piv.RSA_3072,
    P_256: piv.P_256,
    P_384: piv.P_384,
}
AUTHENTICATION, SIGNATURE, KEY_MANAGEMENT, CARD, RETIRED = "01", "02", "03", "04", "05"
"""Under which ids OpenSC shows 9A, 9C, 9D, 9E and 82."""
SEVERAL = {
    0x9A: piv.RSA_2048,
    0x9C: piv.RSA_1024,
    0x9D: piv.RSA_2048,
    0x9E: piv.P_256,
    0x82: piv.RSA_1024,
    0x83: piv.P_384,
}
ADMIN = ":".join(MANAGEMENT_KEY[at : at + 2] for at in range(0, 48, 2)).encode()


@pytest.fixture
def card(folder: Path) -> Iterator[Tool]:
    """A card from the factory in a reader; the management key is where piv-tool looks for it."""
    with in_reader(from_factory(), folder, "ushield") as tool:
        tool.write("admin.key", ADMIN)
        yield tool


@by_every_way
def test_pkcs11_tool_tests_a_card_with_keys_in_several_slots(way: Way, folder: Path) -> None:
    with way.inserted(piv.assemble(with_keys(SEVERAL))):
        tool = Tool(folder, way.variables)
        tool.see("opensc-tool --name", "Personal Identity Verification Card")
        text = tool.run(f"pkcs11-tool -l -p {PIN} -t")
        assert text.splitlines()[-1] == "No errors"
        assert "PIV AUTH key" in text and "SIGN key" in text and "Retired KEY MAN" in text


@pytest.mark.parametrize("kind", ALGORITHMS, ids=lambda kind: kind.pkcs11)
def test_every_kind_of_key_in_every_kind_of_slot(folder: Path, kind: Kind, works: Works) -> None:
    slots = dict.fromkeys((0x9A, 0x9C, 0x9D, 0x9E, 0x82), ALGORITHMS[kind])
    with in_reader(with_keys(slots), folder, "ushield") as tool:
        for ident in (AUTHENTICATION, SIGNATURE, CARD):
            tool.run(f"pkcs15-tool --read-public-key {ident} -o public.pem")
            (check_rsa_signatures if kind.rsa else check_ecdsa)(tool, ident)
        for ident in (KEY_MANAGEMENT, RETIRED):
            tool.run(f"pkcs15-tool --read-public-key {ident} -o public.pem")
            if kind.rsa:
                check_deciphering(tool, ident)
            else:
                check_agreement(tool, kind, ident)
    label = f"PIV {kind.label}"
    if kind.rsa:
        works("OpenSC", "`pkcs11-tool` signs (PKCS#1, PSS), deciphers (PKCS#1, OAEP)", label)
    else:
        works("OpenSC", "`pkcs11-tool` signs (ECDSA), agrees (ECDH)", label)


def test_opensc_uses_no_rsa_key_of_4096_bits(folder: Path, works: Works) -> None:
    """Up to 0.26 its PIV driver has no algorithm for one: it lists the certificate, no more."""
    with in_reader(with_keys({0x9A: piv.RSA_4096}), folder, "ushield") as tool:
        tool.see("pkcs11-tool -O", "Public Key Object; RSA 4096 bits")
        tool.write("order.txt", b"order")
        line = f"pkcs11-tool -l -p {PIN} -s -m SHA256-RSA-PKCS --id 01 -i order.txt -o s.bin"
        if _opensc(tool) < (0, 27):
            tool.fail(line)
            works("OpenSC", "fails: its PIV driver has no such key", "PIV RSA-4096")


def test_retired_keys_are_shown_where_the_key_history_counts_them(folder: Path) -> None:
    chip = PivChip(with_keys({0x9A: piv.P_256, 0x82: piv.P_256}))
    with in_reader(chip.store, folder, "ushield") as tool:
        tool.see("pkcs15-tool --list-certificates", "PIV Authentication", "Retired Certificate")
        chip.administer()
        chip.put(KEY_HISTORY, b"")
        assert "Retired" not in tool.run("pkcs15-tool --list-certificates")


def test_certificates_up_to_eight_kilobytes(folder: Path) -> None:
    chip = PivChip(from_factory())
    chip.administer()
    key = ec_key(piv.P_256)
    chip.bring(0x9A, piv.P_256, ec_parts(key))
    with in_reader(chip.store, folder, "ushield") as tool:
        for padding in (0, 60, 1500, 3500, 7900):
            der = certificate(key.public_key(), "large", padding=padding)
            chip.administer()
            put_certificate(chip, 0x9A, der)
            tool.run("pkcs15-tool --read-certificate 01 -o found.pem")
            tool.run("openssl x509 -in found.pem -outform DER -out found.der")
            assert tool.read("found.der") == der


def test_the_pin_by_opensc(card: Tool) -> None:
    card.run(f"pkcs15-tool --verify-pin --pin {PIN}")
    card.run(f"pkcs15-tool --change-pin --pin {PIN} --new-pin 654321")
    card.fail(f"pkcs15-tool --verify-pin --pin {PIN}")
    card.run("pkcs11-tool -l -p 654321 --change-pin --new-pin 222222")
    for _ in range(6):
        card.fail("pkcs15-tool --verify-pin --pin 000000")
    assert "blocked" in card.fail("pkcs15-tool --verify-pin --pin 222222").lower()
    card.run(f"pkcs15-tool --unblock-pin --puk {PUK} --new-pin 246810")
    card.run("pkcs15-tool --verify-pin --pin 246810")


def test_piv_tool_writes_certificates_and_objects(card: Tool) -> None:
    card.run("openssl req -x509 -newkey rsa:2048 -nodes -keyout k.pem -subj /CN=x -out c.pem")
    _piv_tool(card, "-C 9A -i c.pem")
    card.run("pkcs15-tool --read-certificate 01 -o found.pem")
    assert card.read("found.pem") == card.read("c.pem")
    card.write("chuid", b"\x53\x03abc")
    _piv_tool(card, "-O 3000 -i chuid")
    card.see("pkcs15-tool --read-data-object 2.16.840.1.101.3.7.2.48.0", "53 03 61 62 63")
    card.fail("piv-tool -C 9A -i c.pem")


def _piv_tool(tool: Tool, options: str) -> str:
    """What it printed. Its exit code is the number of bytes that it wrote, or 1: no matter."""
    admin = "PIV_EXT_AUTH_KEY=admin.key piv-tool -A M:9B:03"
    return tool.run(f"sh -c '{admin} {options} || true'")


@pytest.mark.parametrize("algorithm", ["07", "11", "14"])
def test_piv_tool_makes_a_key(card: Tool, algorithm: str) -> None:
    """OpenSC 0.23 with OpenSSL 3 makes it, but cannot write the public half down."""
    said = _piv_tool(card, f"-G 9A:{algorithm} -o public.der")
    if _opensc(card) < (0, 24):
        assert "unable to gen" in said
        return
    card.run("openssl pkey -pubin -inform DER -in public.der -out public.pem")
    card.run("openssl req -x509 -newkey rsa:2048 -nodes -keyout ca.key -subj /CN=ca -out ca.pem")
    card.run(
        "openssl x509 -new -force_pubkey public.pem -subj /CN=x -CA ca.pem -CAkey ca.key -out c.pem"
    )
    _piv_tool(card, "-C 9A -i c.pem")
    (check_rsa_signatures if algorithm == "07" else check_ecdsa)(card, AUTHENTICATION)


def test_piv_tool_answers_the_challenge_of_the_card(card: Tool) -> None:
    """OpenSC 0.23 gets the challenge and then reckons with a wrong length of its own answer."""
    line = "env PIV_EXT_AUTH_KEY=admin.key piv-tool -A A:9B:03"
    if _opensc(card) < (0, 24):
        assert "admin_mode failed -1400" in card.fail(line)
    else:
        card.run(line)


def _opensc(tool: Tool) -> tuple[int, ...]:
    return version(tool, "opensc-tool --info")
