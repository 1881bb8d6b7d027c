"""Debian's Chromium without a window, driven by its own debugging protocol over a WebSocket."""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.request import urlopen

from websockets.sync.client import ClientConnection, connect

PROGRAM = "chromium"
PATIENCE = 30.0


class PageError(Exception):
    """What the page's own script raised, or the browser refused."""


class Page:
    """One page of the browser. Whatever the page complains about is in `complaints`."""

    def __init__(self, line: ClientConnection) -> None:
        self._line = line
        self._count = 0
        self.complaints: list[str] = []
        self.requested: list[str] = []
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """One command of the protocol, and its result."""
        self._count += 1
        number = self._count
        self._line.send(json.dumps({"id": number, "method": method, "params": parameters}))
        while True:
            message = json.loads(self._line.recv(PATIENCE))
            if message.get("id") == number:
                if "error" in message:
                    raise PageError(message["error"]["message"])
                result: dict[str, Any] = message["result"]
                return result
            self._note(message)

    def open(self, address: str) -> None:
        """Go to a page."""
        self.call("Page.navigate", url=address)

    def value(self, script: str) -> Any:
        """What an expression is in the page."""
        done = self.call("Runtime.evaluate", expression=script, returnByValue=True)
        if "exceptionDetails" in done:
            raise PageError(json.dumps(done["exceptionDetails"]))
        return done["result"].get("value")

    def until(self, script: str, wanted: Any = True) -> None:
        """Wait until an expression is what it should be; the page may not be there yet."""
        deadline = time.monotonic() + PATIENCE
        while (found := self._value_or_fault(script)) != wanted:
            assert time.monotonic() < deadline, f"{script} is {found!r}, not {wanted!r}"
            time.sleep(0.02)

    def _value_or_fault(self, script: str) -> Any:
        try:
            return self.value(script)
        except PageError as fault:
            return fault

    def click(self, selector: str) -> None:
        """Click on what a selector finds, as a mouse does."""
        box = self.value(
            f"(box => [box.x + box.width / 2, box.y + box.height / 2])"
            f"(document.querySelector({json.dumps(selector)}).getBoundingClientRect())"
        )
        for kind in ("mousePressed", "mouseReleased"):
            self.call(
                "Input.dispatchMouseEvent",
                type=kind,
                x=box[0],
                y=box[1],
                button="left",
                clickCount=1,
            )

    def key(self, name: str) -> None:
        """Press a key of the keyboard."""
        text = {"Enter": "\r"}.get(name, "")
        code = {"Enter": 13, "Escape": 27, "ArrowDown": 40, "ArrowUp": 38, "Tab": 9}[name]
        common = {"key": name, "code": name, "windowsVirtualKeyCode": code}
        self.call("Input.dispatchKeyEvent", type="keyDown", text=text, **common)
        self.call("Input.dispatchKeyEvent", type="keyUp", **common)

    def picture(self, selector: str | None = None) -> bytes:
        """A PNG of the page, or of a part of it."""
        clip: dict[str, Any] = {}
        if selector is not None:
            box = self.value(
                f"(box => ({{x: box.x, y: box.y, width: box.width, height: box.height}}))"
                f"(document.querySelector({json.dumps(selector)}).getBoundingClientRect())"
            )
            clip = {"clip": {**box, "scale": 1}}
        return base64.b64decode(self.call("Page.captureScreenshot", format="png", **clip)["data"])

    def _note(self, message: dict[str, Any]) -> None:
        about = message.get("params", {})
        match message.get("method"):
            case "Runtime.exceptionThrown":
                self.complaints.append(json.dumps(about["exceptionDetails"]))
            case "Log.entryAdded":
                self.complaints.append(about["entry"]["text"])
            case "Network.requestWillBeSent":
                self.requested.append(about["request"]["url"])
            case _:
                pass


class Browser:
    """A running Chromium."""

    def __init__(self, port: int) -> None:
        self._port = port

    @contextmanager
    def page(self, address: str = "about:blank", language: str = "en-US") -> Iterator[Page]:
        """A new page, at an address."""
        with urlopen(f"http://127.0.0.1:{self._port}/json/version", timeout=PATIENCE) as answer:
            whole = json.load(answer)["webSocketDebuggerUrl"]
        with connect(whole, max_size=None) as line:
            line.send(
                json.dumps(
                    {"id": 1, "method": "Target.createTarget", "params": {"url": "about:blank"}}
                )
            )
            target = json.loads(line.recv(PATIENCE))["result"]["targetId"]
        place = f"ws://127.0.0.1:{self._port}/devtools/page/{target}"
        with connect(place, max_size=None) as line:
            page = Page(line)
            page.call("Emulation.setLocaleOverride", locale=language.replace("-", "_"))
            agent = page.value("navigator.userAgent")
            page.call("Network.setUserAgentOverride", userAgent=agent, acceptLanguage=language)
            page.open(address)
            yield page


@contextmanager
def chromium(*options: str) -> Iterator[Browser]:
    """A browser with a profile of its own, which is gone afterwards."""
    program = shutil.which(PROGRAM)
    assert program is not None, "Debian's package chromium is missing: make test installs it"
    with tempfile.TemporaryDirectory(prefix="ushield-chromium-") as folder:
        process = subprocess.Popen(
            _command(program, folder, options),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "HOME": folder, "XDG_CONFIG_HOME": folder},
        )
        try:
            yield Browser(_port_in(Path(folder), process))
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _command(program: str, folder: str, options: Sequence[str]) -> list[str]:
    return [
        program,
        "--headless=new",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-dev-shm-usage",
        "--disable-extensions",
        "--disable-background-networking",
        "--no-first-run",
        "--no-proxy-server",
        "--hide-scrollbars",
        "--window-size=900,760",
        "--remote-debugging-port=0",
        f"--user-data-dir={folder}",
        *options,
        "about:blank",
    ]


def _port_in(folder: Path, process: subprocess.Popen[bytes]) -> int:
    """The port that the browser has written down when it is ready."""
    note = folder / "DevToolsActivePort"
    deadline = time.monotonic() + 2 * PATIENCE
    while time.monotonic() < deadline:
        assert process.poll() is None, "Chromium has ended"
        if note.exists() and (text := note.read_text()).count("\n"):
            return int(text.splitlines()[0])
        time.sleep(0.05)
    raise AssertionError("Chromium does not start")
