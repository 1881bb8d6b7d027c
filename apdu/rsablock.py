"""What the blocks that RSA keys take and give are made of (RFC 8017).

A host puts such blocks together, and a chip recognises them.
"""

from collections.abc import Mapping
from hashlib import new
from types import MappingProxyType

DIGEST_INFO: Mapping[str, bytes] = MappingProxyType(
    {
        "sha256": bytes.fromhex("3031300d060960864801650304020105000420"),
        "sha384": bytes.fromhex("3041300d060960864801650304020205000430"),
        "sha512": bytes.fromhex("3051300d060960864801650304020305000440"),
        "sha224": bytes.fromhex("302d300d06096086480165030402040500041c"),
        "sha1": bytes.fromhex("3021300906052b0e03021a05000414"),
    }
)
"""The DER that stands before a digest (§9.2, note 1), by the name of the hash.

Its last byte is the length of the digest.
"""

PSS_TRAILER = 0xBC
"""The last byte of an EMSA-PSS block (§9.1.1)."""


def mgf1(seed: bytes, length: int, name: str) -> bytes:
    """So many bytes of MGF1 (§B.2.1) with this hash."""
    rounds = -(-length // DIGEST_INFO[name][-1])
    parts = (
        new(name, seed + counter.to_bytes(4, "big"), usedforsecurity=False).digest()
        for counter in range(rounds)
    )
    return b"".join(parts)[:length]


def xor(left: bytes, right: bytes) -> bytes:
    """The exclusive or of two strings of the same length."""
    return (int.from_bytes(left, "big") ^ int.from_bytes(right, "big")).to_bytes(len(left), "big")
