"""PSS and OAEP against the other side's implementation."""

from __future__ import annotations

from functools import cache

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.padding import MGF1, OAEP, PSS, PKCS1v15
from hypothesis import given, settings
from hypothesis import strategies as st

from apdu.rsablock import DIGEST_INFO
from host.errors import DecipherError, UnsupportedError
from host.padding import digest_of, oaep_message, pss_block

HASHES: dict[str, hashes.HashAlgorithm] = {
    "sha1": hashes.SHA1(),
    "sha224": hashes.SHA224(),
    "sha256": hashes.SHA256(),
    "sha384": hashes.SHA384(),
    "sha512": hashes.SHA512(),
}


@cache
def key(bits: int = 1536) -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, bits)


def power(block: bytes) -> bytes:
    """The private operation."""
    numbers = key().private_numbers()
    value = pow(int.from_bytes(block, "big"), numbers.d, numbers.public_numbers.n)
    return value.to_bytes(len(block), "big")


@settings(max_examples=25)
@given(
    st.binary(max_size=100),
    st.sampled_from(tuple(HASHES)),
    st.sampled_from(tuple(HASHES)),
    st.binary(max_size=64),
)
def test_pss(message: bytes, name: str, mask: str, salt: bytes) -> None:
    block = pss_block(digest_of(message, name), name, salt, 1536, mask)
    scheme = PSS(MGF1(HASHES[mask]), len(salt))
    key().public_key().verify(power(block), message, scheme, HASHES[name])


def test_pss_in_a_key_whose_length_is_one_more_than_whole_bytes() -> None:
    block = pss_block(bytes(32), "sha256", bytes(32), 1025)
    assert len(block) == 129
    assert block[0] == 0


def test_pss_needs_room() -> None:
    with pytest.raises(UnsupportedError, match="too short"):
        pss_block(bytes(64), "sha512", bytes(64), 1024)


@settings(max_examples=25)
@given(
    st.binary(max_size=62),
    st.sampled_from(("sha1", "sha256", "sha512")),
    st.sampled_from(("sha1", "sha256")),
    st.binary(max_size=20),
)
def test_oaep(message: bytes, name: str, mask: str, label: bytes) -> None:
    scheme = OAEP(MGF1(HASHES[mask]), HASHES[name], label)
    block = power(key().public_key().encrypt(message, scheme))
    assert oaep_message(block, name, label, mask) == message


@given(st.binary(min_size=192, max_size=192))
def test_other_blocks_are_no_oaep(block: bytes) -> None:
    with pytest.raises(DecipherError):
        oaep_message(block, "sha256")


def test_oaep_with_another_label() -> None:
    scheme = OAEP(MGF1(hashes.SHA256()), hashes.SHA256(), b"one")
    block = power(key().public_key().encrypt(b"text", scheme))
    with pytest.raises(DecipherError) as caught:
        oaep_message(block, "sha256", b"two")
    assert "text" not in str(caught.value)


def test_oaep_in_too_short_a_block() -> None:
    with pytest.raises(DecipherError):
        oaep_message(bytes(60), "sha256")


@pytest.mark.parametrize("name", DIGEST_INFO)
def test_digest_info(name: str) -> None:
    signature = key().sign(b"message", PKCS1v15(), HASHES[name])
    recovered = key().public_key().recover_data_from_signature(signature, PKCS1v15(), None)
    assert recovered == DIGEST_INFO[name] + digest_of(b"message", name)


def test_unknown_hashes() -> None:
    with pytest.raises(UnsupportedError, match="sha256"):
        digest_of(b"", "md5")
