"""Numbers that begin with zero bytes: one in 256, and right every time.

An ECDSA signature is minimal DER (X.690 §8.3.2), whatever r and s are. Whatever RSA, ECDH and the
public parts give has its full length (RFC 8017 §4.1; SEC 1 §2.3.5).

The keys are new each time. So a test goes on beyond its thousands until a zero has come up.
"""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import sha256, sha384
from itertools import count

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.chip.cards import BOTH, DIGEST_INFO, EC, EC_384, Chip, activated
from tests.chip.known import import_ec


@pytest.fixture
def chip() -> Chip:
    chip = activated()
    chip.verify()
    return chip


@pytest.fixture(params=[1, pytest.param(20, marks=pytest.mark.torture)], ids=["some", "many"])
def times(request: pytest.FixtureRequest) -> int:
    """How many times as long as it has to be."""
    number: int = request.param
    return number


def _until(least: int, seen: list[int]) -> Iterator[int]:
    """0, 1, 2 and so on, so many at least, and on until something was seen."""
    for number in count():
        if number >= least and seen:
            return
        yield number


def _integers(signature: bytes) -> tuple[bytes, bytes]:
    """The contents of the two integers; everything else about the encoding is checked here."""
    assert signature[0] == 0x30 and signature[1] < 0x80
    assert len(signature) == 2 + signature[1]
    assert signature[2] == 0x02
    middle = 4 + signature[3]
    assert signature[middle] == 0x02
    first, second = signature[4:middle], signature[middle + 2 :]
    assert len(second) == signature[middle + 1]
    return first, second


def _check_minimal(content: bytes) -> None:
    assert content, "an integer has at least one byte"
    assert content[0] < 0x80, "a positive integer has its top bit clear"
    assert not (len(content) > 1 and content[0] == 0 and content[1] < 0x80), "not minimal"


@pytest.mark.parametrize(
    ("key", "size", "least", "curve", "algorithm"),
    [
        (EC, 32, 4000, ec.SECP256R1(), hashes.SHA256()),
        (EC_384, 48, 2000, ec.SECP384R1(), hashes.SHA384()),
    ],
    ids=["P-256", "P-384"],
)
def test_ecdsa_signatures_are_minimal_der(
    chip: Chip,
    times: int,
    key: str,
    size: int,
    least: int,
    curve: ec.EllipticCurve,
    algorithm: hashes.HashAlgorithm,
) -> None:
    chip.ok(f"00 A4 08 0C [ 5015 {key} ]")
    point = chip.ok("00 CA 01 86 00")[2:]
    public = ec.EllipticCurvePublicKey.from_encoded_point(curve, point)
    chip.environment("41 B6", "04", key)
    header = bytes((0x00, 0x2A, 0x9E, 0x9A, size))
    short: list[int] = []
    for number in _until(least * times, short):
        digest = sha384(number.to_bytes(4, "big")).digest()[:size]
        answer = chip.card.transmit(header + digest + b"\x00")
        assert answer[-2:] == b"\x90\x00"
        integers = _integers(answer[:-2])
        for content in integers:
            _check_minimal(content)
        is_short = any(
            int.from_bytes(content, "big") >> (8 * size - 8) == 0 for content in integers
        )
        if is_short or number % 4 == 0:
            public.verify(answer[:-2], digest, ec.ECDSA(Prehashed(algorithm)))
        short += [number] * is_short


def _modulus(chip: Chip) -> int:
    chip.ok(f"00 A4 08 0C [ 5015 {BOTH} ]")
    return int.from_bytes(chip.ok("00 CA 01 01 00"), "big")


def test_rsa_signatures_have_full_length(chip: Chip, times: int) -> None:
    n = _modulus(chip)
    chip.environment("41 B6", "02", BOTH)
    zeros: list[int] = []
    for number in _until(3000 * times, zeros):
        info = DIGEST_INFO + sha256(number.to_bytes(4, "big")).digest()
        answer = chip.card.transmit(bytes((0x00, 0x2A, 0x9E, 0x9A, len(info))) + info + b"\x00")
        assert len(answer) == 130 and answer[-2:] == b"\x90\x00"
        block = pow(int.from_bytes(answer[:-2], "big"), 65537, n).to_bytes(128, "big")
        assert block == b"\x00\x01" + b"\xff" * 74 + b"\x00" + info
        zeros += [number] * (answer[0] == 0)


