"""The display of a key that is served, looked at and pressed from outside in every way there is."""

from __future__ import annotations

import json
import os
import pty
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager, nullcontext, suppress
from pathlib import Path
from typing import Any

import pytest

from applet.os.store import MemoryStore
from host.personalise import Profile
from tests.cli.program import COMMAND, PIN, PUK, environment, ok, refused, run
from ushield.cli.desk import Work, at_work
from ushield.device.body import embody
from ushield.device.display.model import Style
from ushield.reader.keeper import Token
from ushield.reader.remote import ControlError, ask
from ushield.tokens import manufacture

RULES = 'confirm if title == "Sign, key 1"\ncancel\n'


@pytest.fixture(scope="module")
def cells() -> dict[str, bytes]:
    """A token whose key wants a press."""
    profile = Profile.of(pin=PIN, puk=PUK, keys=["rsa1024:sign:press"], generation=2)
    store = MemoryStore()
    manufacture(store, profile).close()
    return {name: store.get(name) or b"" for name in store.keys("")}


def key(cells: dict[str, bytes], name: str = "a key", style: Style = Style.LCD) -> Token:
    card = embody(MemoryStore(cells), style)
    return Token(name, lambda: nullcontext(card))


@pytest.fixture
def work(cells: dict[str, bytes]) -> Iterator[Work]:
    """A service with a key that has a display, and an empty reader beside it."""
    with at_work([key(cells)], ["Left", "Right"]) as work:
        yield work


