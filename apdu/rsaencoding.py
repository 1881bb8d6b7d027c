"""Telling encoded signatures and padded messages from any other RSA block (RFC 8017 §7 and §9).

A host may hand the chip a whole block for the raw operation. A key that may only decipher must not
sign by that way, and a key that may only sign must not give a message away; so the chip looks at
the block that goes in, or comes out. A trace looks too: a signature may be shown, a message not.
"""

from __future__ import annotations

from hashlib import new as new_hash

from apdu.rsablock import DIGEST_INFO, PSS_TRAILER, mgf1, xor

_SHORTEST_PADDING = 8


def type_1_payload(block: bytes) -> bytes | None:
    """What a PKCS#1 v1.5 block of type 1 (00 01 FF.. 00 payload) carries, or None."""
    if not block.startswith(b"\x00\x01\xff"):
        return None
    end = block.find(b"\x00", 2)
    if end < 2 + _SHORTEST_PADDING or block[2:end].strip(b"\xff"):
        return None
    return block[end + 1 :]


def is_message_block(block: bytes) -> bool:
    """Whether a block is a padded message: PKCS#1 type 2, or OAEP without a label.

    A random block passes once in 2^16.
    """
    return _is_type_2(block) or any(_is_oaep(block, name) for name in DIGEST_INFO)


def is_signature_block(block: bytes, bits: int) -> bool:
    """Whether a block of a key of `bits` is PKCS#1 type 1, or EMSA-PSS with a usual hash.

    The PSS check unmasks the data block with the hash value that the block itself carries and
    looks for the 00..00 01 before the salt: a random block passes once in 2^100 or less often.
    """
    if type_1_payload(block) is not None:
        return True
    return any(_is_pss(block, bits, name) for name in DIGEST_INFO)


def _is_type_2(block: bytes) -> bool:
    end = block.find(b"\x00", 2)
    return block.startswith(b"\x00\x02") and end >= 2 + _SHORTEST_PADDING


def _is_oaep(block: bytes, name: str) -> bool:
    """EME-OAEP decoding (RFC 8017 §7.1.2), step 3, as far as the hash of the empty label."""
    size = DIGEST_INFO[name][-1]
    if block[0] or len(block) < 2 * size + 2:
        return False
    masked_seed, masked_data = block[1 : size + 1], block[size + 1 :]
    seed = xor(masked_seed, mgf1(masked_data, size, name))
    return xor(masked_data[:size], mgf1(seed, size, name)) == new_hash(name).digest()


def _is_pss(block: bytes, bits: int, name: str) -> bool:
    """EMSA-PSS-VERIFY (RFC 8017 §9.1.2), steps 4 to 10, for any salt length."""
    size = DIGEST_INFO[name][-1]
    at = len(block) - size - 1
    if at < 1 or block[-1] != PSS_TRAILER:
        return False
    spare = 8 * len(block) - (bits - 1)
    if block[0] >> (8 - spare):
        return False
    unmasked = xor(block[:at], mgf1(block[at:-1], at, name))
    data = int.from_bytes(unmasked, "big") & (1 << (8 * at - spare)) - 1
    salt_and_mark = data.to_bytes(at, "big").lstrip(b"\x00")
    padding = at - len(salt_and_mark)
    return salt_and_mark[:1] == b"\x01" and (
        padding >= _SHORTEST_PADDING or len(salt_and_mark) > size
    )
