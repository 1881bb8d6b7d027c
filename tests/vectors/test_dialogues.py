"""Every dialogue held with the chip, in memory and through pcscd's reader.

A dialogue gets a token of its own. In the reader stands one card for all of them, a `Socket`,
in which the chip is changed; so pcscd sees one insertion.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache

import pytest

from applet.os.card import Card
from applet.os.store import MemoryStore
from host.client import TokenClient
from host.memory import MemoryTransport
from host.pcsc import open_reader
from host.personalise import Profile, personalise
from host.transport import Transport
from tests.pcscd import Pcscd
from ushield.device.assembly import assemble
from vectors import profile
from vectors.loader import Dialogue, Step, load_all
from vectors.run import Result, run

DIALOGUES = load_all()


class Socket:
    """A card whose chip can be changed while it is in the reader."""

    def __init__(self, chip: Card) -> None:
        self.chip = chip

    def power_on(self) -> bytes:
        return self.chip.power_on()

    def transmit(self, command: bytes) -> bytes:
        return self.chip.transmit(command)

    def reset(self) -> bytes:
        return self.chip.reset()

    def power_off(self) -> None:
        self.chip.power_off()

    def change(self, chip: Card) -> None:
        """Put another chip in, powered on like the one before."""
        chip.power_on()
        self.chip = chip


@cache
def _token() -> Mapping[str, bytes]:
    """The memory of the token that the dialogues are written for."""
    store = MemoryStore()
    wanted = Profile.of(
        pin=profile.PIN,
        puk=profile.PUK,
        so_pin=profile.SO_PIN,
        keys=("rsa2048:sign", "rsa2048:decipher", "p256"),
        label=profile.LABEL,
    )
    with TokenClient(MemoryTransport(assemble(store, strict=True))) as client:
        personalise(client, wanted)
    return {key: store.get(key) or b"" for key in store.keys("")}


def _chip(dialogue: Dialogue | None = None) -> Card:
    blank = dialogue is not None and "blank-card" in dialogue.needs
    return assemble(MemoryStore({} if blank else _token()), strict=True)


@pytest.fixture(scope="module")
def socket() -> Socket:
    return Socket(_chip())


@pytest.fixture(scope="module", params=["memory", "pcsc"])
def transport(request: pytest.FixtureRequest, socket: Socket) -> Iterator[Transport]:
    """The two ways to the chip in the socket."""
    if request.param == "memory":
        with MemoryTransport(socket) as transport:
            yield transport
        return
    daemon: Pcscd = request.getfixturevalue("pcscd")
    with daemon.plugged(socket) as plugged, open_reader(plugged.reader) as transport:
        yield transport


@pytest.mark.parametrize("dialogue", DIALOGUES, ids=lambda dialogue: dialogue.id)
def test_dialogue(dialogue: Dialogue, transport: Transport, socket: Socket) -> None:
    socket.change(_chip(dialogue))
    result = run(dialogue, transport.transmit, transport.reset)
    assert result.passed, _told(result)
    assert len(result.exchanges) == sum(isinstance(step, Step) for step in dialogue.steps)


def _told(result: Result) -> str:
    lines = [
        f"  > {exchange.command.hex()}\n  < {exchange.answer.hex()}"
        for exchange in result.exchanges
    ]
    return "\n".join([result.fault, *lines])


HARMLESS = [dialogue for dialogue in DIALOGUES if "destructive" not in dialogue.needs]


@pytest.mark.parametrize("dialogue", HARMLESS, ids=lambda dialogue: dialogue.id)
def test_a_dialogue_leaves_the_card_as_it_was(dialogue: Dialogue) -> None:
    """Held twice with the same card it passes twice, unless it says that it is destructive."""
    chip = _chip(dialogue)
    transport = MemoryTransport(chip)
    before = _state(transport)
    for _ in range(2):
        transport.reset()
        result = run(dialogue, transport.transmit, transport.reset)
        assert result.passed, _told(result)
    transport.reset()
    assert _state(transport) == before


def _state(transport: Transport) -> list[bytes]:
    """Life cycle, tries left, list of files."""
    commands = ("00CA01B200", "00CA01B300", "00CA01A100")
    return [transport.transmit(bytes.fromhex(command)) for command in commands]
