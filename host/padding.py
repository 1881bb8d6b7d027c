"""What a host puts around a digest before an RSA key signs it, and takes off after deciphering.

RFC 8017: EMSA-PKCS1-v1_5 (§9.2), EMSA-PSS (§9.1), EME-PKCS1-v1_5 (§7.2), EME-OAEP (§7.1).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from hmac import compare_digest
from types import MappingProxyType
from typing import Literal

from apdu.rsablock import DIGEST_INFO, PSS_TRAILER, mgf1, xor
from host.errors import DecipherError, UnsupportedError

SignPadding = Literal["pkcs1", "pss"]
"""How an RSA key signs a digest; a key on a curve has one way only and does not care."""

CipherPadding = Literal["pkcs1", "oaep"]
"""How a message is enciphered for an RSA key: PKCS#1 v1.5, or OAEP with SHA-256."""

_SHORTEST_FILL = 8
_OVERHEAD: Mapping[CipherPadding, int] = MappingProxyType({"pkcs1": 11, "oaep": 2 * 32 + 2})
"""Bytes around a message at least (§7.2.1, §7.1.1)."""


def digest_size(name: str) -> int:
    """Bytes of a digest. UnsupportedError for a hash that is not in `DIGEST_INFO`."""
    prefix = DIGEST_INFO.get(name)
    if prefix is None:
        raise UnsupportedError(f"no hash {name!r} here; there are {', '.join(DIGEST_INFO)}")
    return prefix[-1]


def check_digest(digest: bytes, name: str) -> None:
    """UnsupportedError for a digest that this hash does not make."""
    if len(digest) != digest_size(name):
        raise UnsupportedError(f"a {name} digest has {digest_size(name)} bytes, not {len(digest)}")


def check_padding(padding: str, *known: str) -> None:
    """UnsupportedError for a padding that is not among these."""
    if padding not in known:
        raise UnsupportedError(f"no padding {padding!r} here; there are {', '.join(known)}")


def digest_of(message: bytes, name: str) -> bytes:
    """The digest of a message."""
    digest_size(name)
    return hashlib.new(name, message, usedforsecurity=False).digest()


def check_length(plain: bytes, size: int, padding: CipherPadding) -> None:
    """UnsupportedError for a message that a key of `size` bytes does not take."""
    check_padding(padding, *_OVERHEAD)
    most = size - _OVERHEAD[padding]
    if len(plain) > most:
        raise UnsupportedError(f"this key takes {most} bytes at most, not {len(plain)}")


def type_1_block(payload: bytes, size: int) -> bytes:
    """The block of PKCS#1 v1.5 for a key of `size` bytes (§9.2, steps 3 to 5)."""
    fill = size - len(payload) - 3
    if fill < _SHORTEST_FILL:
        raise UnsupportedError(f"{len(payload)} bytes are too many for this key")
    return b"\x00\x01" + b"\xff" * fill + b"\x00" + payload


def type_2_message(block: bytes) -> bytes:
    """What a deciphered block of PKCS#1 v1.5 carries (§7.2.2, step 3)."""
    end = block.find(b"\x00", 2)
    if not block.startswith(b"\x00\x02") or end < 2 + _SHORTEST_FILL:
        raise DecipherError("this is no PKCS#1 v1.5 cryptogram for this key")
    return block[end + 1 :]


def pss_block(
    digest: bytes, name: str, salt: bytes, bits: int, mask_hash: str | None = None
) -> bytes:
    """EMSA-PSS-ENCODE for a key of `bits`; the block has the key's length."""
    em_bits = bits - 1
    length = -(-em_bits // 8)
    room = length - len(digest) - len(salt) - 2
    if room < 0:
        raise UnsupportedError(
            f"a key of {bits} bits is too short for PSS with {name} and {len(salt)} bytes of salt"
        )
    value = hashlib.new(name, bytes(8) + digest + salt, usedforsecurity=False).digest()
    data = bytes(room) + b"\x01" + salt
    masked = xor(data, mgf1(value, len(data), mask_hash or name))
    top = 0xFF >> (8 * length - em_bits)
    block = bytes((masked[0] & top,)) + masked[1:] + value + bytes((PSS_TRAILER,))
    return block.rjust(-(-bits // 8), b"\x00")


def oaep_message(
    block: bytes, name: str, label: bytes = b"", mask_hash: str | None = None
) -> bytes:
    """EME-OAEP decoding of a whole block. DecipherError says nothing about what was wrong."""
    size = digest_size(name)
    if len(block) < 2 * size + 2:
        raise DecipherError("the key is too short for OAEP with this hash")
    masked_seed, masked_data = block[1 : size + 1], block[size + 1 :]
    seed = xor(masked_seed, mgf1(masked_data, size, mask_hash or name))
    data = xor(masked_data, mgf1(seed, len(masked_data), mask_hash or name))
    mark = data.find(b"\x01", size)
    right = compare_digest(data[:size], digest_of(label, name))
    right &= block[0] == 0
    right &= mark >= 0 and not data[size:mark].strip(b"\x00")
    if not right:
        raise DecipherError("this is no OAEP cryptogram for this key, hash and label")
    return data[mark + 1 :]
