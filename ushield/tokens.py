"""Tokens put together: the chip, its memory, and a client for it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from apdu.payload import ConsentSettings
from applet.os.panel import Panel
from applet.os.store import MemoryStore, Store
from host.client import TokenClient
from host.memory import MemoryTransport
from host.personalise import Profile, personalise
from host.trace import TraceRecord
from ushield.device.applets import Applets, note_applets
from ushield.device.assembly import assemble
from ushield.device.image import open_image
from ushield.making import Making, make

if TYPE_CHECKING:
    from host.piv.client import PivClient
    from host.trace import Tracer


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


def new_piv_token(
    *,
    pin: str = "123456",
    puk: str = "12345678",
    management_key: str | None = None,
    keys: Sequence[str] = (),
    subject: str = "CN=U-Shield",
    trace: Callable[[TraceRecord], None] | None = None,
) -> PivClient:
    """A fresh personalised PIV token in memory.

    `keys`, such as "rsa2048" and "p256", go to 9A, 9C, 9D, 9E and the retired slots; without any,
    RSA-2048 keys to the first three and P-256 to 9E. `management_key` is in hexadecimal digits.
    """
    from host.piv.client import PivClient
    from host.piv.personalise import PivProfile

    profile = PivProfile.of(
        pin=pin, puk=puk, management_key=management_key, keys=keys, subject=subject
    )
    store = MemoryStore()
    make(store, Making(Applets.PIV, piv=profile))
    return PivClient(MemoryTransport(assemble(store)), trace=trace)


def manufacture(
    store: Store,
    profile: Profile | None,
    *,
    panel: Panel | None = None,
    trace: Callable[[TraceRecord], None] | None = None,
) -> TokenClient:
    """A new PKCS#15 token with its state in `store`, personalised; blank without a profile."""
    note_applets(store, Applets.PKCS15)
    client = TokenClient(MemoryTransport(assemble(store, panel=panel)), trace=trace)
    if profile is not None:
        personalise(client, profile)
    return client


@contextmanager
def open_token(path: Path | str, tracer: Tracer | None = None) -> Iterator[TokenClient]:
    """The token of an image file, in memory; the file is free again at the end.

    With a tracer the dialogue is listened to.
    """
    with open_card(path, tracer) as transport:
        yield TokenClient(transport)


@contextmanager
def open_piv_token(path: Path | str, tracer: Tracer | None = None) -> Iterator[PivClient]:
    """The same for the PIV application of a token."""
    from host.piv.client import PivClient

    with open_card(path, tracer) as transport:
        yield PivClient(transport)


@contextmanager
def open_card(path: Path | str, tracer: Tracer | None = None) -> Iterator[MemoryTransport]:
    """The way to the card of an image file, whatever applications it has."""
    with closing(open_image(Path(path))) as store:
        card = assemble(store)
        with MemoryTransport(tracer.card(card) if tracer else card) as transport:
            yield transport
