"""PINs, and cards to start from."""

from __future__ import annotations

from applet.os.store import MemoryStore

SO_PIN, SO_PUK, PIN, PUK = "87654321", "11223344", "123456", "12345678"


def copy(store: MemoryStore) -> MemoryStore:
    """Another memory with the same content."""
    return MemoryStore({key: store.get(key) or b"" for key in store.keys("")})
