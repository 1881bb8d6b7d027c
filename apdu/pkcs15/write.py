"""PKCS#15 files as DER (ISO 7816-15), declared with ``cryptography.hazmat.asn1``.

A file is its entries one after another. OpenSC's additions are made where its readers want them:
the field size of an EC private key (src/libopensc/pkcs15-prkey.c).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from cryptography.hazmat import asn1
from cryptography.x509 import ObjectIdentifier

from apdu.pkcs15 import schema
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

_SEQUENCE, _TYPE_ATTRIBUTES = 0x30, 0xA1

_ASCII_NUMERIC = bytes.fromhex("0A0101")
"""PasswordType as ENUMERATED, which stands between two declared parts."""


def build_dir(aid: bytes, label: str, path: bytes) -> bytes:
    """The record of EF.DIR that leads to an application (ISO 7816-4 §8.2.1)."""
    fields = build_tlv(0x4F, aid) + build_tlv(0x50, label.encode()) + build_tlv(0x51, path)
    return build_tlv(0x61, fields)


def build_odf(directories: Mapping[str, bytes]) -> bytes:
    """EF.ODF: where each directory file is. The keys are names of `DIRECTORY_NAMES`."""
    unknown = directories.keys() - set(DIRECTORY_NAMES)
    if unknown:
        raise ValueError(f"no PKCS#15 directory is called {', '.join(sorted(unknown))}")
    paths = [_path(directories.get(name)) for name in DIRECTORY_NAMES]
    return _content(
        schema.Directories(**dict(zip(schema.Directories.__annotations__, paths, strict=True)))
    )


def build_token_info(info: TokenInfo) -> bytes:
    """EF.TokenInfo of a token that has its own random generator."""
    return asn1.encode_der(
        schema.Token(
            version=0,
            serial=info.serial,
            manufacturer=info.manufacturer,
            label=info.label,
            flags=_bits({"prnGeneration", "eidCompliant"}, TOKEN_FLAGS),
        )
    )


def build_pins(entries: Iterable[PinEntry]) -> bytes:
    """EF.AODF: the PINs, in this order."""
    return b"".join(_pin(entry) for entry in entries)


def build_private_keys(entries: Iterable[PrivateKeyEntry]) -> bytes:
    """EF.PrKDF: the private keys, in this order."""
    return b"".join(_content(_private_key(entry)) for entry in entries)


def build_public_keys(entries: Iterable[PublicKeyEntry]) -> bytes:
    """EF.PuKDF: the public keys, in this order."""
    return b"".join(_content(_public_key(entry)) for entry in entries)


def build_certificates(entries: Iterable[CertificateEntry]) -> bytes:
    """EF.CDF: the certificates, in this order."""
    return b"".join(asn1.encode_der(_certificate(entry)) for entry in entries)


def _pin(entry: PinEntry) -> bytes:
    flags = schema.PinFlags(flags=_bits(entry.flags, PIN_FLAGS))
    rest = schema.PinAttributes(
        min_length=entry.min_length,
        stored_length=entry.stored_length,
        max_length=entry.max_length,
        reference=entry.reference,
        pad_char=bytes((entry.pad_char,)),
        path=_path(entry.path or None),
    )
    attributes = build_tlv(_SEQUENCE, _content(flags) + _ASCII_NUMERIC + _content(rest))
    common = asn1.encode_der(_common(entry.label, {"private", "modifiable"}, entry.auth_id))
    own = asn1.encode_der(schema.PinClass(id=entry.id))
    return build_tlv(_SEQUENCE, common + own + build_tlv(_TYPE_ATTRIBUTES, attributes))


def _private_key(entry: PrivateKeyEntry) -> schema.PrivateKeyChoice:
    common = _common(entry.label, {"private", "modifiable"}, entry.auth_id, entry.user_consent)
    key = schema.KeyClass(
        id=entry.id,
        usage=_bits(entry.usage, KEY_USAGES),
        access=_bits(entry.access, KEY_ACCESS),
        reference=entry.reference,
    )
    value, bits = schema.Path(path=entry.path), entry.bits or 0
    if entry.kind == "rsa":
        rsa = schema.RsaAttributes(value=value, modulus_length=bits)
        return schema.PrivateKeyChoice(rsa=schema.RsaKey(common=common, key=key, type=rsa), ec=None)
    curve = CURVES.get(bits)
    domain = None if curve is None else schema.Domain(curve=curve)
    ec = schema.EcPrivateAttributes(value=value, field_size=bits, domain=domain)
    return schema.PrivateKeyChoice(
        rsa=None, ec=schema.EcPrivateKey(common=common, key=key, type=ec)
    )


def _public_key(entry: PublicKeyEntry) -> schema.PublicKeyChoice:
    common = _common(entry.label, {"modifiable"})
    usage = _bits(entry.usage, KEY_USAGES)
    key = schema.KeyClass(id=entry.id, usage=usage, access=None, reference=None)
    value = schema.Path(path=entry.path)
    if entry.kind == "rsa":
        rsa = schema.RsaAttributes(value=value, modulus_length=entry.bits or 0)
        return schema.PublicKeyChoice(rsa=schema.RsaKey(common=common, key=key, type=rsa), ec=None)
    ec = schema.EcPublicKey(common=common, key=key, type=schema.PathAttributes(value=value))
    return schema.PublicKeyChoice(rsa=None, ec=ec)


def _certificate(entry: CertificateEntry) -> schema.Certificate:
    return schema.Certificate(
        common=_common(entry.label, {"modifiable"}),
        certificate=schema.CertificateClass(id=entry.id, authority=entry.authority),
        type=schema.PathAttributes(value=schema.Path(path=entry.path)),
    )


def _common(
    label: str, flags: Iterable[str], auth_id: bytes = b"", user_consent: int | None = None
) -> schema.Common:
    return schema.Common(
        label=label,
        flags=_bits(flags, OBJECT_FLAGS),
        auth_id=auth_id or None,
        user_consent=user_consent,
    )


def _path(path: bytes | None) -> schema.Path | None:
    return None if path is None else schema.Path(path=path)


def _bits(names: Iterable[str], table: Sequence[str]) -> asn1.BitString:
    """A named bit list: bit 0 is the highest, trailing zeros are left out (X.690 §11.2.2)."""
    places = [table.index(name) for name in names]
    if not places:
        return asn1.BitString(b"", 0)
    length = max(places) + 1
    spare = -length % 8
    value = sum(1 << (length - 1 - place) for place in places) << spare
    return asn1.BitString(value.to_bytes((length + spare) // 8, "big"), spare)


def _content(sequence: Any) -> bytes:
    """The fields of a sequence without its header."""
    return parse_tlv(asn1.encode_der(sequence)).value
