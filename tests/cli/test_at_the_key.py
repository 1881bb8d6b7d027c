"""Commands that wait for a button: a key with a display in our service, and who presses it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from apdu.order import build_order
from apdu.payload import Asked, ConsentSettings, build_consent_settings
from apdu.pivedge import TouchPolicy
from applet.os.panel import Signal
from applet.os.store import MemoryStore
from host.orderfile import describe
from host.personalise import Profile
from tests.chip.cards import cells
from tests.cli.program import COMMAND, PIN, PUK, environment, ok, run
from tests.consent.panel import ScriptedPanel
from tests.message.samples import TRANSFER, screens
from tests.pcscd import eventually
from tests.piv.cards import P_256, PivChip
from ushield.device.applets import Applets, note_applets
from ushield.device.assembly import assemble
from ushield.device.display.key import KeyWithDisplay
from ushield.device.display.panel import Panel, View
from ushield.reader.service import PcscService, ReaderSpec
from ushield.tokens import manufacture

SECONDS = 60
LOOK = "ushield: look at the key: it waits 60 s for Confirm or Cancel\n"


@cache
def _cells() -> dict[str, bytes]:
    store = MemoryStore()
    keys = ("p256:sign", "rsa1024:decipher")
    manufacture(store, Profile.of(pin=PIN, puk=PUK, keys=keys, generation=2))
    return dict(cells(store))


@pytest.fixture
def panel() -> Panel:
    return Panel()


@pytest.fixture
def there(tmp_path: Path, panel: Panel) -> Iterator[dict[str, Any]]:
    """The environment in which the key is found."""
    card = assemble(MemoryStore(_cells()), strict=True, panel=panel)
    with PcscService([ReaderSpec("key")], tmp_path / "pcsc") as service:
        service.insert(0, KeyWithDisplay(card, panel))
        yield dict(service.environment)


@pytest.fixture
def order(tmp_path: Path) -> Path:
    path = tmp_path / "order.yaml"
    path.write_text("".join(f"{name}: {value}\n" for name, value in describe(TRANSFER)), "utf-8")
    return path


def begin(there: dict[str, Any], *arguments: object) -> subprocess.Popen[bytes]:
    """A command that is going to wait."""
    return subprocess.Popen(
        [*COMMAND, *map(str, arguments)],
        env=environment(**there),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )


def asked(panel: Panel) -> View:
    """The first page of a question."""
    view = panel.wait_for(lambda view: view.asks, SECONDS)
    assert view is not None
    return view


def confirm(panel: Panel) -> list[list[str]]:
    """Read to the last page and confirm; the pages."""
    view, pages = asked(panel), []
    while True:
        pages.append(list(view.lines))
        if view.page == view.pages:
            panel.press_and_see(Signal.CONFIRM)
            return pages
        _, view = panel.press_and_see(Signal.DOWN)


def end(process: subprocess.Popen[bytes]) -> tuple[int, bytes, str]:
    out, error = process.communicate(timeout=SECONDS)
    return process.returncode, out, error.decode()


def test_an_order_is_signed_after_confirm(
    panel: Panel, there: dict[str, Any], order: Path, tmp_path: Path
) -> None:
    process = begin(there, "order", "sign", order)
    assert confirm(panel) == screens(build_order(TRANSFER))
    code, signature, error = end(process)
    assert (code, error) == (0, LOOK)
    (tmp_path / "sig").write_bytes(signature)
    verify = ("order", "verify", order, "--signature", tmp_path / "sig")
    assert ok(*verify, **there).text == "the signature is right\n"


@pytest.mark.parametrize(
    ("how", "line"),
    [
        ("cancel", "cancelled at the key: nothing was done"),
        ("time", "nobody pressed Confirm at the key in time: nothing was done"),
    ],
)
def test_cancel_and_time_out(
    panel: Panel, there: dict[str, Any], order: Path, how: str, line: str
) -> None:
    process = begin(there, "order", "sign", order)
    asked(panel)
    if how == "cancel":
        assert panel.press(Signal.CANCEL)
    else:
        panel.time_out()
    assert end(process) == (1, b"", f"{LOOK}ushield: {line}\n")


def test_ctrl_c_cancels(panel: Panel, there: dict[str, Any], order: Path) -> None:
    """The program ends at once, the question with it, and the reader is free for the next one."""
    process = begin(there, "order", "sign", order)
    number = asked(panel).number
    os.kill(process.pid, signal.SIGINT)
    code, out, error = end(process)
    assert (code, out) == (130, b"")
    assert error == f"{LOOK}ushield: cancelled: nothing was done\n"
    over = panel.wait_for(lambda view: not view.asks, SECONDS, after=number)
    assert over is not None
    assert over.ended_by is Signal.GONE
    process = begin(there, "order", "sign", order)
    confirm(panel)
    assert end(process)[0] == 0


BEGINS_SLOWLY = """
import os, signal, time
from threading import Thread
from types import SimpleNamespace
from host import aside
from ushield.cli import waiting

class Slow(Thread):
    def start(self):
        super().start()
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(10)

