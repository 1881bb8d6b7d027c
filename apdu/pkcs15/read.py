"""PKCS#15 files read back (ISO 7816-15), whoever wrote them: this project or OpenSC.

A directory file is its entries one after another; 00 or FF where the next one would begin is the
unwritten rest of the file. Fields and kinds of objects that are not known here are passed over.
What is no DER, or lacks what cannot be missing, raises TlvError; `offset` counts from the
beginning of the file, or of the field that is wrong.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from apdu.errors import TlvError
from apdu.pkcs15.entries import (
    DIRECTORY_NAMES,
    KEY_ACCESS,
    KEY_USAGES,
    PIN_FLAGS,
    CertificateEntry,
    KeyKind,
    PinEntry,
    PrivateKeyEntry,
    PublicKeyEntry,
    TokenInfo,
)
from apdu.tlv import Tlv, build_tlv, find, parse_tlv, parse_tlvs, read_tlv

__all__ = [
    "CertificateEntry",
    "PinEntry",
    "PrivateKeyEntry",
    "PublicKeyEntry",
    "TokenInfo",
    "entries_of",
    "first_object",
    "read_certificates",
    "read_odf",
    "read_pins",
    "read_private_keys",
    "read_public_keys",
    "read_token_info",
]

_BOOLEAN, _INTEGER, _BIT_STRING, _OCTET_STRING, _UTF8_STRING = 0x01, 0x02, 0x03, 0x04, 0x0C
_SEQUENCE, _EC_KEY, _TYPE_ATTRIBUTES = 0x30, 0xA0, 0xA1
_KINDS: dict[int, KeyKind] = {_SEQUENCE: "rsa", _EC_KEY: "ec"}
_UNWRITTEN = (0x00, 0xFF)


def first_object(data: bytes) -> bytes:
    """The first object of a file, header included, without the unwritten rest after it."""
    return data[: read_tlv(data)[1]]


def entries_of(data: bytes) -> tuple[bytes, ...]:
    """The entries of a directory file as they stand there, each with its header."""
    return tuple(build_tlv(*entry) for entry in _entries(data))


def read_token_info(data: bytes) -> TokenInfo:
    """EF.TokenInfo. What the token does not say about itself is empty."""
    fields = parse_tlv(first_object(data)).children
    label = find(fields, 0x80)
    if label is None:
        wrapped = find(fields, 0xA0)
        label = find(parse_tlvs(wrapped), _UTF8_STRING) if wrapped else None
    return TokenInfo(
        serial=find(fields, _OCTET_STRING) or b"",
        manufacturer=_text(find(fields, _UTF8_STRING)),
        label=_text(label),
    )


def read_odf(data: bytes) -> dict[str, bytes]:
    """EF.ODF: the path of each directory file, by its name in `DIRECTORY_NAMES`."""
    paths: dict[str, bytes] = {}
    for entry in _entries(data):
        place = entry.tag - 0xA0
        path = find(entry.children, _SEQUENCE)
        if 0 <= place < len(DIRECTORY_NAMES) and path is not None:
            paths.setdefault(DIRECTORY_NAMES[place], _octets(parse_tlvs(path)))
    return paths


def read_pins(data: bytes) -> tuple[PinEntry, ...]:
    """EF.AODF: the PINs; other means of authentication are passed over."""
    return tuple(_pin(_Object(entry)) for entry in _entries(data) if entry.tag == _SEQUENCE)


def read_private_keys(data: bytes) -> tuple[PrivateKeyEntry, ...]:
    """EF.PrKDF: the RSA and EC keys."""
    return tuple(_private_key(_Object(entry)) for entry in _entries(data) if entry.tag in _KINDS)


def read_public_keys(data: bytes) -> tuple[PublicKeyEntry, ...]:
    """EF.PuKDF: the RSA and EC keys."""
    return tuple(_public_key(_Object(entry)) for entry in _entries(data) if entry.tag in _KINDS)


def read_certificates(data: bytes) -> tuple[CertificateEntry, ...]:
    """EF.CDF: the X.509 certificates."""
    return tuple(_certificate(_Object(entry)) for entry in _entries(data) if entry.tag == _SEQUENCE)


class _Object:
    """One PKCS#15 object (ISO 7816-15 §8.2): common, class and type attributes, apart."""

    def __init__(self, entry: Tlv) -> None:
        self.tag = entry.tag
        parts = entry.children
        sequences = [part for part in parts if part.tag == _SEQUENCE]
        attributes = find(parts, _TYPE_ATTRIBUTES)
        if len(sequences) < 2 or attributes is None:
            raise TlvError(0, "an object has common, class and type attributes")
        self.common = sequences[0].children
        self.own = sequences[1].children
        self.type = parse_tlv(attributes).children

    @property
    def label(self) -> str:
        return _text(find(self.common, _UTF8_STRING))

    @property
    def auth_id(self) -> bytes:
        return find(self.common, _OCTET_STRING) or b""

    @property
    def id(self) -> bytes:
        return _octets(self.own)

    @property
    def path(self) -> bytes:
        path = find(self.type, _SEQUENCE)
        return b"" if path is None else find(parse_tlvs(path), _OCTET_STRING) or b""


