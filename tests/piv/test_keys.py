"""Keys made and brought in every slot; what they sign, decipher and agree on is checked outside."""

from __future__ import annotations

import hashlib
import os

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa, utils
from cryptography.hazmat.primitives.asymmetric.padding import (
    MGF1,
    OAEP,
    PSS,
    AsymmetricPadding,
    PKCS1v15,
)

from apdu.piv import PublicKey
from tests.piv.cards import (
    CURVES,
    P_256,
    P_384,
    RSA_1024,
    RSA_2048,
    RSA_3072,
    RSA_4096,
    RSA_BITS,
    SLOTS,
    PivChip,
    born,
    ec_key,
    ec_parts,
    encoded,
    padded,
    rsa_key,
    rsa_parts,
)

DIGEST = hashlib.sha256(b"order").digest()
PREHASHED = utils.Prehashed(hashes.SHA256())
SESSION_KEY = bytes(range(32))
NAMES = {
    RSA_1024: "RSA-1024",
    RSA_2048: "RSA-2048",
    RSA_3072: "RSA-3072",
    RSA_4096: "RSA-4096",
    P_256: "P-256",
    P_384: "P-384",
}

every_algorithm = pytest.mark.parametrize("algorithm", NAMES, ids=NAMES.get)
every_curve = pytest.mark.parametrize("algorithm", CURVES, ids=NAMES.get)


@pytest.fixture
def chip() -> PivChip:
    """A card from the factory, the management key proved."""
    chip = born()
    chip.administer()
    return chip


def public(algorithm: int, key: PublicKey) -> rsa.RSAPublicKey | ec.EllipticCurvePublicKey:
    """The answer of GENERATE as a key."""
    if key.point is not None:
        return ec.EllipticCurvePublicKey.from_encoded_point(CURVES[algorithm], key.point)
    assert key.modulus is not None and key.exponent is not None
    numbers = (int.from_bytes(part, "big") for part in (key.exponent, key.modulus))
    return rsa.RSAPublicNumbers(*numbers).public_key()


def check(
    chip: PivChip, algorithm: int, slot: int, key: rsa.RSAPublicKey | ec.EllipticCurvePublicKey
) -> None:
    """What the key in the slot does fits its public half."""
    chip.verify()
    if isinstance(key, rsa.RSAPublicKey):
        size = RSA_BITS[algorithm] // 8
        signature = chip.use(algorithm, slot, challenge=padded(DIGEST, size))
        assert len(signature) == size
        key.verify(signature, DIGEST, PKCS1v15(), PREHASHED)
    else:
        key.verify(chip.use(algorithm, slot, challenge=DIGEST), DIGEST, ec.ECDSA(PREHASHED))


@every_algorithm
def test_a_key_is_made_in_every_slot(chip: PivChip, algorithm: int) -> None:
    for slot in SLOTS:
        made = public(algorithm, chip.generate(slot, algorithm))
        assert made.key_size == (RSA_BITS.get(algorithm) or CURVES[algorithm].key_size)
        check(chip, algorithm, slot, made)


@every_algorithm
def test_a_key_is_brought_to_every_slot(chip: PivChip, algorithm: int) -> None:
    """To two only, where the check of its primes takes long."""
    for slot in SLOTS[2:4] if algorithm in (RSA_3072, RSA_4096) else SLOTS:
        if algorithm in CURVES:
            key = ec_key(algorithm)
            assert chip.bring(slot, algorithm, ec_parts(key)) == 0x9000
            check(chip, algorithm, slot, key.public_key())
        else:
            brought = rsa_key(RSA_BITS[algorithm])
            assert chip.bring(slot, algorithm, rsa_parts(brought)) == 0x9000
            check(chip, algorithm, slot, brought.public_key())


def test_each_slot_has_its_own_key(chip: PivChip) -> None:
    made = {slot: public(P_256, chip.generate(slot, P_256)) for slot in SLOTS}
    assert len({key.public_numbers() for key in made.values()}) == len(SLOTS)
    again = chip.copy()
    for slot, key in made.items():
        check(again, P_256, slot, key)


def test_a_key_made_anew_is_another_one(chip: PivChip) -> None:
    points = [chip.generate(0x9A, P_256).point for _ in range(5)]
    assert len(set(points)) == 5
    again = ec.EllipticCurvePublicKey.from_encoded_point(CURVES[P_256], points[-1] or b"")
    check(chip, P_256, 0x9A, again)


def test_a_key_of_another_kind_takes_the_slot(chip: PivChip) -> None:
    chip.generate(0x9A, P_256)
    made = public(RSA_1024, chip.generate(0x9A, RSA_1024))
    check(chip, RSA_1024, 0x9A, made)
    assert chip.sign(0x9A, P_256) == "6A86"


@pytest.mark.parametrize("exponent", [3, 65537])
def test_an_rsa_key_has_the_exponent_that_was_asked_for(chip: PivChip, exponent: int) -> None:
    made = public(RSA_1024, chip.generate(0x9A, RSA_1024, exponent=exponent))
    assert isinstance(made, rsa.RSAPublicKey)
    assert made.public_numbers().e == exponent
    check(chip, RSA_1024, 0x9A, made)