@contextmanager
def signing(work: Work, folder: Path) -> Iterator[subprocess.Popen[str]]:
    """pkcs11-tool, which waits for the button."""
    (folder / "order").write_text("pay 100.00 CNY to Li Lei")
    program = ["pkcs11-tool", "--login", "--pin", PIN, "--sign", "-m", "SHA256-RSA-PKCS"]
    environment = os.environ | work.service.environment | {"XDG_CACHE_HOME": str(folder)}
    with subprocess.Popen(
        [*program, "-i", "order", "-o", "signature"],
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def screen(work: Work, do: str, **fields: Any) -> dict[str, Any]:
    """What is on the display when this is done."""
    found: dict[str, Any] = ask(work.service.socket, do=do, **fields)["screen"]
    return found


# --- the control socket -------------------------------------------------------------------------


def test_look_wait_and_press(work: Work, tmp_path: Path) -> None:
    rest = screen(work, "screen")
    assert (rest["powered"], rest["lines"], rest["waits_for"]) == (True, [], [])
    with signing(work, tmp_path) as program:
        shown = screen(work, "await", text="Sign, key 1", seconds=30)
        assert shown["number"] > rest["number"]
        assert shown["lines"][0] == "Sign, key 1"
        assert shown["waits_for"] == ["confirm", "cancel"]
        assert 0 < shown["seconds_left"] <= 60
        late = ask(work.service.socket, do="press", button="confirm", screen=rest["number"])
        assert (late["counted"], late["screen"]["number"]) == (False, shown["number"])
        pressed = ask(work.service.socket, do="press", button="confirm", screen=shown["number"])
        assert pressed["counted"] and pressed["screen"]["ended_by"] == "confirm"
        assert program.wait(60) == 0
    assert (tmp_path / "signature").stat().st_size == 128


def test_await_a_redraw_and_the_end_of_time(work: Work, tmp_path: Path) -> None:
    before = screen(work, "screen")["number"]
    with signing(work, tmp_path):
        shown = screen(work, "await", after=before, seconds=30)
        assert shown["lines"]
        screen(work, "time-out")
        after = screen(work, "await", after=shown["number"], seconds=30)
        assert after["ended_by"] in ("timed out", None)


def test_unplugged_in_the_middle(work: Work, tmp_path: Path) -> None:
    with signing(work, tmp_path) as program:
        screen(work, "await", text="Sign", seconds=30)
        ask(work.service.socket, do="remove")
        assert program.wait(60) != 0
    dark = screen(work, "screen")
    assert (dark["powered"], dark["ended_by"]) == (False, "gone")
    ask(work.service.socket, do="insert", reader="Left")
    assert screen(work, "screen")["powered"]
    assert not (tmp_path / "signature").exists()


def test_rules(work: Work, tmp_path: Path) -> None:
    screen(work, "script", rules=RULES)
    with signing(work, tmp_path) as program:
        assert program.wait(60) == 0
    screen(work, "script")
    with signing(work, tmp_path):
        assert screen(work, "await", text="Sign", seconds=30)["waits_for"]


def test_rules_outlast_the_token(work: Work, cells: dict[str, bytes], tmp_path: Path) -> None:
    screen(work, "script", rules=RULES)
    ask(work.service.socket, do="remove", reader="Left")
    work.keeper.insert("Left", key(cells, "another", Style.OLED))
    with signing(work, tmp_path) as program:
        assert program.wait(60) == 0


WRONG = [
    ({"do": "press"}, '"button" is one of confirm, cancel, up, down'),
    ({"do": "press", "button": "gone"}, '"button" is one of'),
    ({"do": "press", "button": 5}, '"button" is a text'),
    ({"do": "press", "button": "up", "screen": "1"}, '"screen" is the number of a screen'),
    ({"do": "press", "button": "up", "screen": True}, '"screen" is the number of a screen'),
    ({"do": "await"}, '"await" needs a "text"'),
    ({"do": "await", "text": 5}, '"text" is a text'),
    ({"do": "await", "text": "x", "seconds": -1}, '"seconds" are 0 to 900'),
    ({"do": "await", "text": "x", "seconds": 901}, '"seconds" are 0 to 900'),
    ({"do": "await", "text": "x", "seconds": 0}, "it did not show 'x' within 0 s; screen 1 shows"),
    ({"do": "await", "after": 99, "seconds": 0}, "nothing came after 99 within 0 s"),
    ({"do": "script", "rules": "confirm if"}, "line 1: behind confirm comes"),
    ({"do": "screen", "reader": "Right"}, "no key with a display is in 'Right'; there is: Left"),
    ({"do": "screen", "lines": 1}, "\"screen\" has no 'lines'"),
    ({"do": "display"}, '"do" is one of list, insert, remove, reset, screen, await, press'),
]


@pytest.mark.parametrize(("request_", "words"), WRONG, ids=str)
def test_what_is_refused(work: Work, request_: dict[str, Any], words: str) -> None:
    request = {"seconds": 0} | request_ if request_["do"] == "await" else request_
    with pytest.raises(ControlError) as refusal:
        ask(work.service.socket, **request)
    assert words in str(refusal.value)


def test_any_number_is_a_number_of_seconds_or_refused(work: Work) -> None:
    control = work.service.control_socket
    with closing(socket.socket(socket.AF_UNIX)) as line:
        line.connect(str(control))
        lines = line.makefile("rwb")
        for number in (b"NaN", b"Infinity", b"1e999", b'"1"', b"null", b"true"):
            lines.write(b'{"do": "await", "text": "x", "seconds": %b}\n' % number)
            lines.flush()
            answer = json.loads(lines.readline())
            assert answer == {"ok": False, "error": '"seconds" are 0 to 900'}


def test_without_a_display() -> None:
    with at_work([], ["Left"]) as work, pytest.raises(ControlError, match="--generation 2"):
        ask(work.service.socket, do="screen")


def test_two_keys_are_told_apart(cells: dict[str, bytes]) -> None:
    with at_work([key(cells), key(cells, "b")], ["Left", "Right"]) as work:
        with pytest.raises(ControlError, match="name one: Left, Right"):
            ask(work.service.socket, do="screen")
        for reader in ("Left", 1):
            assert screen(work, "screen", reader=reader)["powered"]


def test_whoever_waits_is_told_when_the_service_ends(cells: dict[str, bytes]) -> None:
    told: list[str] = []
    began = threading.Event()

    def wait(path: Path) -> None:
        with closing(socket.socket(socket.AF_UNIX)) as line:
            line.connect(str(path))
            line.sendall(b'{"do": "await", "text": "never", "seconds": 600}\n')
            began.set()
            told.append(line.makefile().readline())

    with at_work([key(cells)], ["Left"]) as work:
        waiter = threading.Thread(target=wait, args=(work.service.control_socket,))
        waiter.start()
        assert began.wait(10)
        screen(work, "screen")
    waiter.join(10)
    assert not waiter.is_alive()
    assert not told[0] or "out of it" in told[0]


# --- the commands -------------------------------------------------------------------------------


def test_the_commands(work: Work, tmp_path: Path) -> None:
    at = ("--socket", work.service.socket)
    assert "at rest" in ok("display", "show", *at).text
    with signing(work, tmp_path) as program:
        shown = ok("display", "wait", "Sign,key 1", *at).text
        assert "page 1 of 1" in shown
        assert "| Sign, key 1\n" in shown
        number = json.loads(ok("display", "show", "--json", *at).text)["number"]
        words = refused("display", "press", "confirm", "--screen", str(number - 1), *at)
        assert words.startswith("confirm counted for nothing")
        assert "confirm" in ok("display", "press", "confirm", "--screen", str(number), *at).text
        assert program.wait(60) == 0
    rules = tmp_path / "rules"
    rules.write_text(RULES)
    ok("display", "script", rules, *at)
    with signing(work, tmp_path) as program:
        assert program.wait(60) == 0
    ok("display", "script", *at)
    ok("display", "time-out", *at)
    assert "did not show" in refused("display", "wait", "x", "--seconds", "0", *at)
    assert run("display", "press", "enter", *at).code == 2


# --- run and serve ------------------------------------------------------------------------------

SIGN = "pkcs11-tool --login --pin $USHIELD_PIN --sign -m SHA256-RSA-PKCS --id 02 -i order -o sig"


def test_run_with_rules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("order").write_text("order")
    Path("rules").write_text("# all\nconfirm")
    keys = ("--generation", "2", "--key", "rsa1024", "--display-script", "rules")
    sign = SIGN.replace("--id 02", "--id 01")
    ok("run", *keys, "--display-style=oled", "--", "sh", "-c", sign)
    assert Path("sig").stat().st_size == 128


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--display-script", "none"), "none: No such file"),
        (("--display-script", "wrong"), "wrong: line 2: a rule begins with confirm, cancel, wait"),
        (("--display-script", "binary"), "binary: rules are written in UTF-8"),
        (("--generation", "2", "--applet", "piv"), "--generation 2 is for PKCS#15 tokens"),
    ],
)
def test_what_run_refuses(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], words: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("wrong").write_text("confirm\npress it")
    Path("binary").write_bytes(b"\xff\xfe")
    assert words in refused("run", *arguments, "--", "true")


