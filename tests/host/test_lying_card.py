"""A card that answers nonsense now and then: whatever it says, the client raises a HostError."""

from __future__ import annotations

import random
from collections.abc import Callable
from functools import cache

import pytest

from applet.os.store import MemoryStore
from host.client import TokenClient
from host.errors import AnswerError, HostError
from host.manage import TokenManager
from host.memory import MemoryTransport
from host.personalise import Profile
from host.usage import Usage
from tests.chip.cards import cells
from ushield.device.assembly import assemble
from ushield.tokens import manufacture

PIN, PUK = "135790", "97531864"


@cache
def token() -> dict[str, bytes]:
    store = MemoryStore()
    manufacture(store, Profile.of(pin=PIN, puk=PUK, keys=["rsa1024", "p256"]))
    return dict(cells(store))


class Liar:
    """The card of a token, some of whose answers are changed on their way."""

    def __init__(self, chance: random.Random, often: float) -> None:
        self._card = assemble(MemoryStore(token()))
        self._chance = chance
        self._often = often
        self.power_on, self.reset = self._card.power_on, self._card.reset
        self.power_off = self._card.power_off

    def transmit(self, command: bytes, /) -> bytes:
        answer = self._card.transmit(command)
        if self._chance.random() >= self._often:
            return answer
        return self._chance.choice(LIES)(self._chance, answer[:-2], answer[-2:])


def _flipped(chance: random.Random, data: bytes, sw: bytes) -> bytes:
    changed = bytearray(data + sw)
    changed[chance.randrange(len(changed))] ^= 1 << chance.randrange(8)
    return bytes(changed)


LIES: list[Callable[[random.Random, bytes, bytes], bytes]] = [
    _flipped,
    lambda chance, data, sw: data[: chance.randrange(len(data) + 1)] + sw,
    lambda chance, _, sw: chance.randbytes(chance.randrange(300)) + sw,
    lambda chance, data, _: data + chance.randbytes(2),
    lambda *_: b"\x90\x00",
    lambda *_: b"\x61\x00",
    lambda *_: b"\x6c\x08",
    lambda *_: b"\x90",
    lambda *_: b"",
]

ACTS: list[Callable[[TokenClient], object]] = [
    TokenClient.info,
    TokenClient.certificate,
    TokenClient.pin_status,
    TokenClient.logout,
    TokenClient.reset,
    lambda client: client.verify_pin(PIN),
    lambda client: client.change_pin(PIN, "246810"),
    lambda client: client.unblock_pin(PUK, PIN),
    lambda client: client.sign(b"x"),
    lambda client: client.sign(b"x", 2),
    lambda client: client.sign(b"x", 1, padding="pss"),
    lambda client: client.sign_message(b"x"),
    lambda client: client.hash_on_card(b"x"),
    lambda client: client.internal_authenticate(bytes(8)),
    lambda client: client.verify_signature(bytes(128), b"x"),
    lambda client: client.check_signature(bytes(128), b"x"),
    lambda client: client.encipher(b"x"),
    lambda client: client.encipher(b"x", padding="oaep"),
    lambda client: client.decipher(bytes(128)),
    lambda client: client.decipher(bytes(128), padding="oaep", hash="sha1"),
    lambda client: client.private_key(2).public_key(),
    lambda client: client.challenge(8),
    lambda client: TokenManager(client).generate_key("p256", label="new", usage=Usage.SIGN),
    lambda client: TokenManager(client).write_certificate(client.certificate(), client.key(1)),
]


def _live(seed: int) -> int:
    """Use a token whose card lies; how often the client said so."""
    chance = random.Random(seed)
    found = 0
    try:
        client = TokenClient(MemoryTransport(Liar(chance, chance.choice([0.02, 0.1, 0.5]))))
    except HostError:
        return 1
    for act in chance.choices(ACTS, k=8):
        try:
            act(client)
        except HostError:
            found += 1
    return found


@pytest.mark.parametrize("lives", [100, pytest.param(5000, marks=pytest.mark.torture)])
def test_whatever_a_card_says(lives: int) -> None:
    first = random.randrange(2**32)
    found = 0
    for seed in range(first, first + lives):
        try:
            found += _live(seed)
        except Exception as error:
            raise AssertionError(f"life {seed}") from error
    assert found > lives


@pytest.mark.parametrize("answer", [b"", b"\x90", b"\x61", b"\x6c"])
def test_an_answer_without_a_status_word(answer: bytes) -> None:
    class Mute(Liar):
        def transmit(self, command: bytes, /) -> bytes:
            return answer

    with pytest.raises(AnswerError, match="status word"):
        TokenClient(MemoryTransport(Mute(random.Random(), 0)))


def test_a_card_that_is_content_with_everything() -> None:
    class Null(Liar):
        def transmit(self, command: bytes, /) -> bytes:
            return b"\x90\x00"

    client = TokenClient(MemoryTransport(Null(random.Random(), 0)))
    client.verify_pin(PIN)
    with pytest.raises(AnswerError):
        client.info()