@pytest.mark.parametrize(("use", "header"), [("41 B6", "002A9E9A80"), ("41 B8", "002A80868100")])
def test_raw_rsa_results_have_full_length(chip: Chip, use: str, header: str) -> None:
    """The raw operation, on blocks chosen so that every tenth result begins with zero bytes."""
    n = _modulus(chip)
    chip.environment(use, "00", BOTH)
    zeros = 0
    for number in range(1500):
        result = pow(7, number + 1, n) >> (8 * (number % 10 == 0) * (number % 100))
        block = pow(result, 65537, n).to_bytes(128, "big")
        answer = chip.card.transmit(bytes.fromhex(header) + block + b"\x00")
        assert answer == result.to_bytes(128, "big") + b"\x90\x00"
        zeros += answer[0] == 0
    assert zeros > 100


def test_deciphered_texts_keep_their_leading_zeros(chip: Chip, times: int) -> None:
    """PKCS#1 v1.5 through the card's own encipherment, whose cryptograms begin with zeros too."""
    chip.environment("81 B8", "02", BOTH)
    chip.environment("41 B8", "02", BOTH)
    zeros: list[int] = []
    for number in _until(1000 * times, zeros):
        text = bytes(number % 20) + number.to_bytes(3, "big")
        cryptogram = chip.ok("00 2A 86 80 [ {text} ] 00", text=text)
        assert len(cryptogram) == 129
        assert chip.ok("00 2A 80 86 [ {body} ] 00", body=cryptogram) == text
        zeros += [number] * (cryptogram[1] == 0)


def test_shared_secrets_have_full_length(chip: Chip, times: int) -> None:
    chip.ok(f"00 A4 08 0C [ 5015 {EC} ]")
    point = chip.ok("00 CA 01 86 00")[2:]
    card = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), point)
    chip.environment("41 A4", "04", EC)
    zeros: list[int] = []
    for number in _until(1000 * times, zeros):
        other = ec.derive_private_key(number + 1, ec.SECP256R1())
        own = other.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        secret = chip.ok("00 86 00 00 [ 7C ( 85 ( {own} ) ) ] 00", own=own)
        assert secret == other.exchange(ec.ECDH(), card)
        assert len(secret) == 32
        zeros += [number] * (secret[0] == 0)


@pytest.mark.parametrize("at", [1, 33], ids=["x", "y"])
def test_points_keep_their_leading_zeros(chip: Chip, at: int) -> None:
    number, point = next(
        (number, point)
        for number in range(1, 10_000)
        if (point := _point(number))[at] == 0 and len(point) == 65
    )
    assert import_ec(chip, 256, number, point) == 0x9000
    assert chip.ok("00 CA 01 86 00") == b"\x86\x41" + point


def _point(number: int) -> bytes:
    key = ec.derive_private_key(number, ec.SECP256R1()).public_key()
    return key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


def test_an_imported_key_part_may_be_padded_or_bare(chip: Chip) -> None:
    """Leading zeros of an imported number mean nothing."""
    key = rsa.generate_private_key(65537, 1024).private_numbers()
    for pad in (0, 1, 3):
        chip.ok("00 A4 08 0C [ 5015 ]")
        chip.send("A0 E4 00 00 [ 4B10 ]")
        chip.ok("00 E0 00 00 [ 62 ( 81 ( 0400 ) 82 ( 11 ) 83 ( 4B10 ) 86 ( 0000FF ) ) ]")
        for tag, part in (("83", key.p), ("84", key.q), ("80", key.public_numbers.n)):
            value = bytes(pad) + part.to_bytes(-(-part.bit_length() // 8), "big")
            chip.ok(f"00 DA 01 {tag} [ {{value}} ]", value=value)
        chip.ok("00 DA 01 81 [ {value} ]", value=bytes(pad) + b"\x01\x00\x01")
        assert chip.ok("00 CA 01 01 00") == key.public_numbers.n.to_bytes(128, "big")
        assert chip.ok("00 CA 01 02 00") == b"\x01\x00\x01"
