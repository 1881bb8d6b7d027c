"""A PIV token made once by the host's personaliser, and copied for each test."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import cache

from applet.os.store import MemoryStore
from host.memory import MemoryTransport
from host.piv.client import PivClient
from host.piv.personalise import PivProfile, personalise_piv
from host.trace import TraceRecord
from tests.chip.cards import cells
from ushield.device.applets import Applets, note_applets
from ushield.device.assembly import assemble

PIN, PUK = "135790", "97531864"
ADMIN = "5A3C" * 16
NOW = datetime(2025, 3, 1, 12, 0, 0, tzinfo=UTC)
KEYS = ("rsa2048", "p256", "rsa1024", "p384", "p256")
"""In 9A, 9C, 9D, 9E and 82."""


def profile(**changes: object) -> PivProfile:
    wanted = {"pin": PIN, "puk": PUK, "management_key": ADMIN, "keys": KEYS} | changes
    return PivProfile.of(subject="CN=Li Lei,O=Example", **wanted)  # type: ignore[arg-type]


def factory_store() -> MemoryStore:
    """The memory of a card that nobody has touched."""
    store = MemoryStore()
    note_applets(store, Applets.PIV)
    return store


def client_of(store: MemoryStore, trace: Callable[[TraceRecord], None] | None = None) -> PivClient:
    return PivClient(MemoryTransport(assemble(store, strict=True)), trace=trace)


def token(trace: Callable[[TraceRecord], None] | None = None) -> PivClient:
    """A client of a personalised token."""
    return client_of(MemoryStore(_made()), trace)


@cache
def _made() -> Mapping[str, bytes]:
    store = factory_store()
    with client_of(store) as client:
        personalise_piv(client, profile(), now=NOW)
    return cells(store)
