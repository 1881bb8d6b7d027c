"""RSA keys made while the program still loads: `ushield run` has to start fast.

An RSA-2048 key takes 10 to 300 ms to find, by luck. OpenSSL searches for it beside Python, so that
on a second processor most of that time is hidden.
"""

from __future__ import annotations

import os
import signal
from collections import defaultdict
from collections.abc import Iterable
from queue import SimpleQueue
from threading import Thread

from cryptography.hazmat.primitives.asymmetric import ec, rsa

_EXPONENT = 65537


class KeysAhead:
    """The chip's source of randomness, for a token with RSA keys of these sizes in bits.

    Each key is given out once; whoever asks for more, or for others, waits as usual.
    """

    def __init__(self, sizes: Iterable[int]) -> None:
        self._made: defaultdict[int, SimpleQueue[rsa.RSAPrivateKey]] = defaultdict(SimpleQueue)
        self._left: defaultdict[int, int] = defaultdict(int)
        for bits in sizes:
            self._left[bits] += 1
            # Nobody waits for it when the program ends early.
            Thread(target=self._make, args=(bits,), name="ushield-key", daemon=True).start()

    def random(self, length: int) -> bytes:
        """`length` bytes from the operating system."""
        return os.urandom(length)

    def rsa_key(self, bits: int, exponent: int) -> rsa.RSAPrivateKey:
        """An RSA key that nobody has had before."""
        if exponent != _EXPONENT or not self._left[bits]:
            return rsa.generate_private_key(exponent, bits)
        self._left[bits] -= 1
        return self._made[bits].get()

    def ec_key(self, curve: ec.EllipticCurve) -> ec.EllipticCurvePrivateKey:
        """A new key on this curve."""
        return ec.generate_private_key(curve)

    def _make(self, bits: int) -> None:
        # Signals are for the main thread.
        signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
        self._made[bits].put(rsa.generate_private_key(_EXPONENT, bits))
