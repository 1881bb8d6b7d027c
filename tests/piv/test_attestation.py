"""The card's word that a key was made on it: what the certificate says, and when there is none."""

from __future__ import annotations

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from apdu.pivcertificate import build_certificate_object
from applet.piv.profile import VERSION
from tests.consent.panel import ScriptedPanel
from tests.piv.cards import (
    AID,
    P_256,
    P_384,
    RSA_1024,
    RSA_2048,
    PivChip,
    born,
    ec_key,
    ec_parts,
    full,
    prepare_attestation,
)

CERTIFICATE = 0x5FFF01
RULE = "1.3.6.1.4.1.41482.3.8"


def attestation(chip: PivChip, slot: int) -> x509.Certificate:
    return x509.load_der_x509_certificate(chip.ok(f"00 F9 {slot:02X} 00 00"))


def said(certificate: x509.Certificate) -> dict[str, bytes]:
    """What is in the extensions, by their identifiers."""
    found = {}
    for extension in certificate.extensions:
        assert isinstance(extension.value, x509.UnrecognizedExtension)
        found[extension.oid.dotted_string] = extension.value.value
    return found


@pytest.mark.parametrize("signer", [RSA_1024, RSA_2048, P_256, P_384])
@pytest.mark.parametrize(
    ("slot", "policy"),
    [(0x9A, "0201"), (0x9C, "0301"), (0x9D, "0201"), (0x9E, "0101"), (0x95, "0201")],
)
def test_what_it_says(slot: int, policy: str, signer: int) -> None:
    chip = full()
    authority = prepare_attestation(chip, signer)
    found = attestation(chip, slot)
    found.verify_directly_issued_by(authority)
    assert found.subject.rfc4514_string() == f"CN=YubiKey PIV Attestation {slot:02x}"
    assert found.not_valid_before_utc == authority.not_valid_before_utc
    assert found.not_valid_after_utc == authority.not_valid_after_utc
    serial = int.from_bytes(chip.ok("00 F8 00 00 00"), "big")
    told = said(found)
    number = told.pop("1.3.6.1.4.1.41482.3.7")
    assert number[:2] == bytes((2, len(number) - 2))
    assert int.from_bytes(number[2:], "big", signed=True) == serial
    assert told == {
        "1.3.6.1.4.1.41482.3.3": VERSION,
        RULE: bytes.fromhex(policy),
        "1.3.6.1.4.1.41482.3.9": b"\x00",
    }
    assert found.serial_number != attestation(chip, slot).serial_number


def test_the_key_is_the_one_in_the_slot() -> None:
    chip = born()
    prepare_attestation(chip)
    chip.administer()
    made = chip.generate(0x9A, P_384)
    key = attestation(chip, 0x9A).public_key()
    assert isinstance(key, ec.EllipticCurvePublicKey)
    assert key == ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP384R1(), made.point or b"")


def test_the_policies_are_the_keys_own() -> None:
    panel = ScriptedPanel()
    chip = PivChip(panel=panel)
    prepare_attestation(chip)
    chip.administer()
    chip.generate(0x9A, P_256, pin_policy=3, touch_policy=2)
    assert said(attestation(chip, 0x9A))[RULE] == bytes((3, 2))
    assert not panel.questions


def test_a_key_that_was_moved_was_made_here_all_the_same() -> None:
    chip = full()
    prepare_attestation(chip)
    chip.administer()
    chip.ok("00 F6 83 9A")
    assert attestation(chip, 0x83).subject.rfc4514_string().endswith(" 83")
    assert chip.sw("00 F9 9A 00 00") == "6A88"


def test_a_key_that_was_brought_gets_none_wherever_it_is_moved() -> None:
    chip = born()
    prepare_attestation(chip)
    chip.administer()
    assert chip.bring(0x9A, P_256, ec_parts(ec_key(P_256))) == 0x9000
    assert chip.sw("00 F9 9A 00 00") == "6A80"
    chip.ok("00 F6 83 9A")
    assert chip.sw("00 F9 83 00 00") == "6A80"


def test_a_certificate_that_is_compressed() -> None:
    chip = full()
    authority = prepare_attestation(chip, P_256, packed=True)
    attestation(chip, 0x9A).verify_directly_issued_by(authority)


@pytest.mark.parametrize(
    ("content", "sw"),
    [
        (b"", "6A82"),
        (b"\x70", "6985"),
        (b"\x71\x01\x00", "6985"),
        (build_certificate_object(b""), "6985"),
        (build_certificate_object(b"\x30\x00"), "6985"),
        (build_certificate_object(b"no certificate"), "6985"),
        (b"\x70\x01x\x71\x01\x01", "6985"),
    ],
)
def test_without_a_certificate_of_its_own(content: bytes, sw: str) -> None:
    chip = full()
    prepare_attestation(chip)
    chip.administer()
    assert chip.put(CERTIFICATE, content) == 0x9000
    assert chip.sw("00 F9 9A 00 00") == sw


def test_an_authority_that_ends_before_it_begins() -> None:
    """Such a certificate can be read; none can be made with its dates."""
    chip = full()
    der = prepare_attestation(chip).public_bytes(Encoding.DER)
    turned = der.replace(b"250101000000Z", b"470101000000Z")
    assert x509.load_der_x509_certificate(turned).not_valid_before_utc.year == 2047
    chip.administer()
    assert chip.put(CERTIFICATE, build_certificate_object(turned)) == 0x9000
    assert chip.sw("00 F9 9A 00 00") == "6985"


def test_a_reset_keeps_what_came_with_the_card_and_nothing_else() -> None:
    chip = full()
    authority = prepare_attestation(chip)
    chip.administer()
    assert chip.put(0x5FFF00, b"of a tool") == 0x9000
    chip.block_pin()
    chip.block_puk()
    chip.ok("00 FB 00 00")
    assert chip.sw("00 F7 00 9A 00") == "6A88"
    assert chip.sw("00 CB 3F FF [ 5C ( 5FFF00 ) ] 00") == "6A82"
    chip.administer()
    chip.generate(0x9A, P_256)
    attestation(chip, 0x9A).verify_directly_issued_by(authority)


def test_it_lasts() -> None:
    chip = full()
    authority = prepare_attestation(chip)
    again = PivChip(chip.store)
    again.ok(f"00 A4 04 00 [ {AID} ]")
    attestation(again, 0x9A).verify_directly_issued_by(authority)
