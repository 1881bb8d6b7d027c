"""A private key from outside, taken apart as the card wants it: one PUT DATA for each part."""

from __future__ import annotations

from collections.abc import Iterator

from cryptography.hazmat.primitives.asymmetric import ec, rsa

from apdu.edge import EcPart, RsaPart
from apdu.pkcs15.entries import KeyKind
from host.errors import UnsupportedError
from host.publickey import CURVES, uncompressed

PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey

_RSA_BITS = (1024, 2048, 3072, 4096)


def describe_key(key: PrivateKey) -> tuple[KeyKind, int]:
    """Kind and bits. UnsupportedError for a key that the card has no algorithm for."""
    if isinstance(key, rsa.RSAPrivateKey) and key.key_size in _RSA_BITS:
        return "rsa", key.key_size
    if isinstance(key, ec.EllipticCurvePrivateKey):
        curve = CURVES.get(key.key_size)
        if curve is not None and curve.name == key.curve.name:
            return "ec", key.key_size
    sizes = ", ".join(map(str, _RSA_BITS))
    raise UnsupportedError(f"the card takes RSA keys of {sizes} bits, P-256 and P-384")


def key_parts(key: PrivateKey) -> Iterator[tuple[int, bytes]]:
    """The parts in the order in which the card puts them together, by their component number.

    A number of an RSA key whose top bit is set has a zero byte before it.
    """
    if isinstance(key, ec.EllipticCurvePrivateKey):
        size = -(-key.key_size // 8)
        yield EcPart.PRIVATE, key.private_numbers().private_value.to_bytes(size, "big")
        yield EcPart.POINT, uncompressed(key.public_key())
        return
    numbers = key.private_numbers()
    for component, number in (
        (RsaPart.P, numbers.p),
        (RsaPart.Q, numbers.q),
        (RsaPart.DP, numbers.dmp1),
        (RsaPart.DQ, numbers.dmq1),
        (RsaPart.Q_INVERSE, numbers.iqmp),
        (RsaPart.MODULUS, numbers.public_numbers.n),
        (RsaPart.EXPONENT, numbers.public_numbers.e),
    ):
        yield component, number.to_bytes(number.bit_length() // 8 + 1, "big")
