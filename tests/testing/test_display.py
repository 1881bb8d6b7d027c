"""The fixture for tokens that ask their holder, with an unmodified program that waits."""

from __future__ import annotations

import re
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from applet.os.panel import Signal
from tests.testing.inner import run_pytest
from ushield.device.display.reading import Reading
from ushield.testing import NotPressed, NotShown, Reader, ReaderFactory, TokenDisplay, TokenFactory

PRESS = ["rsa1024:sign:press"]
FOR_A_PRESS = pytest.mark.ushield(keys=PRESS)


class Signing:
    """pkcs11-tool, which signs, and waits for the button as long as it takes."""

    def __init__(self, reader: Reader, folder: Path) -> None:
        self.signature, self.order = folder / "order.sig", folder / "order.txt"
        self.order.write_text("pay 100.00 CNY to Li Lei")
        program = ["pkcs11-tool", "--login", "--pin", "123456", "--sign", "-m", "SHA256-RSA-PKCS"]
        self.process = subprocess.Popen(
            [*program, "-i", str(self.order), "-o", str(self.signature)],
            env=reader.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def end(self) -> tuple[int, str]:
        """The exit code and what was printed."""
        text, _ = self.process.communicate(timeout=60)
        return self.process.returncode, text


@pytest.fixture
def signing(ushield_reader: Reader, tmp_path: Path) -> Iterator[Signing]:
    signing = Signing(ushield_reader, tmp_path)
    yield signing
    signing.process.kill()
    signing.end()


@FOR_A_PRESS
def test_confirm_signs(
    ushield_reader: Reader, ushield_display: TokenDisplay, signing: Signing
) -> None:
    view = ushield_display.wait_for("Sign, key")
    assert view.waits_for == (Signal.CONFIRM, Signal.CANCEL)
    ushield_display.press("confirm")
    assert signing.end()[0] == 0
    assert ushield_reader.token is not None
    look = ushield_reader.token.look()
    assert look.check_signature(signing.signature.read_bytes(), signing.order.read_bytes())


@FOR_A_PRESS
@pytest.mark.parametrize("how", ["cancel", "time out", "unplug", "reset"])
def test_what_refuses(
    ushield_reader: Reader, ushield_display: TokenDisplay, signing: Signing, how: str
) -> None:
    """pkcs11-tool tries once more in another way, and so it asks once more."""
    before = ushield_display.wait_for("Sign, key")
    match how:
        case "cancel":
            ushield_display.cancel()
        case "time out":
            ushield_display.time_out()
        case "unplug":
            ushield_display.unplug()
        case _:
            ushield_reader.reset()
    ushield_display.wait_for_redraw(before)
    if how != "unplug":
        ushield_display.script("cancel")
    assert signing.end()[0] != 0
    assert not signing.signature.exists() or not signing.signature.read_bytes()
    assert ushield_display.view.powered is (how != "unplug")


@FOR_A_PRESS
def test_a_program_that_is_killed_asks_no_more(
    ushield_display: TokenDisplay, signing: Signing
) -> None:
    ushield_display.wait_for()
    signing.process.kill()
    assert ushield_display.wait_for_rest().ended_by is Signal.GONE


@FOR_A_PRESS
def test_scripts(ushield_display: TokenDisplay, signing: Signing) -> None:
    ushield_display.script('confirm if title == "Sign, key 1"\ncancel')
    assert signing.end()[0] == 0


@FOR_A_PRESS
def test_functions_that_press(ushield_display: TokenDisplay, signing: Signing) -> None:
    seen: list[Reading] = []

    def decide(reading: Reading) -> str:
        seen.append(reading)
        return "cancel"

    ushield_display.script(decide)
    assert signing.end()[0] != 0
    assert {reading.title for reading in seen} == {"Sign, key 1"}


@FOR_A_PRESS
def test_a_press_for_another_screen_is_refused_in_words(
    ushield_display: TokenDisplay, signing: Signing
) -> None:
    with pytest.raises(NotPressed, match="at rest"):
        ushield_display.press("confirm", screen=0)
    view = ushield_display.wait_for()
    with pytest.raises(NotPressed, match="Sign, key 1"):
        ushield_display.press("confirm", screen=view.number - 1)
    ushield_display.press("confirm", screen=view)
    assert signing.end()[0] == 0


@pytest.mark.ushield(keys=["rsa1024:sign"], display_style="oled")
def test_without_a_reader(ushield_token_factory: TokenFactory) -> None:
    token = ushield_token_factory(generation=2, keys=PRESS)
    display, client = token.display, token.client
    assert display is not None
    assert display.model.columns == 21
    client.verify_pin(token.pin)
    signed: list[bytes] = []
    thread = threading.Thread(target=lambda: signed.append(client.sign(b"order")))
    thread.start()
    reading = display.confirm()
    thread.join(10)
    assert reading.title == "Sign, key 1"
    assert client.check_signature(signed[0], b"order")
    with pytest.raises(ValueError, match="in no reader"):
        display.unplug()


def test_a_display_waits_only_so_long(ushield_display: TokenDisplay) -> None:
    with pytest.raises(NotShown, match=r"'Payee' in 0\.01 s\nat rest"):
        ushield_display.wait_for("Payee", seconds=0.01)
    assert "U-Shield" in ushield_display.picture()


def test_a_token_without_a_display(ushield_reader_factory: ReaderFactory) -> None:
    with pytest.raises(ValueError, match="generation=2"):
        ushield_reader_factory.empty().display  # noqa: B018


FAILING = """
import threading, pytest

@pytest.mark.ushield(keys=["rsa1024:sign:press"])
def test_fails(ushield_token_factory):
    token = ushield_token_factory(generation=2)
    client = token.client
    client.verify_pin(token.pin)

    def sign():
        try:
            client.sign(b"order")
        except Exception:
            pass

    threading.Thread(target=sign, daemon=True).start()
    assert "Li Lei" in token.display.wait_for("Sign, key").text
"""


def test_a_test_that_fails_shows_the_display(tmp_path: Path) -> None:
    done = run_pytest(tmp_path, FAILING, "--basetemp", str(tmp_path / "kept"))
    assert done.outcomes == "1 failed", done.text
    assert "ushield display" in done.text
    assert re.search(r"screen \d+, page 1 of 1\n\+-{16}\+\n\|Sign, key 1 ", done.text)
    (picture,) = (tmp_path / "kept").glob("ushield-display0/*.svg")
    assert str(picture) in done.text
    assert "Sign, key 1" in "".join(ET.parse(picture).getroot().itertext())


FAULTY = """
import pytest

def wrong(reading):
    raise KeyError("payee")

@pytest.mark.ushield(keys=["rsa1024:sign:press"])
def test_it(ushield_token_factory):
    token = ushield_token_factory(generation=2)
    token.display.script(wrong)
    token.client.verify_pin(token.pin)
    with pytest.raises(Exception):
        token.client.sign(b"order")
"""


def test_a_function_that_fails_is_told_of(tmp_path: Path) -> None:
    done = run_pytest(tmp_path, FAULTY)
    assert done.outcomes == "1 passed, 1 error"
    assert "the function that pressed the buttons raised KeyError('payee')" in done.text
