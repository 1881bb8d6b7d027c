"""The management key (9B): a host that proves that it has it may write objects and keys.

Two ways (SP 800-73-4 part 2 appendix A): the host answers a challenge of the card (A.1), or shows
that it can read a witness and gives the card a challenge of its own (A.2). Nothing is enciphered
for a host that has not proved anything yet, so the card cannot be made to answer its own question.
Proof is volatile; a proof that fails or is begun anew takes back the one before.
"""

from __future__ import annotations

from hmac import compare_digest

from apdu.piv import DynamicAuthentication, NewManagementKey, build_dynamic_authentication
from apdu.pivedge import AES, DES_KEY_LENGTH, TRIPLE_DES, TouchPolicy
from apdu.pivkey import FACTORY_KEY, ManagementKey
from apdu.pivmetadata import Metadata
from apdu.status import SW
from applet.os.errors import CardError, refuse_unless
from applet.os.keys.entropy import Entropy
from applet.os.store import Records, Store

_CELL = "management"


class Management:
    """The management key in its memory, and who has proved that it has it."""

    def __init__(self, store: Store, prefix: str, entropy: Entropy) -> None:
        self._keys = Records(
            store,
            prefix,
            lambda raw: ManagementKey(raw[0], raw[1:]),
            lambda key: bytes((key.algorithm,)) + key.key,
        )
        self._entropy = entropy
        self.clear()

    def clear(self) -> None:
        """Nobody has proved anything."""
        self._proved = False
        self._witness: bytes | None = None
        self._challenge: bytes | None = None

    def give_birth(self) -> None:
        """Keep the key that every card of this kind leaves the factory with."""
        self._keys.put(_CELL, FACTORY_KEY)

    def require(self) -> None:
        """Refuse (6982) unless the host has proved that it has the key."""
        if not self._proved:
            raise CardError(SW.SECURITY_STATUS)

    def change(self, new: NewManagementKey) -> None:
        """Keep another key; 6A80 when it does not fit its algorithm."""
        length = DES_KEY_LENGTH if new.algorithm in TRIPLE_DES else AES.get(new.algorithm)
        refuse_unless(len(new.key) == length, SW.WRONG_DATA)
        self._keys.put(_CELL, ManagementKey(new.algorithm, new.key))

    def authenticate(self, algorithm: int, template: DynamicAuthentication) -> bytes:
        """One step of the proof; its answer. 6982 for a wrong one, or one nobody asked for."""
        key = self._key()
        same = algorithm == key.algorithm or {algorithm, key.algorithm} <= TRIPLE_DES
        refuse_unless(same, SW.WRONG_P1P2)
        if template.witness == b"":
            return self._offer_witness(key)
        if template.challenge == b"":
            return self._offer_challenge(key)
        if template.witness is not None and template.challenge is not None:
            return self._finish_mutual(key, template.witness, template.challenge)
        if template.response is not None:
            return self._finish(key, template.response)
        raise CardError(SW.WRONG_DATA)

    def metadata(self) -> Metadata:
        """What may be told about the key."""
        key = self._key()
        return Metadata(key.algorithm, policy=(0, TouchPolicy.NEVER), factory=key == FACTORY_KEY)

    def _key(self) -> ManagementKey:
        key = self._keys.get(_CELL)
        if key is None:
            raise CardError(SW.REFERENCE_NOT_FOUND)
        return key

    def _offer_witness(self, key: ManagementKey) -> bytes:
        self.clear()
        self._witness = self._entropy.random(key.block)
        hidden = key.encipher(self._witness)
        return build_dynamic_authentication(DynamicAuthentication(witness=hidden))

    def _offer_challenge(self, key: ManagementKey) -> bytes:
        self.clear()
        self._challenge = self._entropy.random(key.block)
        return build_dynamic_authentication(DynamicAuthentication(challenge=self._challenge))

    def _finish_mutual(self, key: ManagementKey, witness: bytes, challenge: bytes) -> bytes:
        refuse_unless(len(challenge) == key.block, SW.WRONG_DATA)
        self._judge(self._witness, witness)
        answer = key.encipher(challenge)
        return build_dynamic_authentication(DynamicAuthentication(response=answer))

    def _finish(self, key: ManagementKey, response: bytes) -> bytes:
        challenge = self._challenge
        self._judge(None if challenge is None else key.encipher(challenge), response)
        return b""

    def _judge(self, expected: bytes | None, given: bytes) -> None:
        """Whatever comes out, the question cannot be answered a second time."""
        self.clear()
        if expected is None or not compare_digest(expected, given):
            raise CardError(SW.SECURITY_STATUS)
        self._proved = True
