"""The token that the dialogues are written for, and the values they may call by name.

It has an RSA-2048 signing key (reference 1, key file 4B01), an RSA-2048 decipher key (reference 2,
key file 4B02) and a P-256 key (reference 3, key file 4B03), each with a certificate.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

LABEL = "ushield vectors"
PIN = b"123456"
PUK = b"12345678"
SO_PIN = b"87654321"


def _block(value: bytes) -> bytes:
    """A PIN as it travels: 8 bytes, FF at the end."""
    return value.ljust(8, b"\xff")


VALUES: Mapping[str, bytes] = MappingProxyType(
    {"pin": _block(PIN), "puk": _block(PUK), "so-pin": _block(SO_PIN)}
)
"""What `{pin}`, `{puk}` and `{so-pin}` stand for in a dialogue."""
