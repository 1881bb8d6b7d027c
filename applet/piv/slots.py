"""The key slots: a key, and when it needs the PIN and a press of Confirm."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from apdu.filecontrol import FileKind
from apdu.payload.consent import Asked
from apdu.piv import (
    DynamicAuthentication,
    ImportedKey,
    KeyTemplate,
    PublicKey,
    build_dynamic_authentication,
    build_public_key,
)
from apdu.pivedge import CURVES, EC_PARTS, PIN, RSA, RSA_PARTS, SLOTS, PinPolicy, TouchPolicy
from apdu.pivmetadata import Metadata
from apdu.status import SW
from applet.consent.desk import ConsentDesk
from applet.consent.words import Word
from applet.os.access import SecurityStatus
from applet.os.errors import CardError, refuse_unless
from applet.os.keys.ec import EcKey
from applet.os.keys.importing import key_of
from applet.os.keys.keystore import Key, KeyStore
from applet.os.keys.rsa import RsaKey
from applet.os.store import Records, Store
from applet.piv.profile import RSA_EXPONENT, SLOT_POLICY, kind_of

_PARTS: Mapping[FileKind, Mapping[int, int]] = {
    FileKind.RSA_KEY: RSA_PARTS,
    FileKind.EC_KEY: EC_PARTS,
}
_LONGEST_DIGEST = 64
_GENERATED, _IMPORTED = 0x01, 0x02


@dataclass(frozen=True, slots=True)
class Rule:
    """What is kept of a key beside itself: when it needs the PIN, a press, where it came from."""

    policy: PinPolicy
    imported: bool
    touch: TouchPolicy = TouchPolicy.NEVER


def _decode(raw: bytes) -> Rule:
    """Older memories have one or two bytes."""
    touch = TouchPolicy(raw[2]) if len(raw) > 2 else TouchPolicy.NEVER
    return Rule(PinPolicy(raw[0]), raw[1:2] == bytes((_IMPORTED,)), touch)


def _encode(rule: Rule) -> bytes:
    return bytes((rule.policy, _IMPORTED if rule.imported else _GENERATED, rule.touch))


class Slots:
    """The keys of the applet by their slots."""

    def __init__(
        self,
        store: Store,
        prefix: str,
        keys: KeyStore,
        status: SecurityStatus,
        consent: ConsentDesk,
    ) -> None:
        self._keys = keys
        self._status = status
        self._consent = consent
        self._rules = Records(store, prefix + "policy/", _decode, _encode)

    def clear(self) -> None:
        """Forget every key but that of attestation, which came with the card."""
        for slot in SLOTS:
            self._keys.delete(_name(slot))
            self._rules.delete(_number(slot))

    def generate(self, slot: int, template: KeyTemplate) -> bytes:
        """Make a key; its public half as 7F49 (part 2 §3.3.2)."""
        kind, bits = _kind(template.algorithm)
        self._keep_rule(slot, template.pin_policy, template.touch_policy, imported=False)
        self._keys.generate(_name(slot), kind, bits, template.exponent)
        return build_public_key(_public_half(self._keys.get(_name(slot))))

    def put(self, slot: int, algorithm: int, imported: ImportedKey) -> None:
        """Keep a key from outside; 6A80 when its parts do not fit each other or the algorithm."""
        kind, bits = _kind(algorithm)
        self._keep_rule(slot, imported.pin_policy, imported.touch_policy, imported=True)
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
                self._ask(slot, Word.USE, block)
                result = key.sign_block(block)
            case EcKey(), DynamicAuthentication(None, bytes(digest), _, None):
                refuse_unless(0 < len(digest) <= _LONGEST_DIGEST, SW.WRONG_DATA)
                self._ask(slot, Word.SIGN_WITH, digest)
                result = key.sign(digest)
            case EcKey(), DynamicAuthentication(None, None, _, bytes(point)):
                self._ask(slot, Word.AGREE_WITH, point)
                result = key.agree(point)
            case _:
                raise CardError(SW.WRONG_DATA)
        return build_dynamic_authentication(DynamicAuthentication(response=result))

    def move(self, source: int, target: int | None) -> None:
        """Put a key, with its rule, into a slot that is empty (6985), or delete it.

        The certificate stays where it is: it is an object of its own.
        """
        key, rule = self._keys.get(_name(source)), self._rule(source)
        if target is None:
            self._ask_about(Word.DELETE_KEY, source)
        else:
            refuse_unless(self._rules.get(_number(target)) is None, SW.CONDITIONS)
            self._keys.put(_name(target), key)
            self._rules.put(_number(target), rule)
        self._keys.delete(_name(source))
        self._rules.delete(_number(source))

    def metadata(self, slot: int) -> Metadata:
        """What may be told about the key; 6A88 when there is none."""
        key, rule = self._keys.get(_name(slot)), self._rule(slot)
        known = RSA if isinstance(key, RsaKey) else CURVES
        return Metadata(
            algorithm=next(algorithm for algorithm, bits in known.items() if bits == key.bits),
            policy=(rule.policy, rule.touch),
            imported=rule.imported,
            public_key=_public_half(key),
        )

    def key(self, slot: int) -> Key:
        """The key itself; 6A88 when there is none."""
        return self._keys.get(_name(slot))

    def _rule(self, slot: int) -> Rule:
        return self._rules.get(_number(slot)) or Rule(SLOT_POLICY[slot], imported=False)

    def _open(self, slot: int, algorithm: int) -> Key:
        """The key, if it has this algorithm (6A86) and the PIN rule holds (6982)."""
        key = self._keys.get(_name(slot))
        bits = (RSA if isinstance(key, RsaKey) else CURVES).get(algorithm)
        refuse_unless(bits == key.bits, SW.WRONG_P1P2)
        match self._rule(slot).policy:
            case PinPolicy.ALWAYS:
                self._status.require_fresh(PIN)
                self._status.spend(PIN)
            case PinPolicy.ONCE | PinPolicy.DEFAULT:
                self._status.require_pin(PIN)
            case PinPolicy.NEVER:
                pass
        return key

    def _keep_rule(self, slot: int, pin: int | None, touch: int | None, *, imported: bool) -> None:
        """Keep when the key needs the PIN and a press. 6A81 for a press without a button.

        A press that may count for several uses counts for one here. A key that is lost by this is
        asked about.
        """
        try:
            chosen, pressed = PinPolicy(pin or 0), TouchPolicy(touch or TouchPolicy.NEVER)
        except ValueError:
            raise CardError(SW.WRONG_DATA) from None
        can = self._consent.has_panel or pressed is TouchPolicy.NEVER
        refuse_unless(can, SW.FUNCTION_UNSUPPORTED)
        if self._keys.holds(_name(slot)):
            self._ask_about(Word.REPLACE_KEY, slot)
        self._rules.put(_number(slot), Rule(chosen or SLOT_POLICY[slot], imported, pressed))

    def _ask(self, slot: int, what: Word, data: bytes) -> None:
        """Wait for Confirm, if the key wants that for each use."""
        if self._rule(slot).touch is not TouchPolicy.NEVER:
            from applet.consent.questions import use_of_key

            language = self._consent.settings.language
            self._consent.ask(use_of_key(what, _number(slot), data, language))

    def _ask_about(self, what: Word, slot: int) -> None:
        """Wait for Confirm before a key is lost, if the token wants that."""
        if self._consent.wants(Asked.DELETION):
            from applet.consent.questions import about_file

            language = self._consent.settings.language
            self._consent.ask(about_file(what, _number(slot), language))


def _public_half(key: Key) -> PublicKey:
    """Modulus and exponent, or the point."""
    if isinstance(key, EcKey):
        return PublicKey(point=key.point)
    return PublicKey(modulus=key.modulus, exponent=key.exponent)


def _kind(algorithm: int) -> tuple[FileKind, int]:
    found = kind_of(algorithm)
    if found is None:
        raise CardError(SW.WRONG_DATA)
    return found


def _name(slot: int) -> bytes:
    return bytes((slot,))


def _number(slot: int) -> str:
    return f"{slot:02X}"
