"""Cards to be judged by the dialogues of ``vectors``: copies in memory, a card in a reader."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from time import monotonic, sleep

from applet.os.store import MemoryStore
from host.conformance.runner import Subject
from host.errors import TransportError
from host.memory import MemoryTransport
from host.pcsc import open_reader
from host.personalise import Profile
from host.piv.personalise import PivProfile
from host.trace import TracedCard, TracedTransport, Tracer
from host.transport import Transport
from ushield.device.applets import Applets
from ushield.device.assembly import assemble
from ushield.device.image import open_image
from ushield.making import Making, make
from ushield.testing.tokens import cells_of
from vectors import profile

TracerOf = Callable[[str], Tracer | None]
"""Gives what listens to the card of this name, or None."""

_KEYS = ("rsa2048:sign", "rsa2048:decipher", "p256")
_PIV_KEYS = ("p256", "p256", "p256", "p256")
_ROOT = bytes.fromhex("00A4000C023F00")
"""SELECT of the master file, which every card can answer, be it with a refusal."""
_EVERY = 0.1
"""Seconds between two looks whether a card is back."""


def unheard(_name: str) -> None:
    """Nobody listens."""


def fresh_subjects(tracer: TracerOf = unheard) -> tuple[Subject, Subject]:
    """The token that the dialogues are written for, new, and a blank one; every time a copy."""
    own = Profile.of(
        pin=profile.PIN, puk=profile.PUK, so_pin=profile.SO_PIN, keys=_KEYS, label=profile.LABEL
    )
    piv = PivProfile.of(pin=profile.PIV_PIN, puk=profile.PIV_PUK, keys=_PIV_KEYS)
    return (
        copies("a fresh token", _made(Making(Applets.BOTH, own, piv)), tracer),
        copies("a blank token", _made(Making(Applets.BOTH)), tracer),
    )


def _made(making: Making) -> Mapping[str, bytes]:
    store = MemoryStore()
    make(store, making)
    return cells_of(store)


def image_subject(path: Path, tracer: TracerOf = unheard) -> Subject:
    """The token of an image file; every time a copy of it in memory, so that nothing is lost."""
    with closing(open_image(path)) as store:
        return copies(str(path), cells_of(store), tracer)


def copies(name: str, cells: Mapping[str, bytes], tracer: TracerOf = unheard) -> Subject:
    """A subject by the memory of its chip."""
    listener = tracer(name)

    @contextmanager
    def connect() -> Iterator[Transport]:
        card = assemble(MemoryStore(cells))
        with MemoryTransport(TracedCard(card, listener) if listener else card) as transport:
            yield transport

    return Subject(name, connect, copy=True)


@contextmanager
def reached(reader: str, tracer: TracerOf = unheard) -> Iterator[tuple[str, Transport]]:
    """The card in a reader of the system's PC/SC service, and the reader's whole name."""
    with open_reader(reader) as transport:
        listener = tracer(transport.reader)
        yield (
            transport.reader,
            TracedTransport(transport, listener) if listener else transport,
        )


def card_subject(name: str, transport: Transport) -> Subject:
    """The card at the end of a connection, which nobody else disturbs during a dialogue."""

    @contextmanager
    def connect() -> Iterator[Transport]:
        with transport.transaction():
            yield transport

    return Subject(name, connect)


def wait_for_card(transport: Transport, seconds: float) -> bool:
    """Whether the card is there again, and answers, within so many seconds."""
    deadline = monotonic() + seconds
    while monotonic() < deadline:
        try:
            transport.reset()
            transport.transmit(_ROOT)
        except TransportError:
            sleep(_EVERY)
        else:
            return True
    return False
