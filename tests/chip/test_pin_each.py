"""Keys that want their PIN anew for every use: what spends it, and what does not."""

from __future__ import annotations

import hashlib

import pytest

from tests.chip.cards import AID, DIGEST_INFO, Chip, activated, personalised

DIGEST = hashlib.sha256(b"order").digest()
SIGN = "00 2A 9E 9A [ {data} ] 00"
RSA, CURVE, CRYPT = "4B11", "4B12", "4B13"
NEW_PIN = b"654321\xff\xff"


def key_file(chip: Chip, kind: str, fid: str, bits: int, access: str, proprietary: str) -> None:
    chip.ok("00 A4 08 0C [ 5015 ]")
    chip.ok(
        f"00 E0 00 00 [ 62 ( 81 ( {{bits}} ) 82 ( {kind} ) 83 ( {fid} ) 86 ( {access} )"
        f" 85 ( {proprietary} ) 8A ( 01 ) ) ]",
        bits=bits.to_bytes(2, "big"),
    )
    chip.ok("00 46 00 00")


@pytest.fixture
def chip() -> Chip:
    """A card with an RSA-1024 and a P-256 key that spend PIN 1; only PIN 1 may use them."""
    chip = activated()
    chip.verify()
    key_file(chip, "11", RSA, 1024, "1111FF", "1000")
    key_file(chip, "22", CURVE, 256, "1111FF", "1000")
    chip.card.reset()
    return chip


@pytest.fixture
def ready(chip: Chip) -> Chip:
    """The PIN is verified and an ECDSA signature is prepared."""
    chip.environment("41 B6", "04", CURVE)
    chip.verify()
    return chip


def signs(chip: Chip, data: bytes = DIGEST) -> bool:
    _, sw = chip.send(SIGN, data=data)
    assert sw in (0x9000, 0x6982), f"{sw:04X}"
    return sw == 0x9000


def test_one_signature_for_each_verification(ready: Chip) -> None:
    assert [signs(ready), signs(ready), signs(ready)] == [True, False, False]
    ready.verify()
    assert [signs(ready), signs(ready)] == [True, False]


def test_verifying_twice_is_not_saved_up(ready: Chip) -> None:
    ready.verify()
    ready.verify()
    assert [signs(ready), signs(ready)] == [True, False]


def test_the_pin_stays_verified_for_everything_else(ready: Chip) -> None:
    assert signs(ready)
    assert ready.sw("00 20 00 01") == "9000"
    ready.environment("41 B6", "04", "4B03")
    assert [signs(ready), signs(ready)] == [True, True]


@pytest.mark.parametrize(
    "command",
    [
        "00 20 00 01",
        "00 A4 08 0C [ 2F00 ]",
        f"00 A4 08 0C [ 5015 {CURVE} ]",
        "00 84 00 00 08",
        "00 CA 01 A0 00",
        "00 2A 90 80 [ 616263 ]",
        "00 22 41 B6 [ 80 01 04 81 02 4B12 ]",
        "00 22 41 B8 [ 80 01 00 81 02 4B11 ]",
    ],
)
def test_what_does_not_spend_the_pin(ready: Chip, command: str) -> None:
    ready.ok(command)
    assert [signs(ready), signs(ready)] == [True, False]


def test_reading_a_file_does_not_spend_the_pin(ready: Chip) -> None:
    ready.ok("00 A4 08 0C [ 2F00 ]")
    ready.ok("00 B0 00 00 08")
    assert signs(ready)


def test_another_key_does_not_spend_the_pin(ready: Chip) -> None:
    ready.environment("41 B6", "04", "4B03")
    assert signs(ready)
    ready.environment("41 B6", "04", CURVE)
    assert [signs(ready), signs(ready)] == [True, False]


def test_one_pin_is_for_one_use_of_any_such_key(chip: Chip) -> None:
    chip.verify()
    chip.environment("41 B6", "04", CURVE)
    assert signs(chip)
    chip.environment("41 B6", "02", RSA)
    assert not signs(chip, DIGEST_INFO + DIGEST)


@pytest.mark.parametrize(
    ("command", "sw"),
    [
        ("00 2A 9E 9A [ 55*65 ] 00", "6700"),
        ("00 2A 9E 9A 00", "6985"),
        ("00 2A 9E 9B [ {data} ] 00", "6A86"),
        ("00 2A 80 86 [ 00 {data} ] 00", "6985"),
        ("00 86 00 00 [ 7C ( 85 ( {data} ) ) ] 00", "6985"),
        ("00 88 00 77 [ {data} ] 00", "6A88"),
    ],
)
def test_a_refused_command_does_not_spend_the_pin(ready: Chip, command: str, sw: str) -> None:
    assert ready.sw(command, data=DIGEST) == sw
    assert [signs(ready), signs(ready)] == [True, False]


@pytest.mark.parametrize(
    "command",
    [
        "00 20 00 01 [ 313131313131FFFF ]",
        "00 2E 00 01",
        "00 2E 00 00",
        f"00 A4 04 0C [ {AID} ]",
        "00 2C 00 01 [ {puk} {pin} ]",
    ],
)
def test_what_takes_the_pin_back(ready: Chip, command: str) -> None:
    ready.send(command)
    data, sw = ready.send("00 22 41 B6 [ 80 01 04 81 02 4B12 ]")
    assert (data, sw) == (b"", 0x9000)
    assert not signs(ready)


def test_a_reset_takes_the_pin_back(ready: Chip) -> None:
    ready.card.reset()
    ready.environment("41 B6", "04", CURVE)
    assert not signs(ready)


def test_changing_the_pin_presents_it(chip: Chip) -> None:
    chip.environment("41 B6", "04", CURVE)
    chip.ok("00 24 00 01 [ {pin} {new} ]", new=NEW_PIN)
    assert [signs(chip), signs(chip)] == [True, False]


