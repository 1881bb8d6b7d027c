"""The token that the dialogues are written for, and the values they may call by name.

It has an RSA-2048 signing key (reference 1, key file 4B01), an RSA-2048 decipher key (reference 2,
key file 4B02) and a P-256 key (reference 3, key file 4B03), each with a certificate.

If it carries the PIV application too, that one has the PIN, PUK and management key that every card
of its kind leaves the factory with, and a P-256 key with its certificate in 9A, 9C, 9D and 9E.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from vectors.cipher import MANAGEMENT_KEY

LABEL = "ushield vectors"
PIN = b"123456"
PUK = b"12345678"
SO_PIN = b"87654321"

PIV_PIN = b"123456"
PIV_PUK = b"12345678"
PIV_MANAGEMENT_KEY = bytes(range(1, 9)) * 3


def _block(value: bytes) -> bytes:
    """A PIN as it travels: 8 bytes, FF at the end."""
    return value.ljust(8, b"\xff")


VALUES: Mapping[str, bytes] = MappingProxyType(
    {
        "pin": _block(PIN),
        "puk": _block(PUK),
        "so-pin": _block(SO_PIN),
        "piv-pin": _block(PIV_PIN),
        "piv-puk": _block(PIV_PUK),
        MANAGEMENT_KEY: PIV_MANAGEMENT_KEY,
    }
)
"""What `{pin}`, `{puk}`, `{so-pin}` and so on stand for in a dialogue."""
