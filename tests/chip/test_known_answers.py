"""The chip's algorithms against published answers, with keys imported by command APDUs."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from itertools import groupby

import pytest
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from tests.chip.cards import Chip, activated
from tests.chip.known import RSA_KINDS, Fields, import_ec, import_rsa, nist_examples, rsa_examples
from vectors.pattern import ber_length

INFO = {
    "sha1": "3021300906052B0E03021A05000414",
    "sha224": "302D300D06096086480165030402040500041C",
    "sha256": "3031300D060960864801650304020105000420",
    "sha384": "3041300D060960864801650304020205000430",
    "sha512": "3051300D060960864801650304020305000440",
}


@pytest.fixture(scope="module")
def chip() -> Chip:
    return activated()


def _hash(name: str, data: bytes) -> bytes:
    return hashlib.new(name.lower().replace("-", ""), data, usedforsecurity=False).digest()


def _info(name: str, message: bytes) -> bytes:
    name = name.lower().replace("-", "")
    return bytes.fromhex(INFO[name]) + _hash(name, message)


def _keys(name: str, last: str) -> Iterator[tuple[tuple[int, int, int], list[Mapping[str, bytes]]]]:
    """The keys of a file that fit the chip, each with its examples."""

    def key(example: Mapping[str, bytes]) -> tuple[int, int, int]:
        p, q, e = (example[part] for part in ("Prime 1", "Prime 2", "Public exponent"))
        return int.from_bytes(p, "big"), int.from_bytes(q, "big"), int.from_bytes(e, "big")

    for (p, q, e), examples in groupby(rsa_examples(name, last), key):
        if (p * q).bit_length() in RSA_KINDS:
            yield (p, q, e), list(examples)


def test_pkcs1_signatures(chip: Chip) -> None:
    """RSASSA-PKCS1-v1_5 (RFC 8017 §8.2): DigestInfo and whole block give the signature."""
    count = 0
    for key, examples in _keys("pkcs1v15sign-vectors.txt", "Signature"):
        size = import_rsa(chip, *key, usage=0x01)
        for example in examples:
            info = _info("sha1", example["Message to be signed"])
            block = b"\x00\x01" + b"\xff" * (size - 3 - len(info)) + b"\x00" + info
            chip.environment("41 B6", "02", "4B10")
            assert chip.ok("00 2A 9E 9A [ {info} ] 00", info=info) == example["Signature"]
            chip.environment("41 B6", "00", "4B10")
            assert chip.chain("2A 9E 9A", block) == (example["Signature"], 0x9000)
            count += 1
    assert count == 7 * 20


def test_pkcs1_signatures_are_verified_on_the_card(chip: Chip) -> None:
    """PSO VERIFY says yes to the published signature, and no to every other one."""
    for key, examples in _keys("pkcs1v15sign-vectors.txt", "Signature"):
        import_rsa(chip, *key)
        chip.environment("81 B6", "02", "4B10")
        for example in examples[:5]:
            info = _info("sha1", example["Message to be signed"])
            right = example["Signature"]
            assert _verify(chip, right, info) == 0x9000
            assert _verify(chip, right, info[:-1] + bytes((info[-1] ^ 1,))) == 0x6300
            assert _verify(chip, bytes((right[0] ^ 1,)) + right[1:], info) == 0x6300
            assert _verify(chip, right[:-1], info) == 0x6300
            assert _verify(chip, b"\x00" + right, info) == 0x6300


def _verify(chip: Chip, signature: bytes, data: bytes) -> int:
    body = b"\x9e" + ber_length(len(signature)) + signature + bytes((0x9A, len(data))) + data
    answer, sw = chip.chain("2A 00 A8", body)
    assert answer == b""
    return sw


def test_pkcs1_decipherment(chip: Chip) -> None:
    """RSAES-PKCS1-v1_5 (RFC 8017 §7.2): the message, and by the raw operation the whole block."""
    count = 0
    for key, examples in _keys("pkcs1v15crypt-vectors.txt", "Encryption"):
        import_rsa(chip, *key, usage=0x02)
        for example in examples:
            cryptogram = b"\x00" + example["Encryption"]
            chip.environment("41 B8", "02", "4B10")
            assert chip.chain("2A 80 86", cryptogram) == (example["Message"], 0x9000)
            chip.environment("41 B8", "00", "4B10")
            block = b"\x00\x02" + example["Seed"] + b"\x00" + example["Message"]
            assert chip.chain("2A 80 86", cryptogram) == (block, 0x9000)
            count += 1
    assert count == 7 * 20


def test_pss_signatures(chip: Chip) -> None:
    """RSASSA-PSS (RFC 8017 §8.1): a key that may only sign makes the signature from the block."""
    count = 0
    for key, examples in _keys("pkcs-1v2-1d2-vec/pss-vect.txt", "Signature"):
        size = import_rsa(chip, *key, usage=0x01)
        chip.environment("41 B6", "00", "4B10")
        for example in examples:
            digest = _hash("sha1", example["Message to be signed"])
            block = _pss_block(size, "sha1", digest, example["Salt"])
            assert chip.chain("2A 9E 9A", block) == (example["Signature"], 0x9000)
            count += 1
    assert count == 2 * 6


def _pss_block(size: int, name: str, digest: bytes, salt: bytes) -> bytes:
    """EMSA-PSS-ENCODE (RFC 8017 §9.1.1) for a modulus of 8 * size bits."""
    h = _hash(name, bytes(8) + digest + salt)
    db = (b"\x01" + salt).rjust(size - len(h) - 1, b"\x00")
    masked = bytearray(a ^ b for a, b in zip(db, _mgf1(name, h, len(db)), strict=True))
    masked[0] &= 0x7F
    return bytes(masked) + h + b"\xbc"


def _mgf1(name: str, seed: bytes, length: int) -> bytes:
    mask = b"".join(_hash(name, seed + i.to_bytes(4, "big")) for i in range(length // 20 + 1))
    return mask[:length]


def test_pss_of_every_size_and_hash(chip: Chip) -> None:
    """The published PSS signatures of 1024 to 4096 bits, SHA-1 to SHA-512, salt of 10 bytes."""
    seen: set[tuple[int, str]] = set()
    for section, example in nist_examples("RSA/FIPS_186-2/SigVerPSS_186-3.rsp"):
        bits, name = int(section.split("=")[1]), example["SHAAlg"]
        if bits not in RSA_KINDS or (bits, name) in seen or not example["Result"].startswith("P"):
            continue
        seen.add((bits, name))
        p, q, e = (int(example[part], 16) for part in "pqe")
        size = import_rsa(chip, p, q, e, usage=0x01)
        chip.environment("41 B6", "00", "4B10")
        digest = _hash(name, bytes.fromhex(example["Msg"]))
        block = _pss_block(size, name, digest, bytes.fromhex(example["SaltVal"]))
        assert chip.chain("2A 9E 9A", block) == (bytes.fromhex(example["S"]), 0x9000)
    assert len(seen) == 4 * 5


OAEP = ["pkcs-1v2-1d2-vec/oaep-vect.txt"] + [
    f"oaep-custom/oaep-{name}-{name}.txt" for name in ("sha224", "sha256", "sha384", "sha512")
]


@pytest.mark.parametrize("file", OAEP)
def test_oaep_decipherment(file: str, chip: Chip) -> None:
    """RSAES-OAEP (RFC 8017 §7.1): a key that may only decipher gives the block, which holds it."""
    found = re.search(r"(sha\d+)", file)
    name = found[1] if found else "sha1"
    count = 0
    for key, examples in _keys(file, "Encryption"):
        import_rsa(chip, *key, usage=0x02)
        chip.environment("41 B8", "00", "4B10")
        for example in examples:
            block, sw = chip.chain("2A 80 86", b"\x00" + example["Encryption"])
            assert sw == 0x9000
            assert _oaep_message(name, block) == example["Message"]
            count += 1
    assert count >= 12


def _oaep_message(name: str, block: bytes) -> bytes:
    """EME-OAEP decoding with an empty label (RFC 8017 §7.1.2, step 3)."""
    size = len(_hash(name, b""))
    masked_seed, masked = block[1 : 1 + size], block[1 + size :]
    seed = _xor(masked_seed, _mgf1(name, masked, size))
    db = _xor(masked, _mgf1(name, seed, len(masked)))
    assert block[0] == 0 and db[:size] == _hash(name, b"")
    mark, _, message = db[size:].partition(b"\x01")
    assert not mark.strip(b"\x00")
    return message


def _xor(one: bytes, other: bytes) -> bytes:
    return bytes(a ^ b for a, b in zip(one, other, strict=True))


def _curve(section: str) -> int | None:
    found = re.match(r"P-(256|384)\b", section)
    return int(found[1]) if found else None


def _point(bits: int, x: str, y: str) -> bytes:
    return b"\x04" + b"".join(int(v, 16).to_bytes(bits // 8, "big") for v in (x, y))


def test_ecdsa(chip: Chip) -> None:
    """The published signatures are verified, changed ones are not; the card's own are right."""
    count = 0
    for section, example in nist_examples("ECDSA/FIPS_186-3/SigGen.txt"):
        bits = _curve(section)
        if bits is None:
            continue
        point = _point(bits, example["Qx"], example["Qy"])
        assert import_ec(chip, bits, int(example["d"], 16), point) == 0x9000
        digest = _hash(section.split(",")[1], bytes.fromhex(example["Msg"]))
        r, s = int(example["R"], 16), int(example["S"], 16)
        chip.environment("81 B6", "04", "4B10")
        assert _verify(chip, encode_dss_signature(r, s), digest) == 0x9000
        assert _verify(chip, encode_dss_signature(r, s ^ 1), digest) == 0x6300
        assert _verify(chip, encode_dss_signature(r, s), _hash("sha256", digest)) == 0x6300
        chip.environment("41 B6", "04", "4B10")
        own = chip.ok("00 2A 9E 9A [ {digest} ] 00", digest=digest)
        assert _verify(chip, own, digest) == 0x9000
        count += 1
    assert count == 2 * 5 * 15


