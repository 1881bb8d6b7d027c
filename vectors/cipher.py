"""One block under PIV's management key, which a dialogue has to present as the card challenges it.

A host proves that it has the key by enciphering a challenge of the card, or deciphering a witness
(SP 800-73-4 part 2 appendix A.1 and A.2), so this is the one thing that no dialogue can write down
beforehand. The key is one for 3DES, algorithm 03, with which every card of this kind leaves the
factory.
"""

from __future__ import annotations

from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.modes import ECB

MANAGEMENT_KEY = "management-key"
"""The name of the key among the values of a dialogue."""
BLOCK = 8
"""Bytes of a block."""


def encipher(key: bytes, block: bytes) -> bytes:
    """A block of 8 bytes under the key of 24."""
    encryptor = Cipher(TripleDES(key), ECB()).encryptor()  # noqa: S305 one block
    return encryptor.update(block) + encryptor.finalize()


def decipher(key: bytes, block: bytes) -> bytes:
    """A block of 8 bytes back from under the key of 24."""
    decryptor = Cipher(TripleDES(key), ECB()).decryptor()  # noqa: S305 one block
    return decryptor.update(block) + decryptor.finalize()
