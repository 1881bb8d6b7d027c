"""The display as a picture: SVG, which any browser draws with whatever font there is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from xml.etree.ElementTree import Element, SubElement, tostring

from applet.consent.glyphs import columns
from applet.os.panel import Signal
from ushield.device.display.model import Model, Style
from ushield.device.display.panel import View

FONTS = (
    "Unifont, 'WenQuanYi Bitmap Song', 'WenQuanYi Zen Hei Mono', 'Noto Sans Mono CJK SC', "
    "'PingFang SC', 'Microsoft YaHei', monospace"
)
"""Fonts made of dots first; each of the others has the characters."""

_BORDER, _MARGIN, _STRIP = 4, 4, 14
"""Dots of the frame, of the ground around the lines, and of the strip with the arrows."""
_BASELINE = 0.82
"""Of a cell's height."""
_SCALE = 3
"""Pixels of a dot."""


@dataclass(frozen=True, slots=True)
class _Ink:
    """Colours: the ground with and without power, what is drawn, and what is not."""

    ground: str
    dark: str
    drawn: str
    faint: str


_INKS: Mapping[Style, _Ink] = MappingProxyType(
    {
        Style.LCD: _Ink("#c3d545", "#7c8652", "#16210a", "#aebf3d"),
        Style.OLED: _Ink("#05070a", "#05070a", "#f3f7ff", "#1b2027"),
    }
)


def draw(view: View, model: Model) -> str:
    """The display as this view has it, an SVG document."""
    ink = _INKS[model.style]
    width = model.columns * model.cell_width + 2 * _MARGIN + _STRIP
    height = model.rows * model.cell_height + 2 * _MARGIN
    root = _svg(width + 2 * _BORDER, height + 2 * _BORDER, view)
    _rectangle(root, 0, 0, width + 2 * _BORDER, height + 2 * _BORDER, "#14171c", 3)
    ground = ink.ground if view.powered else ink.dark
    _rectangle(root, _BORDER, _BORDER, width, height, ground, 1)
    for row, line in enumerate(view.lines):
        _draw_line(root, line, row, model, ink.drawn)
    if view.powered and not view.asks:
        _draw_name(root, width + 2 * _BORDER, height + 2 * _BORDER, ink.faint)
    if view.powered:
        _draw_strip(root, view, width + _BORDER - _STRIP / 2, height, ink)
    return tostring(root, encoding="unicode")


def _svg(width: float, height: float, view: View) -> Element:
    root = Element(
        "svg",
        xmlns="http://www.w3.org/2000/svg",
        viewBox=f"0 0 {width:g} {height:g}",
        width=f"{width * _SCALE:g}",
        height=f"{height * _SCALE:g}",
        role="img",
    )
    SubElement(root, "title").text = view.text or "the display is at rest"
    return root


def _rectangle(
    parent: Element, x: float, y: float, width: float, height: float, fill: str, radius: float
) -> None:
    numbers = {"x": x, "y": y, "width": width, "height": height, "rx": radius}
    SubElement(parent, "rect", {name: f"{n:g}" for name, n in numbers.items()}, fill=fill)


def _draw_line(root: Element, line: str, row: int, model: Model, colour: str) -> None:
    """One line, each character in its own cells whatever font draws it."""
    places: list[str] = []
    column = 0
    for sign in line:
        places.append(f"{_BORDER + _MARGIN + column * model.cell_width:g}")
        column += columns(sign)
    top = _BORDER + _MARGIN + row * model.cell_height
    text = SubElement(
        root,
        "text",
        {"font-family": FONTS, "font-size": f"{model.cell_height:g}", "xml:space": "preserve"},
        x=" ".join(places),
        y=f"{top + model.cell_height * _BASELINE:g}",
        fill=colour,
    )
    text.text = line


def _draw_name(root: Element, width: float, height: float, colour: str) -> None:
    """What is seen while nothing is asked."""
    style = {"font-family": FONTS, "font-size": "16", "text-anchor": "middle"}
    SubElement(
        root, "text", style, x=f"{width / 2:g}", y=f"{height / 2 + 5:g}", fill=colour
    ).text = "U-Shield"


def _draw_strip(root: Element, view: View, middle: float, height: float, ink: _Ink) -> None:
    """Arrows where there are more pages, and between them which page this is."""
    centre = _BORDER + height / 2
    for button, tip in ((Signal.UP, -1), (Signal.DOWN, 1)):
        if view.asks:
            colour = ink.drawn if button in view.waits_for else ink.faint
            y = centre + tip * (height / 2 - 8)
            points = f"{middle - 4:g},{y:g} {middle + 4:g},{y:g} {middle:g},{y + tip * 5:g}"
            SubElement(root, "polygon", points=points, fill=colour)
    if view.pages > 1:
        style = {"font-family": "sans-serif", "font-size": "7", "text-anchor": "middle"}
        for text, y in ((str(view.page), centre - 1), (str(view.pages), centre + 8)):
            SubElement(root, "text", style, x=f"{middle:g}", y=f"{y:g}", fill=ink.drawn).text = text
        _rectangle(root, middle - 4, centre, 8, 0.7, ink.drawn, 0)
