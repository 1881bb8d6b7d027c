"""Public keys as the card gives them, and as `cryptography` takes them."""

from __future__ import annotations

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from apdu.edge import KEY_FILES, Data
from apdu.errors import ApduError
from apdu.instruction import INS
from apdu.tlv import parse_tlv
from host.directory import APPLICATION, KeyInfo
from host.errors import AnswerError, UnsupportedError
from host.link import ALL, CardLink

PublicKey = rsa.RSAPublicKey | ec.EllipticCurvePublicKey

CURVES: dict[int, ec.EllipticCurve] = {256: ec.SECP256R1(), 384: ec.SECP384R1()}
"""The curves that the chip knows, by the bits of their field."""


def read_public_key(link: CardLink, key: KeyInfo) -> PublicKey:
    """The public key of a key file, asked from the card itself."""
    with link.transaction():
        link.select(APPLICATION + (KEY_FILES | key.reference).to_bytes(2, "big"))
        if key.kind == "rsa":
            modulus = link.command(INS.GET_DATA, Data.MODULUS, le=ALL)
            exponent = link.command(INS.GET_DATA, Data.EXPONENT, le=ALL)
            return _rsa(modulus, exponent)
        return _ec(key.bits, link.command(INS.GET_DATA, Data.POINT, le=ALL))


def uncompressed(key: ec.EllipticCurvePublicKey) -> bytes:
    """The point of a public key as the card takes it: 04 x y."""
    return key.public_bytes(
        serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint
    )


def public_key_file(key: PublicKey) -> bytes:
    """The content of a public key file as OpenSC writes it: PKCS#1, or SPKI for EC."""
    form = serialization.PublicFormat.PKCS1
    if isinstance(key, ec.EllipticCurvePublicKey):
        form = serialization.PublicFormat.SubjectPublicKeyInfo
    return key.public_bytes(serialization.Encoding.DER, form)


def _rsa(modulus: bytes, exponent: bytes) -> rsa.RSAPublicKey:
    numbers = rsa.RSAPublicNumbers(int.from_bytes(exponent, "big"), int.from_bytes(modulus, "big"))
    try:
        return numbers.public_key()
    except ValueError:
        raise AnswerError("the card's modulus and exponent are no RSA key") from None


def _ec(bits: int, answer: bytes) -> ec.EllipticCurvePublicKey:
    curve = CURVES.get(bits)
    if curve is None:
        raise UnsupportedError(f"no curve of {bits} bits is known here")
    try:
        return ec.EllipticCurvePublicKey.from_encoded_point(curve, parse_tlv(answer).value)
    except (ApduError, ValueError):
        raise AnswerError("the card's point is not on the curve") from None
