"""``ushield serve`` with its own service, and ``ushield reader``, which manages it."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Timer
from typing import Any

import pytest

from tests.cli.program import COMMAND, environment, ok, refused, run
from ushield.cli import serve
from ushield.reader import vpcd
from ushield.reader.remote import VARIABLE, ask

# A shell lets what it starts with & ignore Ctrl-C, and so all that is started from there.
ATTENTIVE = ["env", "--default-signal=INT,HUP"]

# Prints a line when the first reader's card comes or goes, and when that was.
WATCHER = """
import time
from smartcard.scard import *
context = SCardEstablishContext(SCARD_SCOPE_USER)[1]
known = SCARD_STATE_UNAWARE
while True:
    code, ((_, known, _),) = SCardGetStatusChange(context, INFINITE, [("ushield 00 00", known)])
    print("in" if known & SCARD_STATE_PRESENT else "out", time.monotonic(), flush=True)
"""


class Serving:
    """A running server."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.first = self.line()
        path = self.first.removeprefix(f"export {VARIABLE}=")
        self.socket = Path(path)
        self.there: dict[str, Any] = {VARIABLE: path}

    def line(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().rstrip("\n")


@contextmanager
def serving(*arguments: str | Path, **changes: str | None) -> Iterator[Serving]:
    """A server; it ends well, with nothing on standard error, and its socket is gone."""
    with subprocess.Popen(
        [*ATTENTIVE, *COMMAND, "serve", *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(**changes),
    ) as process:
        watchdog = Timer(60, process.kill)
        watchdog.start()
        try:
            server = Serving(process)
            yield server
        finally:
            watchdog.cancel()
            if process.poll() is None:
                process.terminate()
            process.wait(10)
            _, error = process.communicate()
    assert (process.returncode, error) == (0, "")
    assert not server.socket.exists()


@pytest.fixture
def tokens(made: Path, tmp_path: Path) -> tuple[Path, Path]:
    """Two tokens, which a test may use up."""
    first, second = tmp_path / "first.token", tmp_path / "second.token"
    shutil.copy(made, first)
    shutil.copy(made, second)
    return first, second


def test_its_output_is_for_a_shell(tokens: tuple[Path, Path], tmp_path: Path) -> None:
    with serving(*tokens, "--reader-name", "U 盾", TMPDIR=str(tmp_path)) as server:
        assert server.first.startswith(f"export {VARIABLE}={tmp_path}/")
        assert stat.S_IMODE(server.socket.stat().st_mode) == 0o600
        assert stat.S_IMODE(server.socket.parent.stat().st_mode) == 0o700
        assert server.line() == f"# {tokens[0]} is in U 盾"
        assert server.line() == f"# {tokens[1]} is in ushield 00 01"
        listed = subprocess.run(
            ["bash", "-ec", f"{server.first}; opensc-tool --list-readers"],
            capture_output=True,
            check=True,
        ).stdout.decode()
        assert "U 盾" in listed and "ushield 00 01" in listed
    assert sorted(os.listdir(tmp_path)) == ["first.token", "second.token"]


def test_the_socket_where_one_wants_it(token: Path, tmp_path: Path) -> None:
    path = tmp_path / "my socket"
    with serving(token, "--socket", path) as server:
        assert server.first == f"export {VARIABLE}='{path}'"
        assert json.loads(ok("info", "--json", PCSCLITE_CSOCK_NAME=str(path)).text)["keys"]
        assert "in use" in refused("serve", "--socket", path, "--reader-name", "R")
        assert "ushield 00 00" in ok("reader", "list", "--socket", path).text
        server.socket = path
    assert os.listdir(tmp_path) == [token.name]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_it_also_with_a_client(token: Path, number: signal.Signals) -> None:
    with serving(token) as server, watching(server) as watcher:
        assert watcher().startswith("in")
        server.process.send_signal(number)
        assert server.process.wait(5) == 0
    ok("info", "--token", token)


def test_nohup_is_respected(token: Path) -> None:
    command = ["env", "--ignore-signal=HUP", *COMMAND, "serve", str(token)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment()) as process:
        server = Serving(process)
        process.send_signal(signal.SIGHUP)
        ok("verify", **server.there)
        process.terminate()
        assert process.wait(5) == 0


def test_nobody_has_to_listen(token: Path) -> None:
    with serving(token) as server:
        server.line()
        assert server.process.stdout is not None
        server.process.stdout.close()
        for _ in range(2):
            ok("reader", "remove", **server.there)
            ok("reader", "insert", **server.there)
        ok("verify", **server.there)
        server.process.stdout = None


def test_every_command_works_through_the_reader(token: Path, tmp_path: Path) -> None:
    with serving(token) as server:
        there = server.there
        found = json.loads(ok("info", "--json", **there).text)
        assert found == json.loads(ok("info", "--json", "--reader", "USHIELD", **there).text)
        order, signature = tmp_path / "order", tmp_path / "sig"
        order.write_bytes(b"pay 100.00 CNY to Li Lei\n")
        ok("sign", order, "-o", signature, **there)
        ok("verify", order, "--signature", signature, **there)
        assert ok("decipher", stdin=ok("encipher", stdin=b"x", **there).out, **there).out == b"x"
        assert "BEGIN CERTIFICATE" in ok("cert", **there).text
        ok("change-pin", USHIELD_NEW_PIN="808182", **there)
        assert "5 tries left" in refused("verify", **there)
        ok("unblock", USHIELD_NEW_PIN="135792", **there)
        ok("verify", **there)
        assert "no reader is called" in refused("info", "--reader", "nonsense", **there)
        assert "in use" in refused("info", "--token", token, **there)
    ok("verify", "--token", token)


# --- ushield reader ---------------------------------------------------------------------------


def test_readers_are_managed(tokens: tuple[Path, Path], tmp_path: Path) -> None:
    first, second = tokens
    with serving(first, "--reader-name", "A 1", "--reader-name", "B 1") as server:
        there = server.there
        assert server.line() == f"# {first} is in A 1"
        assert server.line() == "# nothing is in B 1"
        listed = ok("reader", "list", **there).text.splitlines()
        assert listed[0].startswith(f"0  A 1: {first}, free, ATR 3b")
        assert listed[1] == "1  B 1: empty"
        inserted = ok("reader", "insert", os.path.relpath(second), **there)
        assert inserted.text == f"{Path.cwd()}/{os.path.relpath(second)} is in B 1\n"
        assert "second.token is in B 1" in server.line()
        assert ok("reader", "remove", "--reader", "0", **there).text == f"{first} is out of A 1\n"
        assert server.line() == f"# {first} is out of A 1"
        ok("verify", "--token", first)
        assert ok("reader", "reset", **there).text.endswith("second.token in B 1 is reset\n")
        assert server.line() == "# the card in B 1 was reset"
        assert ok("reader", "insert", "--reader", "a", **there).text == f"{first} is in A 1\n"
        readers = json.loads(ok("reader", "list", "--json", **there).text)
        assert [reader["name"] for reader in readers] == ["A 1", "B 1"]
        assert all(reader["card"] for reader in readers)


def test_what_can_go_wrong_with_readers(tokens: tuple[Path, Path], tmp_path: Path) -> None:
    first, second = tokens
    letter = tmp_path / "letter"
    letter.write_text("no token")
    with serving(first, "--reader-name", "A 1", "--reader-name", "B 1") as server:
        there = server.there
        assert "already" in refused("reader", "insert", second, "--reader", "A 1", **there)
        assert "in use" in refused("reader", "insert", first, **there)
        assert "does not exist" in refused("reader", "insert", tmp_path / "no", **there)
        assert "not a token image" in refused("reader", "insert", letter, **there)
        assert "no token was removed" in refused("reader", "insert", **there)
        assert "no card in B 1" in refused("reader", "remove", "--reader", "B 1", **there)
        assert "no card in B 1" in refused("reader", "reset", "--reader", "1", **there)
        assert "there are: A 1, B 1" in refused("reader", "remove", "--reader", "C", **there)
        line = refused("reader", "remove", "--reader", " 1", **there)
        assert "name one: A 1, B 1" in line
        ok("reader", "remove", **there)
        assert "no reader holds" in refused("reader", "remove", **there)
        gone = server.there
    assert "has it ended" in refused("reader", "list", **gone)
    assert VARIABLE in refused("reader", "list", PCSCLITE_CSOCK_NAME=None)
    assert "ushield" in refused("reader", "list", "--socket", letter)
    assert run("reader").code == 2
    assert run("reader", "eject").code == 2


@contextmanager
def watching(server: Serving) -> Iterator[Callable[[], str]]:
    """A program that waits for cards; call it for its next line."""
    with subprocess.Popen(
        [sys.executable, "-c", WATCHER],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=environment(**server.there),
    ) as watcher:
        try:
            assert watcher.stdout is not None
            yield watcher.stdout.readline
        finally:
            watcher.kill()


def test_a_waiting_client_sees_a_card_come_and_go_at_once(token: Path) -> None:
    """Within 20 ms where nothing else runs; here, before a client that asks again would."""
    with serving(token) as server, watching(server) as watcher:
        assert watcher().split()[0] == "in"
        for do, word in (("remove", "out"), ("insert", "in")) * 3:
            before = time.monotonic()
            ask(server.socket, do=do)
            seen, when = watcher().split()
            assert seen == word and float(when) - before < 1


def test_a_reset_is_seen_by_who_is_connected(token: Path) -> None:
    """The PIN that was verified is not any more."""
    script = (
        "import subprocess, sys\n"
        "from host.client import TokenClient\n"
        "from host.errors import CardReset, SecurityStatusError\n"
        "from host.pcsc import open_reader\n"
        "client = TokenClient(open_reader())\n"
        "client.verify_pin('135792')\n"
        "client.sign(b'x')\n"
        "subprocess.run([sys.executable, '-m', 'ushield', 'reader', 'reset'], check=True)\n"
        "try:\n"
        "    client.sign(b'x')\n"
        "except (CardReset, SecurityStatusError) as error:\n"
        "    print(type(error).__name__)\n"
    )
    with serving(token) as server:
        env = environment(**server.there)
        done = subprocess.run(
            [sys.executable, "-c", script], env=env, capture_output=True, text=True, check=False
        )
    assert done.stdout.splitlines()[-1] in ("CardReset", "SecurityStatusError"), done.stderr


# --- what can be wrong with serve -------------------------------------------------------------


def test_what_serve_refuses(made: Path, tmp_path: Path) -> None:
    assert "nothing to serve" in refused("serve")
    assert "does not exist" in refused("serve", tmp_path / "nothing")
    assert "once" in refused("serve", made, made)
    assert "longer than 107" in refused("serve", made, "--socket", tmp_path / ("s" * 107))
    assert "no folder" in refused("serve", made, "--socket", tmp_path / "no" / "s")
    assert "no socket" in refused("serve", made, "--socket", made)
    assert "same name" in refused("serve", made, *["--reader-name", "R"] * 2)
    assert "no name" in refused("serve", made, "--reader-name", "")
    for wrong in ((), (made, made), (made, "--reader-name", "R"), (made, "--socket", "s")):
        assert "--vpcd" in refused("serve", *wrong, "--vpcd")


def test_the_address_of_vpcd_is_written_down_twice() -> None:
    assert f"{vpcd.DEFAULT_HOST}:{vpcd.DEFAULT_PORT}" == serve.DEFAULT_ADDRESS


def test_an_option_of_another_program_is_left_alone() -> None:
    assert ok("run", "--key", "p256", "--", "echo", "--vpcd").text == "--vpcd\n"


def test_the_examples_of_the_page_on_the_control_socket() -> None:
    page = (Path(__file__).parents[2] / "docs" / "control.md").read_text()
    examples = re.findall(r"<!-- run: python -->\n```python\n(.*?)```", page, re.DOTALL)
    assert len(examples) == 2
    for code in examples:
        done = ok("run", "--key", "p256", sys.executable, "-c", code)
        assert done.text == "ushield 00 00\n"
