"""Yubico's GET METADATA and MOVE KEY: what is told of keys and PINs, and keys that change slots."""

from __future__ import annotations

import pytest

from apdu.errors import ApduError
from apdu.piv import PublicKey
from apdu.pivmetadata import Metadata, parse_metadata
from tests.piv.cards import (
    AES_256,
    DES,
    P_256,
    P_384,
    RSA_1024,
    SLOTS,
    PivChip,
    born,
    ec_key,
    ec_parts,
    encoded,
    full,
    rsa_key,
    rsa_parts,
)

ONCE, ALWAYS, NEVER = 2, 3, 1


def told(chip: PivChip, reference: int) -> Metadata:
    return parse_metadata(chip.ok(f"00 F7 00 {reference:02X} 00"))


@pytest.fixture
def chip() -> PivChip:
    chip = born()
    chip.administer()
    return chip


@pytest.mark.parametrize("slot", SLOTS)
def test_a_key_that_was_made_here(chip: PivChip, slot: int) -> None:
    made = chip.generate(slot, P_256)
    policy = {0x9C: ALWAYS, 0x9E: NEVER}.get(slot, ONCE)
    assert told(chip, slot) == Metadata(P_256, (policy, 1), imported=False, public_key=made)


@pytest.mark.parametrize(("algorithm", "policy"), [(RSA_1024, NEVER), (P_384, ALWAYS)])
def test_a_key_from_outside(chip: PivChip, algorithm: int, policy: int) -> None:
    if algorithm == RSA_1024:
        rsa = rsa_key(1024)
        numbers = rsa.public_key().public_numbers()
        public, parts = PublicKey(numbers.n.to_bytes(128, "big"), b"\x01\x00\x01"), rsa_parts(rsa)
    else:
        curve = ec_key(P_384)
        public, parts = PublicKey(point=encoded(curve)), ec_parts(curve)
    assert chip.bring(0x9A, algorithm, parts, pin_policy=policy) == 0x9000
    assert told(chip, 0x9A) == Metadata(algorithm, (policy, 1), imported=True, public_key=public)


def test_the_pin_and_its_puk(chip: PivChip) -> None:
    assert told(chip, 0x80) == Metadata(0xFF, factory=True, tries=(6, 6))
    assert told(chip, 0x81) == Metadata(0xFF, factory=True, tries=(10, 10))
    chip.sw("00 20 00 80 [ {wrong} ]")
    chip.sw("00 2C 00 80 [ {wrong} {pin} ]")
    chip.ok("00 24 00 81 [ {puk} 39*8 ]")
    assert told(chip, 0x80) == Metadata(0xFF, factory=True, tries=(6, 5))
    assert told(chip, 0x81) == Metadata(0xFF, factory=False, tries=(10, 10))
    assert chip.sw("00 20 00 80") == "63C5"


def test_the_management_key(chip: PivChip) -> None:
    assert told(chip, 0x9B) == Metadata(DES, (0, 1), factory=True)
    assert chip.set_management_key(AES_256, bytes(range(32))) == "9000"
    assert told(chip, 0x9B) == Metadata(AES_256, (0, 1), factory=False)


def test_a_key_moves_with_its_rule_and_leaves_nothing_behind(chip: PivChip) -> None:
    chip.generate(0x9C, P_256)
    before = told(chip, 0x9C)
    chip.ok("00 F6 82 9C")
    assert told(chip, 0x82) == before
    assert chip.sw("00 F7 00 9C") == "6A88"
    chip.verify()
    assert [chip.sign(0x82), chip.sign(0x82)] == ["9000", "6982"]
    chip.generate(0x9C, P_384)
    assert told(chip, 0x82) == before


def test_a_key_that_is_deleted_is_gone_for_good() -> None:
    chip = full()
    chip.administer()
    others = [told(chip, slot) for slot in (0x9A, 0x9D, 0x9E, 0x82)]
    chip.ok("00 F6 FF 9C")
    assert not [name for name in chip.store.keys("piv/") if name.lower().endswith("/9c")]
    assert [told(chip, slot) for slot in (0x9A, 0x9D, 0x9E, 0x82)] == others
    again = chip.copy()
    again.verify()
    assert again.sign(0x9C) == "6A88"


def test_a_slot_that_is_taken_keeps_its_key() -> None:
    chip = full()
    chip.administer()
    before = told(chip, 0x9A), told(chip, 0x9C)
    assert chip.sw("00 F6 9A 9C") == "6985"
    assert (told(chip, 0x9A), told(chip, 0x9C)) == before


def test_a_key_of_an_older_memory_counts_as_made_here() -> None:
    chip = full()
    chip.store.put("piv/policy/9A", b"\x03")
    chip.store.commit()
    found = told(chip.copy(), 0x9A)
    assert (found.policy, found.imported) == ((ALWAYS, 1), False)


@pytest.mark.parametrize("raw", ["", "020101", "0102FFFF", "010111 0201FF", "010111 04028100"])
def test_what_is_no_metadata(raw: str) -> None:
    with pytest.raises(ApduError) as refused:
        parse_metadata(bytes.fromhex(raw))
    assert refused.value.reason


def test_what_later_versions_tell_is_passed_over() -> None:
    assert parse_metadata(bytes.fromhex("0101FF 050101 06020603 070101")) == Metadata(
        0xFF, factory=True, tries=(6, 3)
    )
