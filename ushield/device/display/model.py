"""Kinds of display, as data."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Style(StrEnum):
    """How a display makes its dots."""

    LCD = "lcd"
    """Dark dots on a lit ground of one colour."""
    OLED = "oled"
    """White dots that shine by themselves, on black."""


@dataclass(frozen=True, slots=True)
class Model:
    """A display of `columns` by `rows` cells; a wide character takes two cells side by side.

    A cell is `cell_width` by `cell_height` dots.
    """

    style: Style
    columns: int
    rows: int
    cell_width: int
    cell_height: int


LCD = Model(Style.LCD, columns=16, rows=4, cell_width=8, cell_height=16)
"""128 by 64 dots, characters of 16 by 16 dots: eight of them in a line."""
OLED = Model(Style.OLED, columns=21, rows=5, cell_width=6, cell_height=12)
"""126 of 128 by 60 of 64 dots, characters of 12 by 12 dots: ten of them in a line."""

MODELS = {model.style: model for model in (LCD, OLED)}
