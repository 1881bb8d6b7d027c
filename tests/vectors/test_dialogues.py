"""Every dialogue held with the chip, in memory and through pcscd's reader.

A dialogue gets a token of its own. In the reader stands one card for all of them, a `Socket`,
in which the chip is changed; so pcscd sees one insertion.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from apdu.payload.consent import Asked, ConsentSettings, build_consent_settings
from applet.os.card import Card
from host.memory import MemoryTransport
from host.pcsc import open_reader
from host.transport import Transport
from tests.pcscd import Pcscd
from tests.vectors.lab import chip_for, chip_with, memory_for
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


@pytest.fixture(scope="module")
def socket() -> Socket:
    return Socket(chip_for())


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
    socket.change(chip_for(dialogue))
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
    chip = chip_for(dialogue)
    transport = MemoryTransport(chip)
    before = _state(transport)
    for _ in range(2):
        transport.reset()
        result = run(dialogue, transport.transmit, transport.reset)
        assert result.passed, _told(result)
    transport.reset()
    assert _state(transport) == before


@pytest.mark.parametrize("dialogue", DIALOGUES, ids=lambda dialogue: dialogue.id)
def test_a_dialogue_says_whether_the_card_may_ask_its_holder(dialogue: Dialogue) -> None:
    """With a card that asks whenever it can, and has nobody to ask, the others go as usual."""
    asks = build_consent_settings(ConsentSettings(asked=Asked(sum(Asked))))
    chip = chip_with({**memory_for(dialogue), "consent/settings": asks})
    chip.power_on()
    result = run(dialogue, chip.transmit, chip.reset)
    assert result.passed is ("unattended" not in dialogue.needs), _told(result)


def _state(transport: Transport) -> list[bytes]:
    """Life cycle, tries left, list of files; of PIV the tries and an object."""
    commands = ("00CA01B200", "00CA01B300", "00CA01A100", "00A4040005A000000308", "00200080")
    return [transport.transmit(bytes.fromhex(command)) for command in commands]
