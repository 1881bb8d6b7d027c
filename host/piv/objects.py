"""The data objects of a PIV card: who it is, what it can do, its certificates (part 1 §3)."""

from __future__ import annotations

from datetime import date

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from apdu.pivcertificate import build_certificate_object, parse_certificate_object
from apdu.tlv import Tlv, build_tlvs, find, parse_tlvs
from host.directory import load_certificate

_LRC = 0xFE
_FASC_N, _GUID, _EXPIRY, _SIGNATURE = 0x30, 0x34, 0x35, 0x3E

_START, _FIELD, _END = 0b1011, 0b1101, 0b1111
"""Sentinels between the digits of a FASC-N."""

CARD_ID_LENGTH = 14
_CARD_ID_HEAD = bytes.fromhex("A000000116 FF 02")
"""The data model's identifier, a manufacturer without a number, a card with a file system."""


def chuid(guid: bytes, expiry: date) -> bytes:
    """Card holder unique identifier: who the card is, by 16 bytes, unsigned (part 1 §3.1.2).

    The federal number in it is the one that stands for a card of no agency.
    """
    return build_tlvs(
        Tlv(_FASC_N, fasc_n("9999", "9999", "999999", "0", "1", "0000000000300001")),
        Tlv(_GUID, guid),
        Tlv(_EXPIRY, f"{expiry:%Y%m%d}".encode()),
        Tlv(_SIGNATURE, b""),
        Tlv(_LRC, b""),
    )


def guid_of(content: bytes) -> bytes | None:
    """The identifier in a CHUID; None when there is none. TlvError for what is no CHUID."""
    return find(parse_tlvs(content), _GUID)


def fasc_n(
    agency: str, system: str, credential: str, series: str, issue: str, person: str
) -> bytes:
    """A federal number in decimal digits, 25 bytes (TIG SCEPACS §2.1).

    Each digit is 4 bits, the lowest first, and a bit of odd parity. So are the sentinels, and the
    check digit at the end, which makes the sum of all of them even in every place.
    """
    fields = (agency, system, credential, series, issue)
    values = [_START]
    for field in fields:
        values += [*map(int, field), _FIELD]
    values += [*map(int, person), _END]
    check = 0
    for value in values:
        check ^= value
    bits = "".join(map(_with_parity, [*values, check]))
    return int(bits, 2).to_bytes(len(bits) // 8, "big")


def _with_parity(value: int) -> str:
    return f"{value:04b}"[::-1] + str(1 - value.bit_count() % 2)


def capabilities(card_id: bytes) -> bytes:
    """Card capability container: a number of the card's own, of 14 bytes, and empty fields."""
    fields = {
        0xF0: _CARD_ID_HEAD + card_id,
        0xF1: b"\x21",
        0xF2: b"\x21",
        0xF3: b"",
        0xF4: b"\x00",
        0xF5: b"\x10",
        **dict.fromkeys((0xF6, 0xF7, 0xFA, 0xFB, 0xFC, 0xFD, _LRC), b""),
    }
    return build_tlvs(*(Tlv(tag, value) for tag, value in fields.items()))


def key_history(retired: int) -> bytes:
    """How many retired keys have their certificate on the card; no other is elsewhere."""
    return build_tlvs(Tlv(0xC1, bytes((retired,))), Tlv(0xC2, b"\x00"), Tlv(_LRC, b""))


def certificate_object(certificate: x509.Certificate) -> bytes:
    """A certificate as the card keeps it, not compressed."""
    return build_certificate_object(certificate.public_bytes(Encoding.DER))


def certificate_in(content: bytes) -> x509.Certificate:
    """The certificate in an object, compressed or not. ValueError or ApduError: there is none."""
    return load_certificate(parse_certificate_object(content))
