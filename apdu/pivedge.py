"""The numbers of the PIV card edge, which host and chip have to agree upon.

SP 800-73-4 parts 1 and 2, SP 800-78-4; what is Yubico's addition is marked so. What the numbers are
called is in `apdu.pivnames`, what is in a data field in `apdu.piv`.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum
from types import MappingProxyType

from apdu.edge import EcPart, RsaPart

PIN, PUK, MANAGEMENT = 0x80, 0x81, 0x9B
"""References of the PIN, of the PUK, and of the management key."""

AUTHENTICATION, SIGNATURE, KEY_MANAGEMENT, CARD_AUTHENTICATION = 0x9A, 0x9C, 0x9D, 0x9E
RETIRED = range(0x82, 0x96)
ATTESTATION = 0xF9
"""Yubico's: the key that says of others that they were made on the card."""
SLOTS = (AUTHENTICATION, SIGNATURE, KEY_MANAGEMENT, CARD_AUTHENTICATION, *RETIRED)
"""References of the key pairs (part 1 table 4b), the usual ones first."""

RSA: Mapping[int, int] = MappingProxyType({0x05: 3072, 0x06: 1024, 0x07: 2048, 0x16: 4096})
CURVES: Mapping[int, int] = MappingProxyType({0x11: 256, 0x14: 384})
"""Bits of the keys of each algorithm."""

AES: Mapping[int, int] = MappingProxyType({0x08: 16, 0x0A: 24, 0x0C: 32})
TRIPLE_DES = frozenset({0x00, 0x03})
"""Algorithms of the management key; bytes of an AES key."""

DES_KEY_LENGTH = 24
"""Bytes of a 3DES key."""

CHUID, CAPABILITIES, KEY_HISTORY = 0x5FC102, 0x5FC107, 0x5FC10C
"""Objects: who the card is, what it can do, how many retired keys it holds (part 1 §3)."""

CERTIFICATES: Mapping[int, int] = MappingProxyType(
    {
        AUTHENTICATION: 0x5FC105,
        SIGNATURE: 0x5FC10A,
        KEY_MANAGEMENT: 0x5FC10B,
        CARD_AUTHENTICATION: 0x5FC101,
        **{slot: 0x5FC10D + place for place, slot in enumerate(RETIRED)},
        ATTESTATION: 0x5FFF01,
    }
)
"""The object that holds the certificate of each key."""

RSA_PARTS: Mapping[int, RsaPart] = MappingProxyType(
    {
        0x01: RsaPart.P,
        0x02: RsaPart.Q,
        0x03: RsaPart.DP,
        0x04: RsaPart.DQ,
        0x05: RsaPart.Q_INVERSE,
    }
)
EC_PARTS: Mapping[int, EcPart] = MappingProxyType({0x06: EcPart.PRIVATE})
"""The parts of a key that is brought, by their tags in Yubico's IMPORT ASYMMETRIC KEY."""

FACTORY_PIN, FACTORY_PUK = b"123456\xff\xff", b"12345678"
FACTORY_MANAGEMENT_KEY = bytes(range(1, 9)) * 3
"""What a card leaves the factory with, as Yubico's do; the key is one for 3DES."""


class TouchPolicy(IntEnum):
    """When a key needs a press of its button; the values are Yubico's."""

    DEFAULT = 0x00
    NEVER = 0x01
    ALWAYS = 0x02
    CACHED = 0x03


class PinPolicy(IntEnum):
    """When a key needs the PIN; the values are Yubico's."""

    DEFAULT = 0x00
    NEVER = 0x01
    ONCE = 0x02
    ALWAYS = 0x03
