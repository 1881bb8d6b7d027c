"""Tokens of ours with keys in them, made once in a process and copied for each test."""

from __future__ import annotations

from functools import cache

from applet.os.store import MemoryStore
from host.personalise import Profile
from tests.clients.cards import PIN, PUK, copy
from ushield.tokens import manufacture


def with_keys(*keys: str, label: str = "mine", pin_each_signature: bool = False) -> MemoryStore:
    """The memory of a token as `ushield init --key ...` makes it; ids are 01, 02 and so on."""
    return copy(_with_keys(keys, label, pin_each_signature))


@cache
def _with_keys(keys: tuple[str, ...], label: str, pin_each_signature: bool) -> MemoryStore:
    store = MemoryStore()
    profile = Profile.of(
        pin=PIN,
        puk=PUK,
        keys=keys,
        subject=f"CN={label}",
        label=label,
        pin_each_signature=pin_each_signature,
    )
    manufacture(store, profile)
    return store
