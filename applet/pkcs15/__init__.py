"""The PKCS#15 applet, on the card edge of OpenSC's ``myeid`` driver."""

from __future__ import annotations

from applet.os.card import Card
from applet.os.keys.entropy import Entropy
from applet.os.pins import PinPolicy
from applet.os.store import Store
from applet.pkcs15.applet import Pkcs15Applet
from applet.pkcs15.profile import ATR

__all__ = ["Pkcs15Applet", "build_card"]


def build_card(
    store: Store,
    entropy: Entropy,
    *,
    policy: PinPolicy | None = None,
    strict: bool = False,
) -> Card:
    """A card with the PKCS#15 applet alone, its state in `store`, its keys from `entropy`.

    An empty store becomes a blank token with a serial number of its own. `strict` lets an
    unexpected exception through instead of answering 6F00.
    """
    applet = Pkcs15Applet(store, entropy, policy or PinPolicy())
    return Card([applet], store, atr=ATR, strict=strict)
