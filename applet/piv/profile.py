"""What the PIV applet is: names, the rule of each key slot, and the state it leaves the factory in.

SP 800-73-4 part 1 (objects), part 2 (card edge).
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from apdu.atr import Atr, InterfaceBytes, build_atr
from apdu.filecontrol import FileKind
from apdu.pivedge import ATTESTATION, CARD_AUTHENTICATION, CURVES, RSA, SIGNATURE, SLOTS, PinPolicy
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

VERSION = bytes((5, 7, 0))
"""Yubico's tools insist on a version. From 5.7 on they make RSA keys of all sizes, and AES keys for
the management; what they ask for besides, docs/piv.md tells."""

SERIAL_LENGTH = 4


def serial_number(random: bytes) -> bytes:
    """A serial number from random bytes: Yubico's tools read it as a number with a sign."""
    return bytes((random[0] & 0x7F,)) + random[1:]


PIN_TRIES, PUK_TRIES = 6, 10

RSA_EXPONENT = 65537


def kind_of(algorithm: int) -> tuple[FileKind, int] | None:
    """The kind of key and its bits, or None for an algorithm that makes no key pair."""
    if algorithm in RSA:
        return FileKind.RSA_KEY, RSA[algorithm]
    if algorithm in CURVES:
        return FileKind.EC_KEY, CURVES[algorithm]
    return None


SLOT_POLICY: Mapping[int, PinPolicy] = MappingProxyType(
    {
        **dict.fromkeys(SLOTS, PinPolicy.ONCE),
        SIGNATURE: PinPolicy.ALWAYS,
        CARD_AUTHENTICATION: PinPolicy.NEVER,
        ATTESTATION: PinPolicy.NEVER,
    }
)
"""The PIN rule of each slot (part 1 table 4b): 9C wants its PIN for every signature."""

DISCOVERY_CONTENT = build_tlv(0x4F, AID) + build_tlv(0x5F2F, bytes((0x40, 0x00)))
"""It says that the application's own PIN is the one to use (part 1 §3.3.2)."""
