"""Tokens put together: the chip, its memory, and a client for it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

from apdu.payload import ConsentSettings
from applet.os.panel import Panel
from applet.os.store import MemoryStore, Store
from host.client import TokenClient
from host.memory import MemoryTransport
from host.personalise import Profile, personalise
from host.trace import TracedCard, Tracer, TraceRecord
from ushield.device.assembly import assemble
from ushield.device.image import open_image


def new_token(
    *,
    pin: str = "123456",
    puk: str = "12345678",
    keys: Sequence[str] = (),
    subject: str = "CN=U-Shield",
    label: str = "U-Shield",
    pin_each_signature: bool = False,
    generation: int = 1,
    consent: ConsentSettings | None = None,
    panel: Panel | None = None,
    trace: Callable[[TraceRecord], None] | None = None,
) -> TokenClient:
    """A fresh personalised token in memory.

    `keys` are such as "rsa2048", "p256" or "rsa1024:sign"; without any, one RSA-2048 key signs and
    one deciphers. With `pin_each_signature` keys that sign want the PIN anew for each use. In
    generation 2 the keys ask the holder at `panel`, in the way that `consent` says. `trace` gets a
    record of every APDU.
    """
    profile = Profile.of(
        pin=pin,
        puk=puk,
        keys=keys,
        subject=subject,
        label=label,
        pin_each_signature=pin_each_signature,
        generation=generation,
        consent=consent,
    )
    return manufacture(MemoryStore(), profile, panel=panel, trace=trace)


def manufacture(
    store: Store,
    profile: Profile | None,
    *,
    panel: Panel | None = None,
    trace: Callable[[TraceRecord], None] | None = None,
) -> TokenClient:
    """A new card with its state in `store`, personalised; blank without a profile."""
    client = TokenClient(MemoryTransport(assemble(store, panel=panel)), trace=trace)
    if profile is not None:
        personalise(client, profile)
    return client


@contextmanager
def open_token(path: Path, tracer: Tracer | None = None) -> Iterator[TokenClient]:
    """The token of an image file, in memory; the file is free again at the end.

    With a tracer the dialogue is listened to.
    """
    with closing(open_image(path)) as store:
        card = assemble(store)
        with MemoryTransport(TracedCard(card, tracer) if tracer else card) as transport:
            yield TokenClient(transport)
