"""The object with a certificate: 70 { certificate } 71 { 01 if compressed } FE { } (part 1 §A)."""

from __future__ import annotations

import zlib

from apdu.errors import PayloadError
from apdu.tlv import Tlv, build_tlvs, find, parse_tlvs

_CERTIFICATE, _COMPRESSION, _LRC = 0x70, 0x71, 0xFE
_COMPRESSED = b"\x01"
_GZIP = 31
"""zlib's word for the format of gzip."""
_MOST_BYTES = 0x8000


def build_certificate_object(der: bytes) -> bytes:
    """Write a certificate, not compressed."""
    return build_tlvs(Tlv(_CERTIFICATE, der), Tlv(_COMPRESSION, b"\x00"), Tlv(_LRC, b""))


def parse_certificate_object(content: bytes) -> bytes:
    """Read the certificate; what is compressed is unpacked, up to 32 KiB."""
    objects = parse_tlvs(content)
    der = find(objects, _CERTIFICATE)
    if der is None:
        raise PayloadError(0, "the object holds no certificate")
    return _unpacked(der) if find(objects, _COMPRESSION) == _COMPRESSED else der


def _unpacked(packed: bytes) -> bytes:
    try:
        return zlib.decompressobj(_GZIP).decompress(packed, _MOST_BYTES)
    except zlib.error as error:
        raise PayloadError(0, f"the certificate cannot be unpacked: {error}") from None
