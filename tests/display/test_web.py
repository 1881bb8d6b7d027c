"""The page of a key's display, in Debian's Chromium, with the program that waits for the button."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from websockets import Origin
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from host.orderfile import describe
from tests.cli.program import COMMAND, PIN, environment
from tests.display.chromium import Browser, Page, chromium
from tests.message.samples import TRANSFER

FOREIGN = [{"Host": "evil.example"}, {"Origin": "http://evil.example"}]


class Served:
    """`ushield serve --generation 2 --display web`, and programs that use its key."""

    def __init__(self, folder: Path) -> None:
        self.socket = folder / "reader.socket"
        self.order = folder / "order.yaml"
        self.order.write_text("".join(f"{name}: {value}\n" for name, value in describe(TRANSFER)))
        serve = ["serve", "--generation", "2", "--display", "web", "--socket", str(self.socket)]
        self._service = subprocess.Popen(
            [*COMMAND, *serve], env=environment(), stdout=subprocess.PIPE, text=True
        )
        assert self._service.stdout is not None
        words = "# the display is at "
        self.address = next(
            line.removeprefix(words).strip()
            for line in self._service.stdout
            if line.startswith(words)
        )

    @contextmanager
    def signing(self) -> Iterator[subprocess.Popen[str]]:
        """A program that signs an order, and waits for the holder."""
        with subprocess.Popen(
            [*COMMAND, "order", "sign", str(self.order), "-o", str(self.socket.with_name("sig"))],
            env=environment(PCSCLITE_CSOCK_NAME=str(self.socket), USHIELD_PIN=PIN),
            stdin=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            try:
                yield process
            finally:
                process.kill()

    def posted(self, body: bytes, headers: Mapping[str, str] | None = None) -> tuple[int, bytes]:
        """The status and the answer of a request that is posted to the page's address."""
        address = urlsplit(self.address)
        with closing(HTTPConnection(address.netloc, timeout=60)) as line:
            line.request("POST", f"{address.path}control", body, headers or {})
            answer = line.getresponse()
            return answer.status, answer.read()

    def requested(self, **request: Any) -> dict[str, Any]:
        """What is answered to a request of the control socket."""
        status, answer = self.posted(json.dumps(request).encode())
        assert status == 200
        found: dict[str, Any] = json.loads(answer)
        return found

    def close(self) -> None:
        self._service.terminate()
        self._service.communicate(timeout=30)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    served = Served(tmp_path_factory.mktemp("served"))
    yield served
    served.close()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as running:
        yield running


@pytest.fixture
def page(browser: Browser, served: Served) -> Iterator[Page]:
    """The page, which neither complains nor asks anybody but its own server."""
    with browser.page(served.address) as page:
        page.until("document.querySelectorAll('.key').length", 1)
        yield page
        assert not page.complaints
        hosts = {urlsplit(url).netloc for url in page.requested} - {""}
        assert hosts == {urlsplit(served.address).netloc}


def spoken(page: Page, text: str) -> None:
    """Wait until the page says this, as a screen reader has it."""
    page.until(f"document.querySelector('.spoken').textContent.includes({text!r})")


def useless(page: Page, button: str) -> bool:
    """Whether the page shows that this button would do nothing now."""
    useful = f"document.querySelector('[data-button={button}]').classList.contains('useful')"
    return not page.value(useful)


@contextmanager
def redrawn(page: Page) -> Iterator[None]:
    """Wait at the end until something else is on the display: a press is for what was seen."""
    said = "document.querySelector('.spoken').textContent"
    before = page.value(said)
    yield
    page.until(f"{said} != {json.dumps(before)}")


def read_through(page: Page) -> None:
    """Page down to the last page, after which Confirm can be pressed."""
    spoken(page, "Transfer")
    assert useless(page, "confirm"), "before the last page was seen"
    while useless(page, "confirm"):
        with redrawn(page):
            page.click("[data-button=down]")


