"""What the entries of PKCS#15 files say, as values (ISO 7816-15 §8; PKCS#15 v1.1 §6).

Identifiers join what belongs together: a private key, its public key and its certificates have
the same ``id``. Paths are file identifiers from the master file down, 2 bytes each.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

KeyKind = Literal["rsa", "ec"]

KEY_USAGES = (
    "encrypt",
    "decrypt",
    "sign",
    "signRecover",
    "wrap",
    "unwrap",
    "verify",
    "verifyRecover",
    "derive",
    "nonRepudiation",
)
"""KeyUsageFlags, bit 0 first."""

KEY_ACCESS = ("sensitive", "extractable", "alwaysSensitive", "neverExtractable", "local")
"""KeyAccessFlags, bit 0 first."""

BORN_ON_CARD = frozenset({"sensitive", "alwaysSensitive", "neverExtractable", "local"})
"""Access flags of a key that the card generated."""

IMPORTED = frozenset({"sensitive"})
"""Access flags of a key that came from outside; what happened to it there, nobody can promise."""

PIN_FLAGS = (
    "case-sensitive",
    "local",
    "change-disabled",
    "unblock-disabled",
    "initialized",
    "needs-padding",
    "unblockingPin",
    "soPin",
    "disable-allowed",
    "integrity-protected",
    "confidentiality-protected",
    "exchangeRefData",
)
"""PasswordFlags, bit 0 first."""

OBJECT_FLAGS = ("private", "modifiable")
"""CommonObjectFlags, bit 0 first."""

TOKEN_FLAGS = ("readonly", "loginRequired", "prnGeneration", "eidCompliant")
"""TokenFlags, bit 0 first."""

DIRECTORY_NAMES = (
    "privateKeys",
    "publicKeys",
    "trustedPublicKeys",
    "secretKeys",
    "certificates",
    "trustedCertificates",
    "usefulCertificates",
    "dataObjects",
    "authObjects",
)
"""The choices of EF.ODF; the place in this list is the context tag."""


@dataclass(frozen=True, slots=True)
class TokenInfo:
    """EF.TokenInfo: what the token calls itself."""

    serial: bytes
    manufacturer: str
    label: str


@dataclass(frozen=True, slots=True)
class PinEntry:
    """A PIN in EF.AODF. `id` is what keys name as their `auth_id`; lengths are in bytes."""

    label: str
    id: bytes
    reference: int
    flags: frozenset[str]
    path: bytes = b""
    min_length: int = 6
    stored_length: int = 8
    max_length: int = 8
    pad_char: int = 0xFF
    auth_id: bytes = b""
    """The PIN that guards this one, or nothing."""


@dataclass(frozen=True, slots=True)
class PrivateKeyEntry:
    """A private key in EF.PrKDF. `bits`: of the modulus, or of the curve's field."""

    label: str
    id: bytes
    path: bytes
    reference: int | None
    kind: KeyKind
    bits: int | None
    usage: frozenset[str]
    auth_id: bytes = b""
    user_consent: int | None = None
    access: frozenset[str] = BORN_ON_CARD


@dataclass(frozen=True, slots=True)
class PublicKeyEntry:
    """A public key in EF.PuKDF; the key itself is in the file of `path`.

    EC entries do not say how many bits the key has.
    """

    label: str
    id: bytes
    path: bytes
    kind: KeyKind
    bits: int | None
    usage: frozenset[str]


@dataclass(frozen=True, slots=True)
class CertificateEntry:
    """An X.509 certificate in EF.CDF. No path: the certificate is in the entry itself."""

    label: str
    id: bytes
    path: bytes
    authority: bool = False
