"""The chip's wires to a display and buttons, if its body has any: a key of the second generation.

The chip draws every page itself and is told every press, so what it signs is what was shown. Time
is the body's: it tells when the time is over that the chip has set.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Protocol


class Signal(Enum):
    """What ends one wait of the chip."""

    CONFIRM = "confirm"
    CANCEL = "cancel"
    UP = "up"
    DOWN = "down"
    TIMED_OUT = "timed out"
    GONE = "gone"
    """The key was pulled out or reset, or the body lost its buttons."""


@dataclass(frozen=True, slots=True)
class Screen:
    """One page as it is drawn. Lines fit the panel: a wide character takes two columns."""

    lines: tuple[str, ...]
    page: int = 1
    pages: int = 1


class Panel(Protocol):
    """A display of `columns` by `rows` cells, with the buttons Confirm, Cancel, up and down."""

    @property
    def columns(self) -> int:
        """Narrow characters in a line; a wide one takes two."""
        ...

    @property
    def rows(self) -> int:
        """Lines of a page."""
        ...

    def begin(self, seconds: int) -> None:
        """A question begins, for which there is so much time; presses made before count no more."""
        ...

    def show(self, screen: Screen) -> None:
        """Draw a page. Presses that were meant for the page before are dropped."""
        ...

    def wait(self) -> Signal:
        """Block until a button is pressed, the time is over or the key is gone."""
        ...

    def end(self) -> None:
        """The question is answered, however it was: the display goes back to rest."""
        ...
