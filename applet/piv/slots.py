"""The key slots: a key, and when it needs the PIN."""

from __future__ import annotations

from collections.abc import Sequence

from apdu.filecontrol import FileKind
from apdu.status import SW
from apdu.tlv import Tlv, build_tlv
from applet.os.access import SecurityStatus
from applet.os.errors import CardError, refuse_unless
from applet.os.keys.ec import EcKey
from applet.os.keys.importing import (
    DP,
    DQ,
    EC_PRIVATE,
    PRIME_P,
    PRIME_Q,
    Q_INVERSE,
    key_of,
)
from applet.os.keys.keystore import Key, KeyStore
from applet.os.keys.rsa import RsaKey
from applet.os.store import Records, Store
from applet.piv.profile import CURVES, PIN, RSA, SLOT_POLICY, PinPolicy, kind_of

_RSA_PARTS = {0x01: PRIME_P, 0x02: PRIME_Q, 0x03: DP, 0x04: DQ, 0x05: Q_INVERSE}
_EC_PART, _PIN_POLICY, _TOUCH_POLICY = 0x06, 0xAA, 0xAB
_PUBLIC_KEY, _MODULUS, _EXPONENT, _POINT = 0x7F49, 0x81, 0x82, 0x86
_RSA_EXPONENT = 65537


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

    def generate(self, slot: int, algorithm: int, policy: int | None) -> bytes:
        """Make a key; its public half as 7F49 (part 2 §3.3.2)."""
        kind, bits = _kind(algorithm)
        self._keys.generate(_name(slot), kind, bits, None)
        self._keep_policy(slot, policy)
        return public_key(self._keys.get(_name(slot)))

    def put(self, slot: int, algorithm: int, parts: Sequence[Tlv]) -> None:
        """Keep a key from outside; 6A80 when its parts do not fit each other or the algorithm."""
        kind, bits = _kind(algorithm)
        values = {part.tag: part.value for part in parts}
        policy = values.pop(_PIN_POLICY, None)
        values.pop(_TOUCH_POLICY, None)
        if kind is FileKind.RSA_KEY:
            refuse_unless(values.keys() <= _RSA_PARTS.keys(), SW.WRONG_DATA)
            given = {_RSA_PARTS[tag]: value for tag, value in values.items()}
        else:
            refuse_unless(values.keys() == {_EC_PART}, SW.WRONG_DATA)
            given = {EC_PRIVATE: values[_EC_PART]}
        self._keys.put(_name(slot), key_of(kind, bits, given, exponent=_RSA_EXPONENT))
        self._keep_policy(slot, policy[0] if policy else None)

    def open(self, slot: int, algorithm: int) -> Key:
        """The key, if the PIN rule holds (6982) and it has this algorithm (6A86)."""
        key = self._keys.get(_name(slot))
        bits = (RSA if isinstance(key, RsaKey) else CURVES).get(algorithm)
        refuse_unless(bits == key.bits, SW.WRONG_P1P2)
        match self._policies.get(f"{slot:02X}") or SLOT_POLICY[slot]:
            case PinPolicy.ALWAYS:
                self._status.require_fresh(PIN)
            case PinPolicy.ONCE | PinPolicy.DEFAULT:
                self._status.require_pin(PIN)
            case PinPolicy.NEVER:
                pass
        return key

    def _keep_policy(self, slot: int, policy: int | None) -> None:
        try:
            chosen = PinPolicy(policy or 0)
        except ValueError:
            raise CardError(SW.WRONG_DATA) from None
        self._policies.put(f"{slot:02X}", chosen or SLOT_POLICY[slot])


def public_key(key: Key) -> bytes:
    """The public half of a key: modulus and exponent, or the point."""
    if isinstance(key, EcKey):
        return build_tlv(_PUBLIC_KEY, build_tlv(_POINT, key.point))
    parts = build_tlv(_MODULUS, key.modulus) + build_tlv(_EXPONENT, key.exponent)
    return build_tlv(_PUBLIC_KEY, parts)


def _kind(algorithm: int) -> tuple[FileKind, int]:
    found = kind_of(algorithm)
    if found is None:
        raise CardError(SW.WRONG_DATA)
    return found


def _name(slot: int) -> bytes:
    return bytes((slot,))
