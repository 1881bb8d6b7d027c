"""What the operating system asks of an applet."""

from __future__ import annotations

from typing import Protocol

from apdu.command import Command


class Applet(Protocol):
    """One application on the card, chosen by its identifier. Applets do not see each other."""

    @property
    def aids(self) -> tuple[bytes, ...]:
        """The application identifiers that select it, 5 to 16 bytes each."""
        ...

    def select(self) -> bytes:
        """It is being selected: begin afresh, and answer the file control information."""
        ...

    def clear(self) -> None:
        """Forget everything volatile: verified PINs, security environment, half-done work."""
        ...

    def accepts_class(self, command: Command, /) -> bool:
        """Whether a class byte other than 00 and 10 is one of the applet's own."""
        ...

    def execute(self, command: Command) -> bytes:
        """Carry a whole command out (chains are put together before); CardError refuses."""
        ...
