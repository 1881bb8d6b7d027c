"""A card in a body with a display and buttons."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol

from ushield.device.display.hand import Hand
from ushield.device.display.panel import Panel


class CardWithPanel(Protocol):
    """A card whose chip was given the panel when it was put together."""

    def power_on(self) -> bytes:
        """Give power; the answer to reset."""
        ...

    def transmit(self, command: bytes, /) -> bytes:
        """One command APDU in, one response APDU out."""
        ...

    def reset(self) -> bytes:
        """Warm reset; the answer to reset."""
        ...

    def power_off(self) -> None:
        """Take the power away."""
        ...


class KeyWithDisplay:
    """What is put into a reader: the card, whose questions end when it is pulled out or reset.

    The display is dark while the card has no power. `hand` presses the buttons as a script says.
    """

    def __init__(self, card: CardWithPanel, panel: Panel) -> None:
        self._card = card
        self.panel = panel
        self.hand = Hand(panel)
        self.transmit = card.transmit
        self.reset = card.reset
        self.interrupt = panel.interrupt

    def power_on(self) -> bytes:
        """Give power; the answer to reset."""
        self.panel.power(True)
        return self._card.power_on()

    def power_off(self) -> None:
        """Take the power away."""
        self._card.power_off()
        self.panel.power(False)


class KeysShown(Protocol):
    """The keys whose displays a face shows, by the readers that they are in."""

    def keys(self) -> Mapping[str, KeyWithDisplay]:
        """The keys there are now."""
        ...

    def listen(self, listener: Callable[[], None], /) -> Callable[[], None]:
        """Call this, from any thread, after each change; what ends that."""
        ...
