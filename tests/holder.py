"""A card that is changed for another one while it stays in the reader."""

from __future__ import annotations

from applet.os.store import MemoryStore
from ushield.device.assembly import assemble
from ushield.reader.card import CardPort


class Holder:
    """A reader notices a new card only when it looks, twice a second; this one is just there.

    All cards must have one ATR: PC/SC is not told of the change. The clients of the card before
    must have ended.
    """

    def __init__(self) -> None:
        self._card: CardPort = assemble(MemoryStore())
        self._atr = self._card.power_on()

    def hold(self, card: CardPort) -> None:
        """Change the card. It has power at once."""
        assert card.power_on() == self._atr
        self._card = card

    def power_on(self) -> bytes:
        return self._card.power_on()

    def transmit(self, command: bytes, /) -> bytes:
        return self._card.transmit(command)

    def reset(self) -> bytes:
        return self._card.reset()

    def power_off(self) -> None:
        self._card.power_off()