OAEP_256 = OAEP(MGF1(hashes.SHA256()), hashes.SHA256(), None)


@pytest.mark.parametrize("padding", [PKCS1v15(), OAEP_256], ids=["v1.5", "OAEP"])
@pytest.mark.parametrize("algorithm", RSA_BITS, ids=NAMES.get)
def test_deciphering_gives_the_padded_block(
    chip: PivChip, algorithm: int, padding: AsymmetricPadding
) -> None:
    """The host takes the padding off; here the whole block is compared."""
    made = public(algorithm, chip.generate(0x9D, algorithm))
    assert isinstance(made, rsa.RSAPublicKey)
    cryptogram = made.encrypt(SESSION_KEY, padding)
    chip.verify()
    block = chip.use(algorithm, 0x9D, challenge=cryptogram)
    size, n, e = RSA_BITS[algorithm] // 8, made.public_numbers().n, made.public_numbers().e
    assert len(block) == size
    assert pow(int.from_bytes(block, "big"), e, n) == int.from_bytes(cryptogram, "big")
    if isinstance(padding, PKCS1v15):
        assert block.startswith(b"\x00\x02") and block.endswith(b"\x00" + SESSION_KEY)


def test_a_pss_block_is_signed_as_it_is(chip: PivChip) -> None:
    """A host encodes PSS by itself; any block does to see that it comes through unchanged."""
    made = public(RSA_2048, chip.generate(0x9A, RSA_2048))
    assert isinstance(made, rsa.RSAPublicKey)
    pss = PSS(MGF1(hashes.SHA256()), 32)
    foreign = rsa_key(2048).sign(DIGEST, pss, PREHASHED)
    numbers = rsa_key(2048).public_key().public_numbers()
    encoded_message = pow(int.from_bytes(foreign, "big"), numbers.e, numbers.n).to_bytes(256, "big")
    chip.verify()
    signature = chip.use(RSA_2048, 0x9A, challenge=encoded_message)
    made.verify(signature, DIGEST, pss, PREHASHED)


@every_curve
@pytest.mark.parametrize("slot", [0x9D, 0x82, 0x95])
def test_both_sides_agree(chip: PivChip, algorithm: int, slot: int) -> None:
    made = public(algorithm, chip.generate(slot, algorithm))
    assert isinstance(made, ec.EllipticCurvePublicKey)
    peer = ec_key(algorithm)
    chip.verify()
    assert chip.use(algorithm, slot, point=encoded(peer)) == peer.exchange(ec.ECDH(), made)


@every_curve
@pytest.mark.parametrize("size", [20, 28, 32, 48, 64])
def test_digests_of_every_length_are_signed(chip: PivChip, algorithm: int, size: int) -> None:
    """A longer digest than the curve is cut on the right (SEC 1 §4.1.3), as openssl does."""
    kinds: dict[int, hashes.HashAlgorithm] = {
        20: hashes.SHA1(),
        28: hashes.SHA224(),
        32: hashes.SHA256(),
        48: hashes.SHA384(),
        64: hashes.SHA512(),
    }
    made = public(algorithm, chip.generate(0x9A, algorithm))
    assert isinstance(made, ec.EllipticCurvePublicKey)
    digest = os.urandom(size)
    chip.verify()
    signature = chip.use(algorithm, 0x9A, challenge=digest)
    made.verify(signature, digest, ec.ECDSA(utils.Prehashed(kinds[size])))


# Keys from outside


def test_primes_are_enough(chip: PivChip) -> None:
    key = rsa_key(1024)
    primes = {tag: part for tag, part in rsa_parts(key).items() if tag < 3}
    assert chip.bring(0x9A, RSA_1024, primes) == 0x9000
    check(chip, RSA_1024, 0x9A, key.public_key())


@pytest.mark.parametrize("tag", [1, 2, 3, 4, 5])
def test_parts_that_do_not_fit_each_other_are_refused(chip: PivChip, tag: int) -> None:
    chip.generate(0x9A, P_256)
    parts = rsa_parts(rsa_key(1024))
    parts[tag] = parts[tag][:-1] + bytes((parts[tag][-1] ^ 2,))
    assert chip.bring(0x9A, RSA_1024, parts) == 0x6A80
    chip.verify()
    assert chip.sign(0x9A, P_256) == "9000", "the key that was there still is"


def test_a_key_is_not_of_another_size(chip: PivChip) -> None:
    assert chip.bring(0x9A, RSA_2048, rsa_parts(rsa_key(1024))) == 0x6A80
    assert chip.bring(0x9A, RSA_1024, rsa_parts(rsa_key(2048))) == 0x6A80
    assert chip.bring(0x9A, P_256, ec_parts(ec_key(P_384))) == 0x6A80
    assert chip.sign(0x9A) == "6A88"


def test_a_private_value_with_leading_zeros(chip: PivChip) -> None:
    key = ec.derive_private_key(7, CURVES[P_256])
    for value in (b"\x07", bytes(31) + b"\x07", bytes(32) + b"\x07"):
        assert chip.bring(0x9A, P_256, {6: value}) == 0x9000
        check(chip, P_256, 0x9A, key.public_key())
