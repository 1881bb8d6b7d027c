"""Makes the pictures in docs/pictures: ``make pictures``. The scene is the one of the demo."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable
from pathlib import Path

from applet.consent.statement import Field, Statement
from tests.display.chromium import chromium
from tests.display.question import asked
from ushield.device.display.key import KeyWithDisplay
from ushield.device.display.model import MODELS, Style
from ushield.device.display.panel import Panel
from ushield.device.display.picture import draw
from ushield.device.display.terminal import TerminalFace
from ushield.device.display.web.server import WebFace

FOLDER = Path(__file__).parents[2] / "docs" / "pictures"
READER = "ushield 00 00"

CHINESE = Statement(
    "转账",
    (
        Field("收款人", "李雷"),
        Field("收款账号", ("6222", "0000", "0000", "0002")),
        Field("金额", ("1,000,000.00", "CNY")),
    ),
)
ENGLISH = Statement(
    "Transfer",
    (
        Field("Payee", "Li Lei"),
        Field("Payee account", ("6222", "0000", "0000", "0002")),
        Field("Amount", ("1,000,000.00", "CNY")),
    ),
)


class NoCard:
    """Nobody speaks to the card in a picture."""

    def power_on(self) -> bytes:
        return b""

    def transmit(self, _command: bytes, /) -> bytes:
        return b""

    def reset(self) -> bytes:
        return b""

    def power_off(self) -> None:
        return None


class Shown:
    """The one key of a picture."""

    def __init__(self, style: Style) -> None:
        self.key = KeyWithDisplay(NoCard(), Panel(MODELS[style]))
        self.key.power_on()

    def keys(self) -> dict[str, KeyWithDisplay]:
        return {READER: self.key}

    def listen(self, listener: Callable[[], None], /) -> Callable[[], None]:
        return self.key.panel.listen(listener)


def answer(_line: bytes) -> bytes:
    return json.dumps({"ok": True, "readers": []}).encode()


def display(style: Style, statement: Statement) -> str:
    """One page of a display, an SVG."""
    shown = Shown(style)
    with asked(shown.key.panel, statement):
        return draw(shown.key.panel.view(), MODELS[style])


def page() -> bytes:
    """The page, a PNG."""
    shown = Shown(Style.LCD)
    with (
        asked(shown.key.panel, ENGLISH),
        WebFace(shown, answer) as face,
        chromium() as browser,
        browser.page(face.address) as page,
    ):
        page.until("document.body.textContent.includes('Li Lei')")
        return page.picture()


def terminal() -> str:
    """The terminal, an SVG."""
    shown = Shown(Style.OLED)

    async def screenshot() -> str:
        face = TerminalFace(shown, answer)
        async with face.run_test(size=(76, 24)) as pilot:
            await pilot.pause(0.5)
            picture = face.export_screenshot(title="ushield serve --display terminal")
            # Whoever looks at it shall ask nobody else for a font.
            return re.sub(r"@font-face \{.*?\}", "", picture, flags=re.DOTALL)

    with asked(shown.key.panel, ENGLISH):
        return asyncio.run(screenshot())


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    (FOLDER / "lcd.svg").write_text(display(Style.LCD, CHINESE), "utf-8")
    (FOLDER / "oled.svg").write_text(display(Style.OLED, ENGLISH), "utf-8")
    (FOLDER / "page.png").write_bytes(page())
    (FOLDER / "terminal.svg").write_text(terminal(), "utf-8")


if __name__ == "__main__":
    main()
