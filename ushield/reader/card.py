"""What a reader knows of a card: four contacts' worth of behaviour, and nothing else."""

from typing import Protocol


class CardPort(Protocol):
    """A card in a reader (ISO 7816-3 section 6). Any object with these methods is a card.

    A card whose commands may wait for a person, who presses a button for instance, has a method
    `interrupt()` besides. It may be called from any thread at any time, and more than once: the
    command that waits now ends at once. Without one that waits it does nothing.
    """

    def power_on(self) -> bytes:
        """Give power (cold reset). The answer to reset, 2 to 33 bytes."""
        ...

    def transmit(self, command: bytes, /) -> bytes:
        """One command APDU in, one response APDU out: at least the two status bytes."""
        ...

    def reset(self) -> bytes:
        """Warm reset of a card that has power. The answer to reset, 2 to 33 bytes."""
        ...

    def power_off(self) -> None:
        """Take the power away: all that is volatile is gone."""
        ...
