"""The ASN.1 of PKCS#15 files (ISO 7816-15 annex A; PKCS#15 v1.1 annex B), as far as written here.

A CHOICE is declared as a sequence of optional fields; whoever writes one drops the header.
"""

from __future__ import annotations

from typing import Annotated

from cryptography.hazmat import asn1
from cryptography.x509 import ObjectIdentifier


@asn1.sequence
class Path:
    """Path of ISO 7816-15 §8.3.1, without index and length: a whole file."""

    path: bytes


@asn1.sequence
class Common:
    """CommonObjectAttributes."""

    label: str
    flags: asn1.BitString
    auth_id: bytes | None
    user_consent: int | None


@asn1.sequence
class KeyClass:
    """CommonKeyAttributes. `native` is left out: TRUE."""

    id: bytes
    usage: asn1.BitString
    access: asn1.BitString | None
    reference: int | None


@asn1.sequence
class RsaAttributes:
    """PrivateRSAKeyAttributes and PublicRSAKeyAttributes; the length is in bits."""

    value: Path
    modulus_length: int


@asn1.sequence
class Domain:
    """The named curve of a key."""

    curve: ObjectIdentifier


@asn1.sequence
class EcPrivateAttributes:
    """PrivateECKeyAttributes. The field size, in bits, is OpenSC's and it insists on it."""

    value: Path
    field_size: int
    domain: Domain | None


@asn1.sequence
class PathAttributes:
    """PublicECKeyAttributes and X509CertificateAttributes."""

    value: Path


@asn1.sequence
class RsaKey:
    """A private or public RSA key."""

    common: Common
    key: KeyClass
    type: Annotated[RsaAttributes, asn1.Explicit(1)]


@asn1.sequence
class EcPrivateKey:
    """A private key on a curve."""

    common: Common
    key: KeyClass
    type: Annotated[EcPrivateAttributes, asn1.Explicit(1)]


@asn1.sequence
class EcPublicKey:
    """A public key on a curve."""

    common: Common
    key: KeyClass
    type: Annotated[PathAttributes, asn1.Explicit(1)]


@asn1.sequence
class PrivateKeyChoice:
    """PrivateKeyType: one of the two is there."""

    rsa: RsaKey | None
    ec: Annotated[EcPrivateKey | None, asn1.Implicit(0)]


@asn1.sequence
class PublicKeyChoice:
    """PublicKeyType: one of the two is there."""

    rsa: RsaKey | None
    ec: Annotated[EcPublicKey | None, asn1.Implicit(0)]


@asn1.sequence
class CertificateClass:
    """CommonCertificateAttributes."""

    id: bytes
    authority: Annotated[bool, asn1.Default(value=False)]


@asn1.sequence
class Certificate:
    """An X.509 certificate."""

    common: Common
    certificate: CertificateClass
    type: Annotated[PathAttributes, asn1.Explicit(1)]


@asn1.sequence
class PinClass:
    """CommonAuthenticationObjectAttributes."""

    id: bytes


@asn1.sequence
class PinFlags:
    """PasswordAttributes up to the type, which is ENUMERATED: hazmat.asn1 does not have that."""

    flags: asn1.BitString


@asn1.sequence
class PinAttributes:
    """PasswordAttributes after the type."""

    min_length: int
    stored_length: int
    max_length: int
    reference: Annotated[int, asn1.Implicit(0)]
    pad_char: bytes
    path: Path | None


@asn1.sequence
class Directories:
    """The choices of EF.ODF, each of them there or not."""

    private_keys: Annotated[Path | None, asn1.Explicit(0)]
    public_keys: Annotated[Path | None, asn1.Explicit(1)]
    trusted_public_keys: Annotated[Path | None, asn1.Explicit(2)]
    secret_keys: Annotated[Path | None, asn1.Explicit(3)]
    certificates: Annotated[Path | None, asn1.Explicit(4)]
    trusted_certificates: Annotated[Path | None, asn1.Explicit(5)]
    useful_certificates: Annotated[Path | None, asn1.Explicit(6)]
    data_objects: Annotated[Path | None, asn1.Explicit(7)]
    auth_objects: Annotated[Path | None, asn1.Explicit(8)]


@asn1.sequence
class Token:
    """EF.TokenInfo (CIAInfo)."""

    version: int
    serial: bytes
    manufacturer: str
    label: Annotated[str, asn1.Implicit(0)]
    flags: asn1.BitString
