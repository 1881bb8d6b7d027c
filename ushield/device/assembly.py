"""The chip in its body: memory and a source of randomness are given to it here."""

from __future__ import annotations

import os

from cryptography.hazmat.primitives.asymmetric import ec, rsa

from applet.os.card import Card
from applet.os.keys.entropy import Entropy
from applet.os.store import Store
from applet.pkcs15 import build_card


class SystemEntropy:
    """The operating system's generator, and OpenSSL's key generation."""

    def random(self, length: int) -> bytes:
        """`length` bytes from the operating system."""
        return os.urandom(length)

    def rsa_key(self, bits: int, exponent: int) -> rsa.RSAPrivateKey:
        """A new RSA key."""
        return rsa.generate_private_key(exponent, bits)

    def ec_key(self, curve: ec.EllipticCurve) -> ec.EllipticCurvePrivateKey:
        """A new key on this curve."""
        return ec.generate_private_key(curve)


def assemble(store: Store, *, entropy: Entropy | None = None, strict: bool = False) -> Card:
    """A token's card with its state in `store`; an empty store becomes a blank token.

    `strict` lets an unexpected exception inside the chip through instead of answering 6F00.
    """
    return build_card(store, entropy or SystemEntropy(), strict=strict)
