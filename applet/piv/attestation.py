"""Attestation: a certificate which says that a key was made on this card (Yubico's command F9).

The key in slot F9 signs it. What is in it is as in Yubico's, whose tools and servers read it, below
1.3.6.1.4.1.41482.3; the dates are those of F9's own certificate, as a chip has no clock.
"""

from __future__ import annotations

from dataclasses import dataclass

from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from apdu.errors import ApduError
from apdu.pivcertificate import parse_certificate_object
from apdu.status import SW
from apdu.tlv import build_tlv
from applet.os.errors import CardError
from applet.os.keys.keystore import Key
from applet.piv.profile import VERSION

_VERSION, _SERIAL, _POLICY, _FORM = (
    x509.ObjectIdentifier(f"1.3.6.1.4.1.41482.3.{number}") for number in (3, 7, 8, 9)
)
_INTEGER = 0x02
_NO_KNOWN_FORM = b"\x00"

NUMBER_BYTES = 16
"""Random bytes of the certificate's serial number."""


@dataclass(frozen=True, slots=True)
class Attested:
    """What is said of a key: `policy` is the PIN's and the touch's, `serial` the card's number."""

    slot: int
    key: Key
    policy: tuple[int, int]
    serial: bytes


def attest(attested: Attested, signer: Key, signers: bytes, number: bytes) -> bytes:
    """The certificate (DER). `signers` is the object with the signer's own; 6985 if it is none."""
    try:
        authority = x509.load_der_x509_certificate(parse_certificate_object(signers))
        builder = _builder(attested, authority, number)
    except (ValueError, ApduError, x509.InvalidVersion):
        raise CardError(SW.CONDITIONS) from None
    return builder.sign(signer.private, SHA256()).public_bytes(Encoding.DER)


def _builder(
    attested: Attested, authority: x509.Certificate, number: bytes
) -> x509.CertificateBuilder:
    """ValueError when the authority's names or dates are none that a certificate can have."""
    name = x509.NameAttribute(NameOID.COMMON_NAME, f"YubiKey PIV Attestation {attested.slot:02x}")
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([name]))
        .issuer_name(authority.subject)
        .public_key(attested.key.public)
        .serial_number(int.from_bytes(number, "big") >> 1 or 1)
        .not_valid_before(authority.not_valid_before_utc)
        .not_valid_after(authority.not_valid_after_utc)
    )
    for identifier, value in _said(attested):
        builder = builder.add_extension(
            x509.UnrecognizedExtension(identifier, value), critical=False
        )
    return builder


def _said(attested: Attested) -> list[tuple[x509.ObjectIdentifier, bytes]]:
    serial = int.from_bytes(attested.serial, "big")
    return [
        (_VERSION, VERSION),
        (_SERIAL, build_tlv(_INTEGER, serial.to_bytes(serial.bit_length() // 8 + 1, "big"))),
        (_POLICY, bytes(attested.policy)),
        (_FORM, _NO_KNOWN_FORM),
    ]