def test_a_chain_is_one_command(chip: Chip) -> None:
    chip.environment("41 B6", "00", RSA)
    block = b"\x00\x01" + b"\xff" * 74 + b"\x00" + DIGEST_INFO + DIGEST
    chip.verify()
    signature, sw = chip.chain("2A 9E 9A", block, piece=50)
    assert (len(signature), sw) == (128, 0x9000)
    assert not signs(chip, block)


def test_an_answer_in_pieces_is_one_use(chip: Chip) -> None:
    chip.environment("41 B6", "02", RSA)
    chip.verify()
    _, sw = chip.send("00 2A 9E 9A [ {data} ] 10", data=DIGEST_INFO + DIGEST)
    assert sw == 0x6170
    assert len(chip.ok("00 C0 00 00 70")) == 0x70


def test_a_message_that_is_kept_back_has_cost_the_pin(chip: Chip) -> None:
    """The key has worked, and that it refuses says something of the result."""
    chip.verify()
    chip.ok("00 A4 08 0C [ 5015 ]")
    chip.ok(
        f"00 E0 00 00 [ 62 ( 81 ( 0400 ) 82 ( 11 ) 83 ( {CRYPT} ) 86 ( 1111FF ) 85 ( 1000 )"
        " A5 ( 95 ( 01 ) ) ) ]"
    )
    chip.ok("00 46 00 00 [ 30 ( 81 ( 010001 ) ) ]")
    chip.environment("81 B8", "02", CRYPT)
    cryptogram = chip.ok("00 2A 86 80 [ 616263 ] 00")[1:]
    chip.environment("41 B6", "00", CRYPT)
    assert chip.sw(SIGN, data=cryptogram) == "6985"
    assert chip.sw(SIGN, data=b"\x01") == "6982"


class TestDecipher:
    """The same for a cryptogram, whole or in halves."""

    @pytest.fixture
    def cryptogram(self, chip: Chip) -> bytes:
        chip.environment("81 B8", "02", RSA)
        data = chip.ok("00 2A 86 80 [ 616263 ] 00")[1:]
        chip.environment("41 B8", "02", RSA)
        chip.verify()
        return data

    def test_a_whole_one(self, chip: Chip, cryptogram: bytes) -> None:
        whole = "00 2A 80 86 [ 00 {data} ] 00"
        assert chip.ok(whole, data=cryptogram) == b"abc"
        assert chip.sw(whole, data=cryptogram) == "6982"

    def test_the_first_half_spends_nothing(self, chip: Chip, cryptogram: bytes) -> None:
        first, second = cryptogram[:64], cryptogram[64:]
        chip.ok("00 2A 80 86 [ 81 {data} ]", data=first)
        assert chip.ok("00 2A 80 86 [ 82 {data} ] 00", data=second) == b"abc"
        assert chip.sw("00 2A 80 86 [ 81 {data} ]", data=first) == "6982"

    def test_one_that_is_none(self, chip: Chip, cryptogram: bytes) -> None:
        assert chip.sw("00 2A 80 86 [ 00 {data} ] 00", data=cryptogram[:-1]) == "6700"
        assert chip.sw("00 2A 80 86 [ 00 {data} ] 00", data=b"\xff" * 128) == "6A80"
        assert chip.ok("00 2A 80 86 [ 00 {data} ] 00", data=cryptogram) == b"abc"


def test_key_agreement(chip: Chip) -> None:
    chip.ok(f"00 A4 08 0C [ 5015 {CURVE} ]")
    point = chip.ok("00 CA 01 86 00")[2:]
    chip.environment("41 A4", "04", CURVE)
    chip.verify()
    agree = "00 86 00 00 [ 7C ( 85 ( {point} ) ) ] 00"
    assert chip.sw(agree, point=point[:-1]) == "6A80"
    assert len(chip.ok(agree, point=point)) == 32
    assert chip.sw(agree, point=point) == "6982"


def test_internal_authenticate(chip: Chip) -> None:
    chip.verify()
    challenge = bytes(range(8))
    assert chip.sw("00 88 00 12 [ {data} ] 00", data=challenge[:-1]) == "6700"
    chip.ok("00 88 00 12 [ {data} ] 00", data=challenge)
    assert chip.sw("00 88 00 12 [ {data} ] 00", data=challenge) == "6982"


def test_what_needs_no_private_key_needs_no_pin(ready: Chip) -> None:
    signature = ready.ok(SIGN, data=DIGEST)
    ready.environment("81 B6", "04", CURVE)
    ready.ok("00 2A 00 A8 [ 9E ( {s} ) 9A ( {d} ) ]", s=signature, d=DIGEST)


@pytest.mark.parametrize("reference", ["2", "F"])
def test_a_key_with_a_pin_that_is_not_there_is_never_used(chip: Chip, reference: str) -> None:
    chip.verify()
    key_file(chip, "22", CRYPT, 256, "0000FF", f"{reference}000")
    chip.environment("41 B6", "04", CRYPT)
    chip.verify()
    assert not signs(chip)


def test_the_rule_is_seen_in_the_control_information(chip: Chip) -> None:
    assert bytes.fromhex("85021000") in chip.ok(f"00 A4 08 04 [ 5015 {CURVE} ] 00")


def test_a_key_that_was_made_before_activation_keeps_its_rule() -> None:
    chip = personalised()
    key_file(chip, "22", CURVE, 256, "1111FF", "1000")
    chip.ok(f"00 44 04 00 [ {AID} ]")
    chip.environment("41 B6", "04", CURVE)
    assert not signs(chip)
    chip.verify()
    assert [signs(chip), signs(chip)] == [True, False]
