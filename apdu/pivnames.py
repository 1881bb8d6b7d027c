"""What the objects, keys and algorithms of PIV are called (SP 800-73-4 part 1, SP 800-78-4)."""

from collections.abc import Mapping
from types import MappingProxyType

PIV_AID = bytes.fromhex("A000000308")
"""The application's identifier as far as it is the same in every version (part 1 §2.2)."""

_RETIRED = {0x5FC10D + place: f"certificate of retired key {place + 1}" for place in range(20)}

OBJECT_NAMES: Mapping[int, str] = MappingProxyType(
    {
        0x7E: "discovery object",
        0x7F61: "biometric group template",
        0x5FC101: "certificate of the card authentication key",
        0x5FC102: "cardholder unique identifier",
        0x5FC103: "fingerprints",
        0x5FC105: "certificate of the authentication key",
        0x5FC106: "security object",
        0x5FC107: "card capability container",
        0x5FC108: "facial image",
        0x5FC109: "printed information",
        0x5FC10A: "certificate of the signature key",
        0x5FC10B: "certificate of the key management key",
        0x5FC10C: "key history",
        **_RETIRED,
        0x5FC121: "iris images",
        0x5FC122: "certificate of the secure messaging signer",
        0x5FC123: "pairing code",
        0x5FFF01: "certificate of the attestation key",
    }
)
"""By the tag of the object (part 1 table 3)."""

PIN_PROTECTED = frozenset({0x5FC103, 0x5FC108, 0x5FC109, 0x5FC121, 0x5FC123})
"""Objects that are read only after the PIN (part 1 table 2): fingerprints, face, printed
information, iris, pairing code."""

KEY_NAMES: Mapping[int, str] = MappingProxyType(
    {
        0x9A: "authentication key",
        0x9B: "management key",
        0x9C: "signature key",
        0x9D: "key management key",
        0x9E: "card authentication key",
        **{0x82 + place: f"retired key {place + 1}" for place in range(20)},
        0xF9: "attestation key",
    }
)
"""By the reference of the key (part 1 table 4b)."""

PIN_NAMES: Mapping[int, str] = MappingProxyType({0x00: "global PIN", 0x80: "PIN", 0x81: "PUK"})
"""By the reference of the PIN (part 1 table 4a)."""

ALGORITHM_NAMES: Mapping[int, str] = MappingProxyType(
    {
        **dict.fromkeys((0x00, 0x03), "3DES"),
        0x05: "RSA-3072",
        0x06: "RSA-1024",
        0x07: "RSA-2048",
        0x08: "AES-128",
        0x0A: "AES-192",
        0x0C: "AES-256",
        0x11: "P-256",
        0x14: "P-384",
        0x16: "RSA-4096",
    }
)
"""By the algorithm's identifier (SP 800-78-4 table 6-2, and the later one for RSA-4096)."""
