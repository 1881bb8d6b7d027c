"""The key slots of a PIV card: what each is for, and what is in it."""

from __future__ import annotations

from collections.abc import Mapping

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from apdu.edge import Consent
from apdu.piv import PublicKey as CardPublicKey
from apdu.pivedge import (
    AUTHENTICATION,
    CARD_AUTHENTICATION,
    CURVES,
    RSA,
    SIGNATURE,
    PinPolicy,
    TouchPolicy,
)
from apdu.pivmetadata import Metadata
from apdu.pivnames import KEY_NAMES
from apdu.pkcs15.entries import KeyKind
from host.directory import KeyInfo
from host.errors import AnswerError, UnsupportedError
from host.publickey import CURVES as CURVE_KINDS
from host.publickey import PublicKey
from host.usage import Usage, certificate_usage

KEY_TYPES: Mapping[str, int] = {
    **{f"rsa{bits}": algorithm for algorithm, bits in RSA.items()},
    **{f"p{bits}": algorithm for algorithm, bits in CURVES.items()},
}
"""Algorithms by the name that people type."""

_WORDS = {Usage.SIGN: "sign", Usage.DECIPHER: "decrypt", Usage.DERIVE: "derive"}
_UNTOUCHED = frozenset({TouchPolicy.DEFAULT, TouchPolicy.NEVER})
_SIGNING = frozenset({AUTHENTICATION, SIGNATURE, CARD_AUTHENTICATION})


def usage_of(slot: int, kind: str) -> Usage:
    """What a slot is for by the standard: 9A, 9C and 9E sign, the others keep secrets."""
    if slot in _SIGNING:
        return Usage.SIGN
    return Usage.DECIPHER if kind == "rsa" else Usage.DERIVE


def certificate_usage_of(slot: int, kind: str) -> x509.KeyUsage:
    """The key usage of its certificate: only 9C signs what its holder is held to."""
    usage = usage_of(slot, kind)
    return certificate_usage(
        Usage.AUTHENTICATE if usage & Usage.SIGN and slot != SIGNATURE else usage
    )


def key_info(slot: int, public: PublicKey, *, pin_each: bool) -> KeyInfo:
    """A key as the rest of this package describes keys; its reference is the slot."""
    kind: KeyKind = "rsa" if isinstance(public, rsa.RSAPublicKey) else "ec"
    usage = frozenset({_WORDS[usage_of(slot, kind)]})
    return KeyInfo(slot, KEY_NAMES[slot], b"", kind, public.key_size, usage, pin_each)


def wants_pin_each_time(slot: int, told: Metadata | None) -> bool:
    """By the key's own rule where the card tells it; else by the rule of its slot."""
    if told is None or told.policy is None:
        return slot == SIGNATURE
    return told.policy[0] == PinPolicy.ALWAYS


def consent_of(told: Metadata | None) -> Consent:
    """Whether each use wants a press, by Yubico's touch policy; none where none is told."""
    if told is None or told.policy is None or told.policy[1] in _UNTOUCHED:
        return Consent.NONE
    return Consent.PRESS


def algorithm_of(key: KeyInfo) -> int:
    """The number of a key's algorithm. UnsupportedError for a size that PIV does not have."""
    return algorithm_for(key.kind, key.bits)


def algorithm_for(kind: KeyKind, bits: int) -> int:
    """The number of the algorithm for keys of this kind and size."""
    for algorithm, known in (RSA if kind == "rsa" else CURVES).items():
        if known == bits:
            return algorithm
    raise UnsupportedError(f"PIV has no algorithm for {kind} keys of {bits} bits")


def public_key(algorithm: int, told: CardPublicKey) -> PublicKey:
    """The public half as `cryptography` takes it. AnswerError when it is none."""
    try:
        if algorithm in CURVES:
            curve = CURVE_KINDS[CURVES[algorithm]]
            return ec.EllipticCurvePublicKey.from_encoded_point(curve, told.point or b"")
        exponent, modulus = (
            int.from_bytes(part or b"", "big") for part in (told.exponent, told.modulus)
        )
        return rsa.RSAPublicNumbers(exponent, modulus).public_key()
    except ValueError:
        raise AnswerError("the card's public key is no key") from None
