"""The display in a terminal, for rich and whatever is built on it."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from rich.text import Text

from applet.consent.glyphs import columns
from applet.os.panel import Signal
from ushield.device.display.model import Model, Style
from ushield.device.display.panel import View

_STYLES: Mapping[Style, tuple[str, str, str]] = MappingProxyType(
    {
        Style.LCD: ("#16210a on #c3d545", "#aebf3d on #c3d545", "#7c8652 on #7c8652"),
        Style.OLED: ("#f3f7ff on #05070a", "#3a4452 on #05070a", "#05070a on #05070a"),
    }
)
"""What is drawn, what is not, and a display without power."""


def drawn(view: View, model: Model) -> Text:
    """The display with its frame: lines, and at the right the arrows and the page."""
    ink, faint, dark = _STYLES[model.style]
    if not view.powered:
        ink = faint = dark
    text = Text(no_wrap=True)
    edge = " " * (model.columns + 6)
    text.append(f"{edge}\n", ink)
    for row in range(model.rows):
        line = view.lines[row] if row < len(view.lines) else ""
        text.append(f" {line}{' ' * (model.columns - columns(line))} ", ink)
        mark, useful = _mark(view, row, model.rows)
        text.append(f"{mark:^4}\n", ink if useful else faint)
    text.append(edge, ink)
    return text


def _mark(view: View, row: int, rows: int) -> tuple[str, bool]:
    """What is at the right of a row, and whether it means anything now."""
    if row == 0:
        return "▲", Signal.UP in view.waits_for
    if row == rows - 1:
        return "▼", Signal.DOWN in view.waits_for
    if row == (rows - 1) // 2 and view.pages > 1:
        return f"{view.page}/{view.pages}", True
    return "", False