def test_key_pairs(chip: Chip) -> None:
    """A private key has the published point; another point is refused, and no key is made."""
    count = 0
    for section, example in nist_examples("ECDSA/FIPS_186-3/SigGen.txt"):
        bits = _curve(section)
        if bits is None or not section.endswith("SHA-256"):
            continue
        d = int(example["d"], 16)
        point = _point(bits, example["Qx"], example["Qy"])
        assert import_ec(chip, bits, d ^ 1, point) == 0x6A80
        assert chip.sw("00 CA 01 86 00") == "6A88"
        assert import_ec(chip, bits, d, point) == 0x9000
        assert chip.ok("00 CA 01 86 00") == bytes((0x86, len(point))) + point
        count += 1
    assert count == 2 * 15


def _ecdh_examples() -> Iterator[tuple[int, Fields]]:
    curves = {"EC": 256, "ED": 384}
    name = "ECDH/KASValidityTest_ECCStaticUnified_NOKC_ZZOnly_init.fax"
    for section, example in nist_examples(name):
        bits = curves.get(section[:2])
        if bits is not None and "Result" in example:
            yield bits, example


def test_ecdh(chip: Chip) -> None:
    """ECDH: the published secret for right points, 6A80 for those that are not on the curve."""
    results = []
    for bits, example in _ecdh_examples():
        result = example["Result"]
        point = _point(bits, example["QsIUTx"], example["QsIUTy"])
        imported = import_ec(chip, bits, int(example["dsIUT"], 16), point)
        if "IUT's Static" in result:
            assert imported == 0x6A80
        else:
            assert imported == 0x9000
            other = _point(bits, example["QsCAVSx"], example["QsCAVSy"])
            chip.environment("41 A4", "04", "4B10")
            secret, sw = chip.send("00 86 00 00 [ 7C ( 85 ( {point} ) ) ] 00", point=other)
            right = secret == int(example["Z"], 16).to_bytes(bits // 8, "big")
            assert (sw == 0x9000) is ("CAVS's Static" not in result)
            assert right is result.startswith("P")
        results.append(result[0])
    assert (results.count("P"), results.count("F")) == (36, 24)


def test_points_off_the_curve(chip: Chip) -> None:
    """Public key validation (SEC 1 §3.2.2): the published good and bad points."""
    count = 0
    own: dict[int, tuple[int, bytes]] = {}
    for section, example in nist_examples("ECDSA/FIPS_186-3/SigGen.txt"):
        if bits := _curve(section):
            own[bits] = int(example["d"], 16), _point(bits, example["Qx"], example["Qy"])
    current = None
    for section, example in nist_examples("ECDSA/FIPS_186-3/PKV.rsp"):
        bits = _curve(section)
        if bits is None:
            continue
        if bits != current:
            assert import_ec(chip, bits, *own[bits]) == 0x9000
            chip.environment("41 A4", "04", "4B10")
            current = bits
        if max(len(example["Qx"]), len(example["Qy"])) > bits // 4:
            continue
        point = _point(bits, example["Qx"], example["Qy"])
        _, sw = chip.send("00 86 00 00 [ 7C ( 85 ( {point} ) ) ] 00", point=point)
        assert sw == (0x9000 if example["Result"].startswith("P") else 0x6A80)
        count += 1
    assert count >= 12
