"""``ushield serve``: a token in pcscd's reader, used from there by the other commands."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.cli.program import COMMAND, environment, ok, refused, run
from tests.pcscd import Pcscd, eventually

ORDER = b"pay 100.00 CNY to Li Lei\n"


@contextmanager
def serving(token: Path, pcscd: Pcscd, *options: str) -> Iterator[subprocess.Popen[str]]:
    """A server with the token in the reader; it is out again at the end."""
    command = [*COMMAND, "serve", str(token), "--vpcd", f"127.0.0.1:{pcscd.port}", *options]
    with subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(PYTHONUNBUFFERED=None),
    ) as server:
        try:
            eventually(lambda: pcscd.reader().present, "the token is in the reader")
            yield server
        finally:
            if server.poll() is None:
                server.terminate()
            server.wait(10)
            eventually(lambda: not pcscd.reader().present, "the token is out of the reader")


def line(server: subprocess.Popen[str]) -> str:
    assert server.stdout is not None
    return server.stdout.readline()


def test_it_says_when_it_is_in_and_what_each_session_was(token: Path, pcscd: Pcscd) -> None:
    with serving(token, pcscd) as server:
        assert "is in the reader" in line(server)
        ok("info")
        assert "session: " in line(server)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_it_cleanly(token: Path, pcscd: Pcscd, number: signal.Signals) -> None:
    with serving(token, pcscd) as server:
        server.send_signal(number)
        assert server.wait(5) == 0
        assert server.stderr is not None and server.stderr.read() == ""
    ok("info", "--token", token)
    assert os.listdir(token.parent) == [token.name]


def test_a_second_server_of_the_same_token_is_refused(token: Path, pcscd: Pcscd) -> None:
    with serving(token, pcscd):
        port = f"127.0.0.1:{pcscd.port}"
        assert "in use" in refused("serve", token, "--vpcd", port)
        assert "in use" in refused("info", "--token", token)


def test_every_command_works_through_the_reader(token: Path, pcscd: Pcscd, tmp_path: Path) -> None:
    with serving(token, pcscd):
        name = pcscd.reader().name
        part = name.lower()[8:]
        found = json.loads(ok("info", "--json", "--reader", name).text)
        assert found == json.loads(ok("info", "--json", "--reader", part).text)
        assert found == json.loads(ok("info", "--json").text)
        order, signature = tmp_path / "order", tmp_path / "sig"
        order.write_bytes(ORDER)
        ok("sign", order, "-o", signature)
        ok("verify", order, "--signature", signature)
        ok("verify")
        ok("change-pin", USHIELD_NEW_PIN="808182")
        assert "5 tries left" in refused("verify")
        ok("unblock", USHIELD_NEW_PIN="135792")
        ok("verify")
        assert "no reader is called" in refused("info", "--reader", "nonsense")
    ok("verify", "--token", token)


def test_no_place_for_the_socket_is_said(token: Path, tmp_path: Path) -> None:
    line = refused("serve", token, "--socket", "/")
    assert line == "/ exists and is no socket: choose another path"
    link = tmp_path / "link"
    link.symlink_to("nowhere")
    line = refused("serve", token, "--socket", link)
    assert line == f"{link} is a link that leads nowhere: choose another path"


@pytest.mark.parametrize("lack", ["Broken pipe", "No space left on device"])
def test_without_a_reader_of_its_first_line_it_ends(token: Path, lack: str) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    full = os.open("/dev/full", os.O_WRONLY)
    try:
        done = subprocess.run(
            [*COMMAND, "serve", str(token)],
            stdout=writing if lack == "Broken pipe" else full,
            stderr=subprocess.PIPE,
            text=True,
            env=environment(),
            timeout=20,
            check=False,
        )
    finally:
        os.close(writing)
        os.close(full)
    assert done.returncode == 1
    assert (
        done.stderr == f"ushield: nobody can read where the service is: standard output: {lack}\n"
    )


def test_no_card_is_said(pcscd: Pcscd) -> None:
    assert "card" in refused("info")


def test_no_pcscd_is_said_and_waited_for(token: Path) -> None:
    command = [*COMMAND, "serve", str(token), "--vpcd", "127.0.0.1:1"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment()
    ) as server:
        assert "waiting" in line(server)
        server.send_signal(signal.SIGINT)
        assert server.wait(5) == 0


def test_a_token_pulled_out_in_the_middle(token: Path, pcscd: Pcscd, tmp_path: Path) -> None:
    """The client gets one line, the image is whole, and the next insertion works."""
    slow = tmp_path / "slow.token"
    ok("init", slow, "--key", "rsa4096")
    with serving(slow, pcscd) as server:
        with subprocess.Popen(
            ["bash", "-c", f"while {' '.join(COMMAND)} verify; do :; done"],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=environment(),
        ) as client:
            assert "right" in line(client)
            time.sleep(0.3)
            server.kill()
            _, error = client.communicate(timeout=60)
        assert error.startswith("ushield: ") and error.count("\n") == 1, error
    with serving(slow, pcscd):
        assert "right" in ok("verify").text
        assert run("sign", stdin=ORDER).code == 0


# --- a token that asks its holder ---------------------------------------------------------------


@pytest.fixture
def asking(tmp_path: Path) -> Path:
    path = tmp_path / "asking.token"
    ok("init", path, "--generation", "2", "--key", "rsa1024:sign:press")
    return path


def test_rules_press_the_buttons_in_pcscds_reader(
    asking: Path, pcscd: Pcscd, tmp_path: Path
) -> None:
    rules = tmp_path / "rules"
    for rule, code in (("confirm", 0), ("cancel", 1)):
        rules.write_text(rule)
        with serving(asking, pcscd, "--display-script", str(rules)):
            assert run("sign", stdin=b"order").code == code


def test_a_token_that_waits_for_its_holder_can_be_pulled_out(asking: Path, pcscd: Pcscd) -> None:
    with (
        serving(asking, pcscd) as server,
        subprocess.Popen(
            [*COMMAND, "sign"], env=environment(), stdin=subprocess.PIPE, stderr=subprocess.PIPE
        ) as program,
    ):
        assert program.stdin is not None and program.stderr is not None
        program.stdin.write(b"order")
        program.stdin.close()
        assert b"waits 60 s" in program.stderr.readline()
        server.send_signal(signal.SIGTERM)
        assert server.wait(10) == 0
        assert program.wait(30) == 1
    ok("info", "--token", asking)
