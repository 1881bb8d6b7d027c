"""The key slots: a key, and when it needs the PIN."""

from __future__ import annotations

from collections.abc import Mapping

from apdu.edge import EcPart, RsaPart
from apdu.filecontrol import FileKind
from apdu.piv import (
    DynamicAuthentication,
    ImportedKey,
    KeyTemplate,
    PublicKey,
    build_dynamic_authentication,
    build_public_key,
)
from apdu.status import SW
from applet.os.access import SecurityStatus
from applet.os.errors import CardError, refuse_unless
from applet.os.keys.ec import EcKey
from applet.os.keys.importing import key_of
from applet.os.keys.keystore import Key, KeyStore
from applet.os.keys.rsa import RsaKey
from applet.os.store import Records, Store
from applet.piv.profile import (
    CURVES,
    NO_TOUCH,
    PIN,
    RSA,
    RSA_EXPONENT,
    SLOT_POLICY,
    PinPolicy,
    kind_of,
)

_PARTS: Mapping[FileKind, Mapping[int, int]] = {
    FileKind.RSA_KEY: {
        0x01: RsaPart.P,
        0x02: RsaPart.Q,
        0x03: RsaPart.DP,
        0x04: RsaPart.DQ,
        0x05: RsaPart.Q_INVERSE,
    },
    FileKind.EC_KEY: {0x06: EcPart.PRIVATE},
}
_LONGEST_DIGEST = 64


class Slots:
    """The keys of the applet by their slots."""

    def __init__(self, store: Store, prefix: str, keys: KeyStore, status: SecurityStatus) -> None:
        self._keys = keys
        self._status = status
        self._policies = Records(
            store,
            prefix + "policy/",
            lambda raw: PinPolicy(raw[0]),
            lambda policy: bytes((policy,)),
        )

    def clear(self) -> None:
        """Forget every key."""
        self._keys.delete(b"")
        for name in list(self._policies.names()):
            self._policies.delete(name)

    def generate(self, slot: int, template: KeyTemplate) -> bytes:
        """Make a key; its public half as 7F49 (part 2 §3.3.2)."""
        kind, bits = _kind(template.algorithm)
        self._keep_policy(slot, template.pin_policy, template.touch_policy)
        self._keys.generate(_name(slot), kind, bits, template.exponent)
        return public_key(self._keys.get(_name(slot)))

    def put(self, slot: int, algorithm: int, imported: ImportedKey) -> None:
        """Keep a key from outside; 6A80 when its parts do not fit each other or the algorithm."""
        kind, bits = _kind(algorithm)
        self._keep_policy(slot, imported.pin_policy, imported.touch_policy)
        known = _PARTS[kind]
        refuse_unless(all(part.tag in known for part in imported.parts), SW.WRONG_DATA)
        parts = {known[part.tag]: part.value for part in imported.parts}
        self._keys.put(_name(slot), key_of(kind, bits, parts, exponent=RSA_EXPONENT))

    def use(self, slot: int, algorithm: int, template: DynamicAuthentication) -> bytes:
        """Sign, decipher or agree; 6A80 when the data is not for this kind of key.

        RSA takes a block as long as its modulus, ECDSA a digest, ECDH the other side's point.
        """
        key = self._open(slot, algorithm)
        match key, template:
            case RsaKey(), DynamicAuthentication(None, bytes(block), _, None):
                refuse_unless(len(block) == key.size, SW.WRONG_DATA)
                result = key.sign_block(block)
            case EcKey(), DynamicAuthentication(None, bytes(digest), _, None):
                refuse_unless(0 < len(digest) <= _LONGEST_DIGEST, SW.WRONG_DATA)
                result = key.sign(digest)
            case EcKey(), DynamicAuthentication(None, None, _, bytes(point)):
                result = key.agree(point)
            case _:
                raise CardError(SW.WRONG_DATA)
        return build_dynamic_authentication(DynamicAuthentication(response=result))

    def _open(self, slot: int, algorithm: int) -> Key:
        """The key, if it has this algorithm (6A86) and the PIN rule holds (6982)."""
        key = self._keys.get(_name(slot))
        bits = (RSA if isinstance(key, RsaKey) else CURVES).get(algorithm)
        refuse_unless(bits == key.bits, SW.WRONG_P1P2)
        match self._policies.get(f"{slot:02X}") or SLOT_POLICY[slot]:
            case PinPolicy.ALWAYS:
                self._status.require_fresh(PIN)
                self._status.spend(PIN)
            case PinPolicy.ONCE | PinPolicy.DEFAULT:
                self._status.require_pin(PIN)
            case PinPolicy.NEVER:
                pass
        return key

    def _keep_policy(self, slot: int, pin: int | None, touch: int | None) -> None:
        """Keep when the key needs the PIN. 6A81 if it is to need a touch: nobody can give one."""
        refuse_unless(touch is None or touch in NO_TOUCH, SW.FUNCTION_UNSUPPORTED)
        try:
            chosen = PinPolicy(pin or 0)
        except ValueError:
            raise CardError(SW.WRONG_DATA) from None
        self._policies.put(f"{slot:02X}", chosen or SLOT_POLICY[slot])


def public_key(key: Key) -> bytes:
    """The public half of a key: modulus and exponent, or the point."""
    if isinstance(key, EcKey):
        return build_public_key(PublicKey(point=key.point))
    return build_public_key(PublicKey(modulus=key.modulus, exponent=key.exponent))


def _kind(algorithm: int) -> tuple[FileKind, int]:
    found = kind_of(algorithm)
    if found is None:
        raise CardError(SW.WRONG_DATA)
    return found


def _name(slot: int) -> bytes:
    return bytes((slot,))
