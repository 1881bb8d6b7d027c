"""The chip and the in-memory client against the least that could be done instead."""

from __future__ import annotations

import os
from collections.abc import Iterator

import gmpy2
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa, utils

from applet.os.store import MemoryStore
from bench.measure import Action, Row, at_most, compare, microseconds
from host.client import TokenClient
from host.memory import MemoryTransport
from host.personalise import Profile, personalise
from ushield.device.assembly import SystemEntropy, assemble

_PIN = "123456"
_CHALLENGE = bytes.fromhex("0084000008")
_PREHASHED = utils.Prehashed(hashes.SHA256())
_PKCS1 = padding.PKCS1v15()
_ECDSA = ec.ECDSA(_PREHASHED)


class _Remembering(SystemEntropy):
    """Makes keys and remembers them, so that the bare call can use the very same key."""

    def __init__(self) -> None:
        self.rsa: list[rsa.RSAPrivateKey] = []
        self.ec: list[ec.EllipticCurvePrivateKey] = []

    def rsa_key(self, bits: int, exponent: int) -> rsa.RSAPrivateKey:
        self.rsa.append(super().rsa_key(bits, exponent))
        return self.rsa[-1]

    def ec_key(self, curve: ec.EllipticCurve) -> ec.EllipticCurvePrivateKey:
        self.ec.append(super().ec_key(curve))
        return self.ec[-1]


def rows() -> Iterator[Row]:
    """Short commands first, then signatures by key."""
    yield from _short_commands()
    yield from _signatures()


def _short_commands() -> Iterator[Row]:
    card = assemble(MemoryStore())
    card.power_on()
    chip = microseconds(lambda: card.transmit(_CHALLENGE))
    yield at_most("GET CHALLENGE of 8 bytes, whole, on the chip", chip, "us", 15)
    yield compare(
        "the same against a bare slice parser",
        lambda: card.transmit(_CHALLENGE),
        "slices and urandom",
        lambda: _bare_chip(_CHALLENGE),
        None,
    )
    client = TokenClient(MemoryTransport(card))
    yield at_most(
        "the same through the in-memory client", microseconds(lambda: client.challenge(8)), "us", 15
    )


def _bare_chip(raw: bytes) -> bytes:
    """The least that answers GET CHALLENGE at all."""
    if raw[0] == 0 and raw[1] == 0x84 and raw[2:4] == b"\x00\x00" and len(raw) == 5:
        return os.urandom(raw[4] or 256) + b"\x90\x00"
    return b"\x6d\x00"


def _signatures() -> Iterator[Row]:
    made = _Remembering()
    client = TokenClient(MemoryTransport(assemble(MemoryStore(), entropy=made)))
    kinds = ("rsa1024", "rsa2048", "p256")
    personalise(client, Profile.of(pin=_PIN, puk="12345678", keys=kinds))
    client.verify_pin(_PIN)
    digest = os.urandom(32)
    bare: tuple[tuple[str, int, Action, float], ...] = (
        ("RSA-1024", 1, lambda: made.rsa[0].sign(digest, _PKCS1, _PREHASHED), 0.75),
        ("RSA-2048", 2, lambda: made.rsa[1].sign(digest, _PKCS1, _PREHASHED), 0.90),
        ("P-256", 3, lambda: made.ec[0].sign(digest, _ECDSA), 0.75),
    )
    for name, key, action, least in bare:
        yield compare(
            f"{name} signature through the in-memory client",
            lambda key=key: client.sign_digest(digest, key),  # type: ignore[misc]
            "cryptography",
            action,
            least,
        )
    yield compare(
        "RSA-2048 PSS signature through the in-memory client",
        lambda: client.sign_digest(digest, 2, padding="pss"),
        "gmpy2, the bare block",
        _bare_power(made.rsa[1]),
        None,
    )


def _bare_power(key: rsa.RSAPrivateKey) -> Action:
    """The private operation by the Chinese remainder theorem, and nothing else."""
    numbers = key.private_numbers()
    p, q = gmpy2.mpz(numbers.p), gmpy2.mpz(numbers.q)
    dp, dq = gmpy2.mpz(numbers.dmp1), gmpy2.mpz(numbers.dmq1)
    q_inverse = gmpy2.mpz(numbers.iqmp)
    block = gmpy2.mpz(int.from_bytes(os.urandom(255), "big"))

    def power() -> object:
        by_p, by_q = gmpy2.powmod_sec(block, dp, p), gmpy2.powmod_sec(block, dq, q)
        return by_q + (by_p - by_q) * q_inverse % p * q

    return power
