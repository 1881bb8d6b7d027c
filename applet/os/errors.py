"""The one exception with which anything inside the chip refuses a command."""

from __future__ import annotations

from apdu.status import SW


class CardError(Exception):
    """A command ends with this status word; ``applet.os.card`` turns it into the answer.

    What the command had changed and not committed is dropped.
    """

    def __init__(self, sw: int) -> None:
        super().__init__(f"{sw:04X}")
        self.sw = int(sw)


def refuse_unless(condition: object, sw: SW) -> None:
    """End the command with `sw` unless `condition` holds."""
    if not condition:
        raise CardError(sw)
