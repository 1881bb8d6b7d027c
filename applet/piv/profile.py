"""What the PIV applet is: names, algorithms, key slots, and the state it leaves the factory in.

SP 800-73-4 part 1 (objects), part 2 (card edge), SP 800-78-4 (algorithms). Commands that are
Yubico's additions are marked so.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum
from types import MappingProxyType

from apdu.atr import Atr, InterfaceBytes, build_atr
from apdu.filecontrol import FileKind
from apdu.pivnames import PIV_AID
from apdu.tlv import build_tlv

AID = PIV_AID + bytes.fromhex("000010000100")

TEMPLATE = build_tlv(
    0x61, build_tlv(0x4F, AID[len(PIV_AID) :]) + build_tlv(0x79, build_tlv(0x4F, PIV_AID))
)
"""The application property template that SELECT answers (part 2 §3.1.1)."""

ATR = build_atr(
    Atr(
        convention=0x3B,
        groups=(InterfaceBytes(td=0x81), InterfaceBytes(td=0x31), InterfaceBytes(ta=0xFE, tb=0x45)),
        historical=bytes.fromhex("80 73 F821C0"),
    )
)
"""As the PKCS#15 token's, without the name by which OpenSC's driver for that one binds."""

VERSION = bytes((4, 3, 7))
"""Yubico's tools insist on a version; with this one they ask for nothing that is not here."""

PIN, PUK, MANAGEMENT = 0x80, 0x81, 0x9B
DEFAULT_PIN, DEFAULT_PUK = b"123456\xff\xff", b"12345678"
DEFAULT_MANAGEMENT_KEY = bytes(range(1, 9)) * 3
PIN_TRIES, PUK_TRIES = 6, 10

RSA_EXPONENT = 65537
RSA: Mapping[int, int] = MappingProxyType({0x05: 3072, 0x06: 1024, 0x07: 2048, 0x16: 4096})
CURVES: Mapping[int, int] = MappingProxyType({0x11: 256, 0x14: 384})
"""Bits of the keys of each algorithm."""

AES: Mapping[int, int] = MappingProxyType({0x08: 16, 0x0A: 24, 0x0C: 32})
TRIPLE_DES = frozenset({0x00, 0x03})
"""Algorithms of the management key; bytes of an AES key."""


def kind_of(algorithm: int) -> tuple[FileKind, int] | None:
    """The kind of key and its bits, or None for an algorithm that makes no key pair."""
    if algorithm in RSA:
        return FileKind.RSA_KEY, RSA[algorithm]
    if algorithm in CURVES:
        return FileKind.EC_KEY, CURVES[algorithm]
    return None


NO_TOUCH = frozenset({0x00, 0x01})
"""Yubico's touch policies that ask for none: by default, and never."""


class PinPolicy(IntEnum):
    """When a key needs the PIN; the values are Yubico's."""

    DEFAULT = 0x00
    NEVER = 0x01
    ONCE = 0x02
    ALWAYS = 0x03


AUTHENTICATION, SIGNATURE, KEY_MANAGEMENT, CARD_AUTHENTICATION = 0x9A, 0x9C, 0x9D, 0x9E
RETIRED = range(0x82, 0x96)
SLOTS = frozenset({AUTHENTICATION, SIGNATURE, KEY_MANAGEMENT, CARD_AUTHENTICATION, *RETIRED})

SLOT_POLICY: Mapping[int, PinPolicy] = MappingProxyType(
    {
        **dict.fromkeys(SLOTS, PinPolicy.ONCE),
        SIGNATURE: PinPolicy.ALWAYS,
        CARD_AUTHENTICATION: PinPolicy.NEVER,
    }
)
"""The PIN rule of each slot (part 1 table 4b): 9C wants its PIN for every signature."""

DISCOVERY_CONTENT = build_tlv(0x4F, AID) + build_tlv(0x5F2F, bytes((0x40, 0x00)))
"""It says that the application's own PIN is the one to use (part 1 §3.3.2)."""
