"""Where the chip takes randomness and new keys from: passed in, so that a test can be exact."""

from __future__ import annotations

from typing import Protocol

from cryptography.hazmat.primitives.asymmetric import ec, rsa


class Entropy(Protocol):
    """The chip's noise source and key generators."""

    def random(self, length: int) -> bytes:
        """`length` random bytes."""
        ...

    def rsa_key(self, bits: int, exponent: int) -> rsa.RSAPrivateKey:
        """A new RSA key; the exponent is 3 or 65537."""
        ...

    def ec_key(self, curve: ec.EllipticCurve) -> ec.EllipticCurvePrivateKey:
        """A new key on this curve."""
        ...
