"""Cards to be judged: the token that the dialogues are written for, and odd ones."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

from applet.os.store import MemoryStore
from host.conformance.outcome import Outcome
from host.conformance.runner import Examiner, Subject
from host.errors import CardRemoved
from host.memory import MemoryTransport
from host.personalise import Profile
from host.piv.personalise import PivProfile
from host.transport import CardPort, Transport
from ushield.conformance import copies, fresh_subjects
from ushield.device.applets import Applets
from ushield.making import Making, make
from ushield.testing.tokens import cells_of
from vectors.cipher import MANAGEMENT_KEY
from vectors.loader import Dialogue, load_all, load_text
from vectors.profile import VALUES

DIALOGUES = {dialogue.id: dialogue for dialogue in load_all()}
HARMLESS = [dialogue for dialogue in DIALOGUES.values() if "destructive" not in dialogue.needs]


@cache
def fresh() -> tuple[Subject, Subject]:
    """The vectors' own token and a blank one, made once for all tests."""
    return fresh_subjects()


def kept(card: CardPort, name: str = "the card") -> Subject:
    """A card that stays the same from dialogue to dialogue."""

    @contextmanager
    def connect() -> Iterator[Transport]:
        with MemoryTransport(card) as transport:
            yield transport

    return Subject(name, connect)


def own(subject: Subject | None = None) -> CardPort:
    """A card of one's own, with the memory of one of the fresh tokens."""
    with (subject or fresh()[0]).connect() as transport:
        assert isinstance(transport, MemoryTransport)
        return transport._card


OTHER_VALUES = {
    "pin": b"975310\xff\xff",
    "puk": b"86420864",
    "so-pin": b"20406080",
    "piv-pin": b"975310\xff\xff",
    "piv-puk": b"86420864",
    MANAGEMENT_KEY: bytes.fromhex("A1B2C3D4E5F60718293A4B5C6D7E8F900123456789ABCDEF"),
}
"""PINs that stand in no dialogue."""


@cache
def other() -> Subject:
    """A token like the vectors' own with other PINs."""
    own_profile = Profile.of(
        pin="975310",
        puk="86420864",
        so_pin="20406080",
        keys=("rsa2048:sign", "rsa2048:decipher", "p256"),
        label="another",
    )
    piv = PivProfile.of(
        pin="975310",
        puk="86420864",
        management_key=OTHER_VALUES[MANAGEMENT_KEY].hex(),
        keys=("p256",) * 4,
    )
    store = MemoryStore()
    make(store, Making(Applets.BOTH, own_profile, piv))
    return copies("another token", cells_of(store))


class Altered:
    """A card whose answers are changed; `change` is given the command and the right answer."""

    def __init__(self, card: CardPort, change: Callable[[bytes, bytes], bytes]) -> None:
        self._card = card
        self._change = change
        self.power_on, self.reset, self.power_off = card.power_on, card.reset, card.power_off
        self.commands: list[bytes] = []

    def transmit(self, command: bytes, /) -> bytes:
        self.commands.append(command)
        return self._change(command, self._card.transmit(command))


class Pulled:
    """A card that is taken out when so many commands are through, and may come back."""

    def __init__(self, card: CardPort, after: int) -> None:
        self._card = card
        self.left = after
        self.power_on, self.power_off = card.power_on, card.power_off

    def transmit(self, command: bytes, /) -> bytes:
        self._check()
        return self._card.transmit(command)

    def reset(self) -> bytes:
        self._check()
        return self._card.reset()

    def _check(self) -> None:
        self.left -= 1
        if self.left < 0:
            raise CardRemoved("the card was taken out of the reader")


def written(*steps: object, needs: list[str] | None = None, **fields: str) -> Dialogue:
    """A dialogue of these steps."""
    entry: dict[str, Any] = {"id": "x", "title": "X", "clause": "ISO 7816-4", "steps": list(steps)}
    entry |= {"needs": needs} if needs else {}
    document = {"topic": "t", "title": "T", "dialogues": [entry | fields]}
    (dialogue,) = load_text(json.dumps(document), "t.json")
    return dialogue


def judged(subject: Subject, *dialogues: Dialogue, **options: Any) -> list[Outcome]:
    """What comes of these dialogues, with the PINs of the vectors' own token."""
    return list(Examiner([subject], VALUES, **options).hold_all(dialogues))
