"""A token with one key of each sort, made once and copied for each test."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import cache

from cryptography import x509

from applet.os.card import Card
from applet.os.store import MemoryStore
from host.client import TokenClient
from host.keyspec import KeySpec
from host.memory import MemoryTransport
from host.personalise import Profile, personalise
from host.trace import TraceRecord
from host.usage import Usage
from ushield.device.assembly import assemble

PIN, PUK, SO_PIN, SO_PUK = "135790", "97531864", "86420975", "24681357"
"""Chosen so that none is in the other."""

SIGNING, DECIPHER, P256, SMALL, P384 = 1, 2, 3, 4, 5
"""References: RSA-2048 that signs, RSA-2048 that deciphers, P-256, RSA-1024 for all, P-384."""

NOW = datetime(2025, 3, 1, 12, 0, 0, tzinfo=UTC)

PROFILE = Profile(
    label="Lí Lěi's key",
    subject=x509.Name.from_rfc4514_string("CN=Li Lei,O=Example Bank,C=CN"),
    pin=PIN,
    puk=PUK,
    so_pin=SO_PIN,
    so_puk=SO_PUK,
    keys=(
        KeySpec("rsa2048", Usage.SIGN | Usage.AUTHENTICATE, "signing"),
        KeySpec("rsa2048", Usage.DECIPHER, "decipher"),
        KeySpec("p256", Usage.SIGN | Usage.DERIVE | Usage.AUTHENTICATE, "curve"),
        KeySpec.all_purpose("rsa1024", "small"),
        KeySpec.all_purpose("p384", "large curve"),
    ),
)


def blank_card() -> Card:
    """A card that nobody has touched; unexpected exceptions come through."""
    return assemble(MemoryStore(), strict=True)


def token_card() -> Card:
    """The card of a personalised token, without power."""
    return assemble(MemoryStore(_cells()), strict=True)


def token(
    *, extended: bool = False, trace: Callable[[TraceRecord], None] | None = None
) -> TokenClient:
    """A client for a personalised token in memory."""
    return TokenClient(MemoryTransport(token_card()), extended=extended, trace=trace)


@cache
def _cells() -> Mapping[str, bytes]:
    store = MemoryStore()
    with TokenClient(MemoryTransport(assemble(store, strict=True))) as client:
        personalise(client, PROFILE, now=NOW)
    return {key: store.get(key) or b"" for key in store.keys("")}