def test_an_order_is_read_and_confirmed(page: Page, served: Served) -> None:
    with served.signing() as program:
        read_through(page)
        page.click("[data-button=confirm]")
        assert program.wait(30) == 0
    assert served.socket.with_name("sig").read_bytes()


def test_by_keyboard_alone(page: Page, served: Served) -> None:
    with served.signing() as program:
        spoken(page, "Transfer")
        while useless(page, "confirm"):
            with redrawn(page):
                page.key("ArrowDown")
        with redrawn(page):
            page.key("ArrowUp")
        page.key("Enter")
        assert program.wait(30) == 0


def test_cancel(page: Page, served: Served) -> None:
    with served.signing() as program:
        spoken(page, "Transfer")
        page.click("[data-button=cancel]")
        _, told = program.communicate(timeout=30)
        assert program.returncode == 1 and "Cancel" in told


def test_the_end_of_the_time(page: Page, served: Served) -> None:
    with served.signing() as program:
        spoken(page, "Transfer")
        assert served.requested(do="time-out")["ok"]
        _, told = program.communicate(timeout=30)
        assert program.returncode == 1 and "time" in told
    page.until("document.querySelector('.state').textContent.includes('time is over')")


def test_the_key_is_pulled_out_and_put_back(page: Page, served: Served) -> None:
    with served.signing() as program:
        spoken(page, "Transfer")
        page.click(".pull")
        assert program.wait(30) == 1
    page.until("document.querySelector('.pull').textContent.includes('Put')")
    page.click(".pull")
    page.until("document.querySelector('.pull').textContent.includes('Pull')")


def test_the_other_language(page: Page) -> None:
    page.click("#language")
    page.until("document.querySelector('[data-button=confirm] b').textContent", "确认")
    page.click("#language")


def test_the_same_requests_as_on_the_control_socket(served: Served) -> None:
    with served.signing() as program:
        shown = served.requested(do="await", text="Transfer", seconds=30)["screen"]
        assert (shown["page"], shown["lines"][0]) == (1, "Transfer")
        told = served.requested(do="press", button="confirm", screen=shown["number"] - 1)
        assert told["counted"] is False
        assert served.requested(do="script", rules="confirm if title == 'Transfer'")["ok"]
        assert program.wait(30) == 0
    assert served.requested(do="script")["ok"]
    assert "is one of" in served.requested(do="nothing")["error"]


def test_what_is_too_long(served: Served) -> None:
    assert served.posted(b" " * 65537)[0] == 413


def test_a_live_connection_of_another_page(served: Served) -> None:
    live = f"{served.address.replace('http', 'ws', 1)}live"
    own = served.address[: served.address.index("/", 8)]
    with connect(live, origin=Origin(own)) as line:
        assert json.loads(line.recv(30))["keys"][0]["inside"]
        line.send('{"do": "press", "button": "gone"}')
        assert "is one of" in json.loads(line.recv(30))["refused"]
    for origin, address in (
        ("http://evil.example", live),
        (own.replace("http", "https"), live),
        (own, live.replace("/live", "x/live")),
    ):
        with pytest.raises(InvalidStatus), connect(address, origin=Origin(origin)):
            pass


def test_what_the_page_may_do(served: Served) -> None:
    address = urlsplit(served.address)
    with closing(HTTPConnection(address.netloc, timeout=30)) as line:
        line.request("GET", address.path)
        answer = line.getresponse()
        assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
        assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]
        assert answer.headers["Referrer-Policy"] == "no-referrer"
        assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("headers", FOREIGN, ids=lambda headers: next(iter(headers)))
def test_another_page_gets_nothing(served: Served, headers: dict[str, str]) -> None:
    status, answer = served.posted(b'{"do": "list"}', headers)
    assert status == 404 and b"ushield" not in answer


def test_an_address_that_was_guessed(served: Served) -> None:
    address = urlsplit(served.address)
    line = HTTPConnection(address.netloc, timeout=10)
    for path in ("/", "/x/", f"{address.path[:-2]}/", "/favicon.ico"):
        line.request("GET", path)
        answer = line.getresponse()
        answer.read()
        assert answer.status == 404
    line.close()