aside.Thread = Slow
waiting._waited(SimpleNamespace(seconds=60), lambda: time.sleep(60))
"""


def test_ctrl_c_when_the_key_asks_before_the_program_waits() -> None:
    done = subprocess.run(
        [sys.executable, "-c", BEGINS_SLOWLY],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert (done.returncode, done.stderr) == (130, f"{LOOK}ushield: cancelled: nothing was done\n")


def test_what_the_key_cannot_show(panel: Panel, there: dict[str, Any]) -> None:
    done = run("sign", stdin="payee:Li\u202eLei".encode(), **there)
    line = "the key cannot show this message: field 1 has U+202E, which the display does not show"
    assert (done.code, done.error) == (1, f"{LOOK}ushield: {line}\n")
    assert not panel.view().asks


def test_a_message_of_a_bank_is_signed_as_it_is(
    panel: Panel, there: dict[str, Any], tmp_path: Path
) -> None:
    message = tmp_path / "message"
    message.write_text("<T><D><M><k>收款人：</k><v>张三</v></M></D></T>", "utf-8")  # noqa: RUF001
    process = begin(there, "sign", message, "-o", tmp_path / "sig")
    assert confirm(panel) == [["Sign message", "收款人：", " 张三"]]  # noqa: RUF001 as it came
    assert end(process)[0] == 0
    assert ok("verify", message, "--signature", tmp_path / "sig", **there).code == 0


def test_deciphering_and_a_new_pin_wait_too(
    panel: Panel, there: dict[str, Any], tmp_path: Path
) -> None:
    secret = tmp_path / "secret"
    secret.write_bytes(ok("encipher", stdin=b"hush", **there).out)
    process = begin(there, "decipher", secret)
    assert confirm(panel)[0][0] == "Decipher, key 2"
    assert end(process) == (0, b"hush", LOOK)
    process = begin(there | {"USHIELD_NEW_PIN": "808182"}, "change-pin")
    assert confirm(panel)[0][0] == "Change PIN 1"
    assert end(process) == (0, b"the PIN is changed\n", LOOK)


def test_the_last_tries_wait_too(panel: Panel, there: dict[str, Any]) -> None:
    for _ in range(4):
        assert run("verify", **there | {"USHIELD_PIN": "999999"}).code == 1
    process = begin(there, "verify")
    assert "PIN" in confirm(panel)[0][0]
    assert end(process) == (0, b"the PIN is right\n", LOOK)
    assert run("verify", **there).error == ""


HOLDS = """
import sys
from host.pcsc import open_reader

with open_reader() as card, card.transaction():
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.mark.parametrize("command", ["info", "verify", "cert"])
def test_ctrl_c_while_another_program_holds_the_card(there: dict[str, Any], command: str) -> None:
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDS],
        env=environment(**there),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    with holder:
        assert holder.stdout is not None and holder.stdin is not None
        assert holder.stdout.readline() == b"held\n"
        process = begin(there, command)
        eventually(lambda: _speaks_to_a_service(process.pid), "the program has begun")
        # However far it has come since, it can only be waiting, or about to.
        while process.poll() is None:
            process.send_signal(signal.SIGINT)
            time.sleep(0.1)
        holder.stdin.close()
    _, _, error = end(process)
    assert process.returncode in (130, -signal.SIGINT)
    assert "Traceback" not in error


def _speaks_to_a_service(pid: int) -> bool:
    files = [file.readlink() for file in Path(f"/proc/{pid}/fd").iterdir() if file.is_symlink()]
    return any(str(name).startswith("socket:") for name in files)


# --- PIV, with a key that wants a touch -----------------------------------------------------------


@pytest.fixture
def piv(tmp_path: Path, panel: Panel) -> Iterator[dict[str, Any]]:
    """The environment in which a PIV token with such a key is found, which asks for all it can."""
    store = MemoryStore()
    note_applets(store, Applets.PIV)
    store.put("consent/settings", build_consent_settings(ConsentSettings(asked=Asked.PIN_CHANGE)))
    store.commit()
    chip = PivChip(store, panel=ScriptedPanel())
    chip.administer()
    chip.generate(0x9A, P_256, touch_policy=TouchPolicy.ALWAYS)
    card = assemble(store, strict=True, panel=panel)
    with PcscService([ReaderSpec("key")], tmp_path / "pcsc") as service:
        service.insert(0, KeyWithDisplay(card, panel))
        yield {**service.environment, "USHIELD_PIN": "123456"}


def test_a_piv_key_that_wants_a_touch(panel: Panel, piv: dict[str, Any], order: Path) -> None:
    process = begin(piv, "sign", order)
    assert confirm(panel)[0][0] == "Sign, key 9A"
    code, signature, error = end(process)
    assert (code, bool(signature), error) == (0, True, LOOK)
    process = begin(piv, "sign", order)
    asked(panel)
    assert panel.press(Signal.CANCEL)
    line = f"{LOOK}ushield: cancelled at the key: nothing was done\n"
    assert end(process) == (1, b"", line)


def test_a_new_pin_of_piv(panel: Panel, piv: dict[str, Any]) -> None:
    process = begin(piv | {"USHIELD_NEW_PIN": "808182"}, "change-pin")
    assert confirm(panel)[0][0] == "Change PIN PIV"
    assert end(process) == (0, b"the PIN is changed\n", LOOK)
