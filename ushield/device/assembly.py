"""The chip in its body: memory and a source of randomness are given to it here."""

from __future__ import annotations

import os

from cryptography.hazmat.primitives.asymmetric import ec, rsa

from applet.consent.desk import ConsentDesk
from applet.os.applet import Applet
from applet.os.card import Card
from applet.os.keys.entropy import Entropy
from applet.os.panel import Panel
from applet.os.store import Store
from applet.pkcs15 import ATR, Pkcs15Applet
from ushield.device.applets import noted_applets


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


def assemble(
    store: Store,
    *,
    entropy: Entropy | None = None,
    panel: Panel | None = None,
    strict: bool = False,
) -> Card:
    """A token's card with its state in `store`; an empty store becomes a blank token.

    It has the applets that were noted there. With both of them PKCS#15 is selected after reset, and
    the ATR is the one by which OpenSC takes the token for PKCS#15. With a `panel` it can ask the
    holder; without, whatever has to be asked is refused. `strict` lets an unexpected exception
    inside the chip through instead of answering 6F00.
    """
    source = entropy or SystemEntropy()
    noted = noted_applets(store)
    consent = ConsentDesk(store, panel)
    applets: list[Applet] = []
    if noted.has_pkcs15:
        applets.append(Pkcs15Applet(store, source, consent=consent))
    atr = ATR
    if noted.has_piv:
        # Only now: most tokens have none, and `ushield run` has to start fast.
        from applet import piv

        applets.append(piv.PivApplet(store, source, consent=consent))
        atr = ATR if noted.has_pkcs15 else piv.ATR
    return Card(applets, store, atr=atr, strict=strict)
