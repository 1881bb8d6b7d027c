"""PKCS#15 files as DER (ISO 7816-15), declared with ``cryptography.hazmat.asn1``.

A file is its entries one after another. OpenSC's additions are made where its readers want them:
the field size of an EC private key (src/libopensc/pkcs15-prkey.c).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Any

from cryptography.hazmat import asn1
from cryptography.x509 import ObjectIdentifier

from apdu.pkcs15.entries import (
    DIRECTORY_NAMES,
    KEY_ACCESS,
    KEY_USAGES,
    OBJECT_FLAGS,
    PIN_FLAGS,
    TOKEN_FLAGS,
    CertificateEntry,
    PinEntry,
    PrivateKeyEntry,
    PublicKeyEntry,
    TokenInfo,
)
from apdu.tlv import build_tlv, parse_tlv

CURVES: Mapping[int, ObjectIdentifier] = {
    256: ObjectIdentifier("1.2.840.10045.3.1.7"),
    384: ObjectIdentifier("1.3.132.0.34"),
}
"""The named curve of each field size in bits: P-256 and P-384."""

_ASCII_NUMERIC = asn1.decode_der(asn1.TLV, bytes.fromhex("0A0101"))
"""PasswordType ascii-numeric; hazmat.asn1 has no ENUMERATED of its own."""


@asn1.sequence
class _Path:
    path: bytes


@asn1.sequence
class _Common:
    label: str
    flags: asn1.BitString
    auth_id: bytes | None
    user_consent: int | None


@asn1.sequence
class _KeyClass:
    id: bytes
    usage: asn1.BitString
    access: asn1.BitString | None
    reference: int | None


@asn1.sequence
class _RsaAttributes:
    value: _Path
    modulus_length: int


@asn1.sequence
class _Domain:
    curve: ObjectIdentifier


@asn1.sequence
class _EcPrivateAttributes:
    value: _Path
    field_size: int
    domain: _Domain | None


@asn1.sequence
class _PathAttributes:
    value: _Path


@asn1.sequence
class _RsaKey:
    common: _Common
    key: _KeyClass
    type: Annotated[_RsaAttributes, asn1.Explicit(1)]


@asn1.sequence
class _EcPrivateKey:
    common: _Common
    key: _KeyClass
    type: Annotated[_EcPrivateAttributes, asn1.Explicit(1)]


@asn1.sequence
class _EcPublicKey:
    common: _Common
    key: _KeyClass
    type: Annotated[_PathAttributes, asn1.Explicit(1)]


@asn1.sequence
class _PrivateKeyChoice:
    rsa: _RsaKey | None
    ec: Annotated[_EcPrivateKey | None, asn1.Implicit(0)]


@asn1.sequence
class _PublicKeyChoice:
    rsa: _RsaKey | None
    ec: Annotated[_EcPublicKey | None, asn1.Implicit(0)]


@asn1.sequence
class _CertificateClass:
    id: bytes
    authority: Annotated[bool, asn1.Default(value=False)]


@asn1.sequence
class _Certificate:
    common: _Common
    certificate: _CertificateClass
    type: Annotated[_PathAttributes, asn1.Explicit(1)]


@asn1.sequence
class _PinClass:
    id: bytes


@asn1.sequence
class _PinAttributes:
    flags: asn1.BitString
    type: asn1.TLV
    min_length: int
    stored_length: int
    max_length: int
    reference: Annotated[int, asn1.Implicit(0)]
    pad_char: bytes
    path: _Path | None


@asn1.sequence
class _Pin:
    common: _Common
    pin: _PinClass
    type: Annotated[_PinAttributes, asn1.Explicit(1)]


@asn1.sequence
class _Directories:
    private_keys: Annotated[_Path | None, asn1.Explicit(0)]
    public_keys: Annotated[_Path | None, asn1.Explicit(1)]
    trusted_public_keys: Annotated[_Path | None, asn1.Explicit(2)]
    secret_keys: Annotated[_Path | None, asn1.Explicit(3)]
    certificates: Annotated[_Path | None, asn1.Explicit(4)]
    trusted_certificates: Annotated[_Path | None, asn1.Explicit(5)]
    useful_certificates: Annotated[_Path | None, asn1.Explicit(6)]
    data_objects: Annotated[_Path | None, asn1.Explicit(7)]
    auth_objects: Annotated[_Path | None, asn1.Explicit(8)]


@asn1.sequence
class _TokenInfo:
    version: int
    serial: bytes
    manufacturer: str
    label: Annotated[str, asn1.Implicit(0)]
    flags: asn1.BitString


def build_dir(aid: bytes, label: str, path: bytes) -> bytes:
    """The record of EF.DIR that leads to an application (ISO 7816-4 §8.2.1; tags 61, 4F, 50, 51)."""
    fields = build_tlv(0x4F, aid) + build_tlv(0x50, label.encode()) + build_tlv(0x51, path)
    return build_tlv(0x61, fields)


def build_odf(directories: Mapping[str, bytes]) -> bytes:
    """EF.ODF: where each directory file is. The keys are names of `DIRECTORY_NAMES`."""
    unknown = directories.keys() - set(DIRECTORY_NAMES)
    if unknown:
        raise ValueError(f"no PKCS#15 directory is called {', '.join(sorted(unknown))}")
    paths = [_path(directories.get(name)) for name in DIRECTORY_NAMES]
    return _content(_Directories(**dict(zip(_Directories.__annotations__, paths, strict=True))))


def build_token_info(info: TokenInfo) -> bytes:
    """EF.TokenInfo of a token that has its own random generator."""
    return asn1.encode_der(
        _TokenInfo(
            version=0,
            serial=info.serial,
            manufacturer=info.manufacturer,
            label=info.label,
            flags=_bits({"prnGeneration", "eidCompliant"}, TOKEN_FLAGS),
        )
    )


def build_pins(entries: Iterable[PinEntry]) -> bytes:
    """EF.AODF: the PINs, in this order."""
    return b"".join(asn1.encode_der(_pin(entry)) for entry in entries)


def build_private_keys(entries: Iterable[PrivateKeyEntry]) -> bytes:
    """EF.PrKDF: the private keys, in this order."""
    return b"".join(_content(_private_key(entry)) for entry in entries)


def build_public_keys(entries: Iterable[PublicKeyEntry]) -> bytes:
    """EF.PuKDF: the public keys, in this order."""
    return b"".join(_content(_public_key(entry)) for entry in entries)


def build_certificates(entries: Iterable[CertificateEntry]) -> bytes:
    """EF.CDF: the certificates, in this order."""
    return b"".join(asn1.encode_der(_certificate(entry)) for entry in entries)


def _pin(entry: PinEntry) -> _Pin:
    return _Pin(
        common=_common(entry.label, {"private", "modifiable"}, entry.auth_id),
        pin=_PinClass(id=entry.id),
        type=_PinAttributes(
            flags=_bits(entry.flags, PIN_FLAGS),
            type=_ASCII_NUMERIC,
            min_length=entry.min_length,
            stored_length=entry.stored_length,
            max_length=entry.max_length,
            reference=entry.reference,
            pad_char=bytes((entry.pad_char,)),
            path=_path(entry.path or None),
        ),
    )


def _private_key(entry: PrivateKeyEntry) -> _PrivateKeyChoice:
    common = _common(
        entry.label, {"private", "modifiable"}, entry.auth_id, entry.user_consent
    )
    key = _KeyClass(
        id=entry.id,
        usage=_bits(entry.usage, KEY_USAGES),
        access=_bits(entry.access, KEY_ACCESS),
        reference=entry.reference,
    )
    value, bits = _Path(path=entry.path), entry.bits or 0
    if entry.kind == "rsa":
        rsa = _RsaAttributes(value=value, modulus_length=bits)
        return _PrivateKeyChoice(rsa=_RsaKey(common=common, key=key, type=rsa), ec=None)
    curve = CURVES.get(bits)
    domain = None if curve is None else _Domain(curve=curve)
    ec = _EcPrivateAttributes(value=value, field_size=bits, domain=domain)
    return _PrivateKeyChoice(rsa=None, ec=_EcPrivateKey(common=common, key=key, type=ec))


def _public_key(entry: PublicKeyEntry) -> _PublicKeyChoice:
    common = _common(entry.label, {"modifiable"})
    usage = _bits(entry.usage, KEY_USAGES)
    key = _KeyClass(id=entry.id, usage=usage, access=None, reference=None)
    value = _Path(path=entry.path)
    if entry.kind == "rsa":
        rsa = _RsaAttributes(value=value, modulus_length=entry.bits or 0)
        return _PublicKeyChoice(rsa=_RsaKey(common=common, key=key, type=rsa), ec=None)
    ec = _EcPublicKey(common=common, key=key, type=_PathAttributes(value=value))
    return _PublicKeyChoice(rsa=None, ec=ec)


def _certificate(entry: CertificateEntry) -> _Certificate:
    return _Certificate(
        common=_common(entry.label, {"modifiable"}),
        certificate=_CertificateClass(id=entry.id, authority=entry.authority),
        type=_PathAttributes(value=_Path(path=entry.path)),
    )


def _common(
    label: str, flags: Iterable[str], auth_id: bytes = b"", user_consent: int | None = None
) -> _Common:
    return _Common(
        label=label,
        flags=_bits(flags, OBJECT_FLAGS),
        auth_id=auth_id or None,
        user_consent=user_consent,
    )


def _path(path: bytes | None) -> _Path | None:
    return None if path is None else _Path(path=path)


def _bits(names: Iterable[str], table: Sequence[str]) -> asn1.BitString:
    """A named bit list: bit 0 is the highest bit, trailing zero bits are left out (X.690 §11.2.2)."""
    places = [table.index(name) for name in names]
    if not places:
        return asn1.BitString(b"", 0)
    length = max(places) + 1
    spare = -length % 8
    value = sum(1 << (length - 1 - place) for place in places) << spare
    return asn1.BitString(value.to_bytes((length + spare) // 8, "big"), spare)


def _content(sequence: Any) -> bytes:
    """A CHOICE is declared as a sequence of which one field is there; it goes without the header."""
    return parse_tlv(asn1.encode_der(sequence)).value
