"""Keys made and imported by command APDUs: their files, their usage, and what is no key."""

from __future__ import annotations

import hashlib

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.padding import (
    MGF1,
    OAEP,
    AsymmetricPadding,
    PKCS1v15,
)

from tests.chip.cards import DECIPHER, DIGEST_INFO, SIGN, Chip, activated, create_key
from tests.chip.known import import_rsa, number, rsa_examples

INFO = DIGEST_INFO + bytes(range(32))
HASHES = (hashes.SHA1, hashes.SHA224, hashes.SHA256, hashes.SHA384, hashes.SHA512)
FREE = "0000FF"


@pytest.fixture
def chip() -> Chip:
    chip = activated()
    chip.verify()
    return chip


@pytest.fixture(scope="module")
def key() -> rsa.RSAPrivateNumbers:
    return rsa.generate_private_key(65537, 1024).private_numbers()


def _put(chip: Chip, **parts: int) -> list[str]:
    tags = {"p": "83", "q": "84", "e": "81", "n": "80", "dp": "85", "dq": "86", "qinv": "87"}
    return [
        chip.sw(f"00 DA 01 {tags[name]} [ {{part}} ]", part=number(part))
        for name, part in parts.items()
    ]


@pytest.mark.parametrize("bits", [1024, 2048, 3072])
def test_rsa_keys_are_made_in_every_size(chip: Chip, bits: int) -> None:
    create_key(chip, "11", "4B10", bits, None, FREE)
    assert chip.sw("00 CA 01 01 00") == "6A88"
    chip.ok("00 46 00 00 [ 30 ( 81 ( 010001 ) ) ]")
    n = int.from_bytes(chip.ok("00 CA 01 01 00"), "big")
    assert n.bit_length() == bits
    chip.environment("41 B6", "02", "4B10")
    signature = chip.ok("00 2A 9E 9A [ {info} ] 00", info=INFO)
    assert len(signature) == bits // 8
    block = pow(int.from_bytes(signature, "big"), 65537, n).to_bytes(bits // 8, "big")
    assert block == b"\x00\x01".ljust(bits // 8 - 52, b"\xff") + b"\x00" + INFO


def test_a_key_made_anew_is_another_one(chip: Chip) -> None:
    create_key(chip, "22", "4B10", 256, None, FREE)
    points = set()
    for _ in range(5):
        chip.ok("00 46 00 00")
        points.add(chip.ok("00 CA 01 86 00"))
    assert len(points) == 5


@pytest.mark.parametrize(
    "parts",
    [
        {"p": 0, "q": 0, "e": 65537, "n": 0},
        {"p": 1, "q": 1, "e": 65537, "n": 1},
        {"p": 7, "q": 7, "e": 3, "n": 49},
        {"p": 7, "q": 11, "e": 0, "n": 77},
        {"p": 7, "q": 11, "e": 2, "n": 77},
        {"p": 2**511 + 111, "q": 2**511 + 187, "e": 65537, "n": 5},
    ],
)
def test_numbers_that_are_no_key_are_refused(chip: Chip, parts: dict[str, int]) -> None:
    create_key(chip, "11", "4B10", 1024, None, FREE)
    *first, last = _put(chip, **parts)
    assert set(first) == {"9000"}
    assert last == "6A80"
    assert chip.sw("00 CA 01 01 00") == "6A88"


@pytest.mark.parametrize("wrong", ["dp", "dq", "qinv", "n", "e", "q"])
def test_one_wrong_part_spoils_the_key(chip: Chip, key: rsa.RSAPrivateNumbers, wrong: str) -> None:
    create_key(chip, "11", "4B10", 1024, None, FREE)
    parts = {
        "p": key.p,
        "q": key.q,
        "dp": key.dmp1,
        "dq": key.dmq1,
        "qinv": key.iqmp,
        "e": key.public_numbers.e,
        "n": key.public_numbers.n,
    }
    parts[wrong] += 2
    assert _put(chip, **parts)[-1] == "6A80"
    assert chip.sw("00 CA 01 01 00") == "6A88"


def test_a_key_of_another_size_than_its_file_is_refused(
    chip: Chip, key: rsa.RSAPrivateNumbers
) -> None:
    create_key(chip, "11", "4B10", 2048, None, FREE)
    sws = _put(chip, p=key.p, q=key.q, e=key.public_numbers.e, n=key.public_numbers.n)
    assert sws == ["9000", "9000", "9000", "6A80"]


@pytest.mark.parametrize("deleted", [False, True])
def test_parts_belong_to_the_file_they_were_sent_to(
    chip: Chip, key: rsa.RSAPrivateNumbers, deleted: bool
) -> None:
    """CREATE FILE makes the new file current: what was sent before was for the old one."""
    create_key(chip, "11", "4B10", 1024, None, FREE)
    assert _put(chip, p=key.p, e=key.public_numbers.e, n=key.public_numbers.n) == ["9000"] * 3
    fid = "4B11"
    if deleted:
        chip.ok("A0 E4 00 00")
        fid = "4B10"
    chip.ok(f"00 E0 00 00 [ 62 ( 81 ( 0800 ) 82 ( 11 ) 83 ( {fid} ) 86 ( {FREE} ) ) ]")
    _put(chip, q=key.q)
    assert chip.sw("00 CA 01 01 00") == "6A88", "an RSA-1024 key in a file for RSA-2048"


def test_a_broken_import_leaves_the_old_key(chip: Chip, key: rsa.RSAPrivateNumbers) -> None:
    import_rsa(chip, key.p, key.q, key.public_numbers.e)
    modulus = chip.ok("00 CA 01 01 00")
    sws = _put(chip, p=key.p + 2, q=key.q, e=key.public_numbers.e, n=key.public_numbers.n)
    assert sws[-1] == "6A80"
    assert chip.ok("00 CA 01 01 00") == modulus


@pytest.mark.parametrize(
    ("usage", "sign", "decipher", "authenticate"),
    [
        (None, "9000", "9000", "9000"),
        (0x01, "9000", "6985", "6985"),
        (0x02, "6985", "9000", "6985"),
        (0x08, "6985", "6985", "9000"),
        (0x09, "9000", "6985", "9000"),
        (0x00, "6985", "6985", "6985"),
    ],
)
def test_a_key_does_what_its_usage_says(
    chip: Chip,
    key: rsa.RSAPrivateNumbers,
    usage: int | None,
    sign: str,
    decipher: str,
    authenticate: str,
) -> None:
    import_rsa(chip, key.p, key.q, key.public_numbers.e, usage=usage)
    chip.environment("41 B6", "02", "4B10")
    assert f"{chip.send('00 2A 9E 9A [ {info} ] 00', info=INFO)[1]:04X}" == sign
    chip.environment("41 B8", "02", "4B10")
    assert f"{chip.send('00 2A 80 86 [ 00 00*127 55 ] 00')[1]:04X}" == decipher
    assert f"{chip.send('00 88 00 10 [ 55*8 ] 00')[1]:04X}" == authenticate


@pytest.mark.parametrize(("name", "salt"), [("sha256", 32), ("sha384", 48), ("sha1", 20)])
@pytest.mark.parametrize("how", ["usual", "none", "longest"])
def test_a_decipher_key_signs_no_pss_block(chip: Chip, name: str, salt: int, how: str) -> None:
    """RFC 8017 §9.1.1 allows every salt that fits."""
    length = {"usual": salt, "none": 0, "longest": 256 - hashlib.new(name).digest_size - 2}[how]
    block = _pss(name, bytes(range(length)), 256)
    chip.environment("41 B8", "00", DECIPHER)
    assert chip.chain("2A 80 86", b"\x00" + block) == (b"", 0x6985)
    chip.environment("41 B6", "00", SIGN)
    answer, sw = chip.chain("2A 9E 9A", block)
    assert (len(answer), sw) == (256, 0x9000)


def test_a_decipher_key_signs_no_type_1_block(chip: Chip) -> None:
    block = b"\x00\x01" + b"\xff" * (256 - 3 - len(INFO)) + b"\x00" + INFO
    chip.environment("41 B8", "00", DECIPHER)
    assert chip.chain("2A 80 86", b"\x00" + block) == (b"", 0x6985)


@pytest.mark.parametrize("spoil", [1, 100, 254, 255])
def test_a_decipher_key_deciphers_what_is_no_signature(chip: Chip, spoil: int) -> None:
    block = bytearray(_pss("sha256", bytes(32), 256))
    block[spoil] ^= 0x80
    chip.environment("41 B8", "00", DECIPHER)
    answer, sw = chip.chain("2A 80 86", b"\x00" + bytes(block))
    assert (len(answer), sw) == (256, 0x9000)


@pytest.mark.parametrize(
    "padding", [PKCS1v15(), *(OAEP(MGF1(name()), name(), None) for name in HASHES)]
)
def test_a_signing_key_gives_no_message_away(chip: Chip, padding: AsymmetricPadding) -> None:
    chip.ok(f"00 A4 08 0C [ 5015 {SIGN} ]")
    numbers = [int.from_bytes(chip.ok(f"00 CA 01 {tag} 00"), "big") for tag in ("02", "01")]
    cryptogram = rsa.RSAPublicNumbers(*numbers).public_key().encrypt(b"a secret", padding)
    chip.environment("41 B6", "00", SIGN)
    assert chip.chain("2A 9E 9A", cryptogram) == (b"", 0x6985)


@pytest.mark.parametrize("number", [254_528, 275_792])
def test_a_signature_may_look_like_a_padded_message(chip: Chip, number: int) -> None:
    """One signature in 10^5 begins 00 02 and has a zero further on; it is a signature all the same.

    These two were found by trying; the key is the first one of RSA Laboratories' examples.
    """
    example = next(rsa_examples("pkcs1v15sign-vectors.txt", "Signature"))
    names = ("Prime 1", "Prime 2", "Public exponent")
    import_rsa(chip, *(int.from_bytes(example[name], "big") for name in names), usage=0x01)
    info = DIGEST_INFO + hashlib.sha256(number.to_bytes(4, "big")).digest()
    chip.environment("41 B6", "02", "4B10")
    signature = chip.ok("00 2A 9E 9A [ {info} ] 00", info=info)
    assert signature.startswith(b"\x00\x02") and b"\x00" in signature[10:]
    chip.environment("41 B6", "00", "4B10")
    block = b"\x00\x01" + b"\xff" * 74 + b"\x00" + info
    assert chip.chain("2A 9E 9A", block) == (signature, 0x9000)


def _pss(name: str, salt: bytes, size: int) -> bytes:
    def digest(data: bytes) -> bytes:
        return hashlib.new(name, data, usedforsecurity=False).digest()

    h = digest(bytes(8) + digest(b"message") + salt)
    db = (b"\x01" + salt).rjust(size - len(h) - 1, b"\x00")
    mask = b"".join(digest(h + i.to_bytes(4, "big")) for i in range(len(db) // len(h) + 1))
    masked = bytearray(a ^ b for a, b in zip(db, mask, strict=False))
    masked[0] &= 0x7F
    return bytes(masked) + h + b"\xbc"
