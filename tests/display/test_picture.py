"""The display as a picture."""

from __future__ import annotations

from xml.etree import ElementTree as ET

import pytest

from applet.consent.statement import Field, Statement
from applet.os.panel import Screen, Signal
from tests.display.question import ORDER, asked
from ushield.device.display.model import LCD, OLED, Model
from ushield.device.display.panel import Panel
from ushield.device.display.picture import draw

SVG = "{http://www.w3.org/2000/svg}"


def parts(picture: str, name: str) -> list[ET.Element]:
    return list(ET.fromstring(picture).iter(f"{SVG}{name}"))


@pytest.mark.parametrize("model", [LCD, OLED])
def test_every_character_is_in_its_own_cells(model: Model) -> None:
    panel = Panel(model)
    panel.power(True)
    with asked(panel, Statement("转账 A", (Field("收款人", "李 Lei"),))) as question:
        picture = draw(question.shown(), model)
    lines = [
        text for text in parts(picture, "text") if text.get("xml:space") or len(text.text or "") > 1
    ]
    title, _, value = lines[:3]
    assert title.text == "转账 A"
    first, second, space, letter = map(float, (title.get("x") or "").split())
    assert second - first == space - second == 2 * model.cell_width
    assert letter - space == model.cell_width
    assert value.text == " 李 Lei"


def test_text_cannot_become_part_of_the_picture() -> None:
    panel = Panel()
    panel.begin(60)
    panel.show(Screen(("<script>&", "]]>\"'")))
    picture = draw(panel.view(), LCD)
    assert "<script>" not in picture
    assert parts(picture, "text")[0].text == "<script>&"
    panel.end()


def test_the_arrows_tell_where_more_is() -> None:
    panel = Panel()
    panel.power(True)
    with asked(panel, ORDER) as question:
        first = question.shown()
        _, second = panel.press_and_see(Signal.DOWN)
    colours = [[p.get("fill") for p in parts(draw(v, LCD), "polygon")] for v in (first, second)]
    (up, down), (up_later, down_later) = colours
    assert up != down == down_later == up_later


def test_a_display_without_power_is_dark() -> None:
    panel = Panel()
    dark = draw(panel.view(), LCD)
    panel.power(True)
    lit = draw(panel.view(), LCD)
    ground = [parts(picture, "rect")[1].get("fill") for picture in (dark, lit)]
    assert ground[0] != ground[1]
    assert "U-Shield" in lit
    assert "U-Shield" not in dark