def test_a_terminal_is_needed() -> None:
    assert "needs a terminal" in refused("serve", "--generation", "2", "--display", "terminal")


@pytest.mark.parametrize("how", ["q", "ctrl-c", "SIGTERM"])
def test_the_terminal_is_left_as_it_was(how: str) -> None:
    """Standard output may go elsewhere: a shell reads it."""
    screen, terminal = pty.openpty()
    with subprocess.Popen(
        [*COMMAND, "serve", "--generation", "2", "--display", "terminal"],
        stdin=terminal,
        stdout=subprocess.PIPE,
        stderr=terminal,
        env=environment(TERM="xterm-256color", USHIELD_PIN=None),
        start_new_session=True,
    ) as program:
        os.close(terminal)
        seen = b""
        while b"at rest" not in seen:
            seen += os.read(screen, 65536)
        if how == "SIGTERM":
            program.terminate()
        else:
            os.write(screen, b"q" if how == "q" else b"\x03")
        with suppress(OSError):
            while piece := os.read(screen, 65536):
                seen += piece
        assert program.wait(30) == 0
        assert program.stdout is not None
        assert program.stdout.readline().startswith(b"export PCSCLITE_CSOCK_NAME=")
    os.close(screen)
    assert seen.rindex(LEFT) > seen.index(ENTERED)


ENTERED, LEFT = b"\x1b[?1049h", b"\x1b[?1049l"
"""The terminal's second screen."""
