"""PIV's management key at work: one block in cipher, as host and chip both need it.

SP 800-73-4 part 2 appendix A: 3DES or AES, a block by itself.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from apdu.pivedge import FACTORY_MANAGEMENT_KEY, TRIPLE_DES

_3DES = 0x03


@dataclass(frozen=True, slots=True)
class ManagementKey:
    """The key and its algorithm (part 1 table 4a): 24 bytes for 3DES, 16, 24 or 32 for AES."""

    algorithm: int
    key: bytes = field(repr=False)

    @property
    def block(self) -> int:
        """Bytes of a block, and so of a challenge."""
        return 8 if self.algorithm in TRIPLE_DES else 16

    def encipher(self, block: bytes) -> bytes:
        """One block."""
        encryptor = self._cipher().encryptor()
        return encryptor.update(block) + encryptor.finalize()

    def decipher(self, block: bytes) -> bytes:
        """One block."""
        decryptor = self._cipher().decryptor()
        return decryptor.update(block) + decryptor.finalize()

    def _cipher(self) -> Cipher[modes.ECB]:
        kind = TripleDES if self.algorithm in TRIPLE_DES else algorithms.AES
        return Cipher(kind(self.key), modes.ECB())  # noqa: S305 single blocks, as the card edge has it


FACTORY_KEY = ManagementKey(_3DES, FACTORY_MANAGEMENT_KEY)
"""What a card leaves the factory with."""