def _pin(found: _Object) -> PinEntry:
    lengths = _integers(found.type)
    if len(lengths) < 2:
        raise TlvError(0, "a PIN has a least and a stored length")
    reference = find(found.type, 0x80)
    pad = find(found.type, _OCTET_STRING)
    return PinEntry(
        label=found.label,
        id=found.id,
        reference=0 if reference is None else _unsigned(reference),
        flags=_names(find(found.type, _BIT_STRING), PIN_FLAGS),
        path=found.path,
        min_length=lengths[0],
        stored_length=lengths[1],
        max_length=lengths[2] if len(lengths) > 2 else lengths[1],
        pad_char=pad[0] if pad else 0,
        auth_id=found.auth_id,
    )


def _private_key(found: _Object) -> PrivateKeyEntry:
    flags = _all(found.own, _BIT_STRING)
    references, sizes = _integers(found.own), _integers(found.type)
    consents = _integers(found.common)
    return PrivateKeyEntry(
        label=found.label,
        id=found.id,
        path=found.path,
        reference=references[0] & 0xFF if references else None,
        kind=_KINDS[found.tag],
        bits=sizes[0] if sizes else None,
        usage=_names(flags[0] if flags else None, KEY_USAGES),
        auth_id=found.auth_id,
        user_consent=consents[0] if consents else None,
        access=_names(flags[1] if len(flags) > 1 else None, KEY_ACCESS),
    )


def _public_key(found: _Object) -> PublicKeyEntry:
    kind, sizes = _KINDS[found.tag], _integers(found.type)
    return PublicKeyEntry(
        label=found.label,
        id=found.id,
        path=found.path,
        kind=kind,
        bits=sizes[0] if sizes and kind == "rsa" else None,
        usage=_names(find(found.own, _BIT_STRING), KEY_USAGES),
    )


def _certificate(found: _Object) -> CertificateEntry:
    authority = find(found.own, _BOOLEAN)
    return CertificateEntry(
        label=found.label,
        id=found.id,
        path=found.path,
        authority=authority is not None and any(authority),
    )


def _entries(data: bytes) -> Iterator[Tlv]:
    """Each entry, up to the unwritten rest of the file."""
    at = 0
    while at < len(data) and data[at] not in _UNWRITTEN:
        entry, at = read_tlv(data, at)
        yield entry


def _all(fields: tuple[Tlv, ...], tag: int) -> list[bytes]:
    return [field.value for field in fields if field.tag == tag]


def _octets(fields: tuple[Tlv, ...]) -> bytes:
    value = find(fields, _OCTET_STRING)
    if value is None:
        raise TlvError(0, "an octet string is missing")
    return value


def _text(value: bytes | None) -> str:
    return "" if value is None else value.decode(errors="replace")


def _integers(fields: tuple[Tlv, ...]) -> list[int]:
    return [int.from_bytes(value, "big", signed=True) for value in _all(fields, _INTEGER)]


def _unsigned(value: bytes) -> int:
    """A small reference; older OpenSC wrote those from 80 on as negative numbers."""
    return int.from_bytes(value, "big", signed=True) & 0xFF


def _names(value: bytes | None, table: Sequence[str]) -> frozenset[str]:
    """A named bit list: the first byte counts the spare bits at its end, bit 0 is the highest."""
    if not value:
        return frozenset()
    bits, size = int.from_bytes(value[1:], "big"), 8 * (len(value) - 1)
    return frozenset(
        name for place, name in enumerate(table[:size]) if bits >> (size - 1 - place) & 1
    )
