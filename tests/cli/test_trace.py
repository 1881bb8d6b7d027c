"""``--trace`` on every command, `ushield trace`, and the traces of Wireshark, OpenSC, pcscd."""

from __future__ import annotations

import json
import os
import re
import signal
import stat
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Timer
from typing import Any

import pytest

from host.trace import CardEvent, Happening, TraceRecord
from host.trace.file import read_trace
from tests.cli.program import COMMAND, NEW_PIN, PIN, PUK, environment, ok, refused, run
from tests.cli.terminal import at_terminal, ushield
from tests.host import tokens
from tests.pcscd import eventually, private_pcscd
from tests.trace.captures import as_pcap, as_pcapng, big_endian, sim_capture

ORDER = b"pay 100.00 CNY to Li Lei\n"
SELECTED = "> SELECT  application PKCS#15, A0 00 00 00 63 50 4B 43 53 2D 31 35"


def secrets() -> list[bytes]:
    """What must be in no trace: as bytes, and as a trace would write them."""
    plain = [pin.encode() for pin in (PIN, PUK, NEW_PIN, "a secret text", tokens.PIN)]
    return [form for secret in plain for form in (secret, secret.hex().encode())]


def names_of(path: Path) -> list[str]:
    """The commands in a trace in which there is no secret and which nobody else can read."""
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    content = path.read_bytes()
    assert not [secret for secret in secrets() if secret in content.lower() or secret in content]
    trace = read_trace(path)
    assert not trace.damage
    records = [entry.what for entry in trace.entries if isinstance(entry.what, TraceRecord)]
    return [record.name for record in records[::2]]


def dissected(path: Path) -> list[dict[str, Any]]:
    """What Wireshark makes of a capture, packet by packet; none of them is malformed."""
    done = subprocess.run(
        ["tshark", "-r", path, "-T", "json", "--no-duplicate-keys"], capture_output=True, check=True
    )
    packets: list[dict[str, Any]] = json.loads(done.stdout)
    assert b"malformed" not in done.stdout.lower()
    return [packet["_source"]["layers"] for packet in packets]


# --- who writes ---------------------------------------------------------------------------------


def test_every_command_that_uses_a_token(tmp_path: Path) -> None:
    token, order, signature = (tmp_path / name for name in ("my.token", "order", "sig"))
    made = tmp_path / "made.jsonl"
    ok("init", token, "--key", "rsa2048", "--trace", made)
    assert {"PUT DATA", "CREATE FILE", "GENERATE ASYMMETRIC KEY PAIR"} <= set(names_of(made))
    order.write_bytes(ORDER)
    count = iter(range(100))

    def traced(*arguments: str | Path, stdin: bytes = b"", new: str | None = None) -> list[str]:
        path = tmp_path / f"{next(count)}.jsonl"
        where = ("--token", token, "--trace", path)
        ok(*arguments, *where, stdin=stdin, USHIELD_NEW_PIN=new)
        return names_of(path)

    assert "GET DATA" in traced("info")
    assert "GET DATA" in traced("cert")
    assert traced("sign", order, "-o", signature)[-1] == "PSO SIGN"
    assert "GET DATA" in traced("verify", order, "--signature", signature)
    assert "VERIFY" in traced("verify")
    cryptogram = ok("encipher", "--token", token, stdin=b"a secret text").out
    assert "PSO ENCIPHER" in traced("encipher", stdin=b"a secret text")
    assert "PSO DECIPHER" in traced("decipher", stdin=cryptogram)
    assert "CHANGE REFERENCE DATA" in traced("change-pin", new=NEW_PIN)
    assert "RESET RETRY COUNTER" in traced("unblock", new=PIN)


def test_a_refused_pin_is_in_the_trace(made: Path, token: Path, tmp_path: Path) -> None:
    path = tmp_path / "t.pcapng"
    line = refused("verify", "--token", token, "--trace", path, USHIELD_PIN="000000")
    assert "5 tries left" in line
    assert "63C5 verification failed, 5 tries left" in ok("trace", "show", path).text


@pytest.mark.parametrize("arguments", [("info",), ("run", "--key", "p256")])
def test_a_name_that_says_no_kind(made: Path, tmp_path: Path, arguments: tuple[str, ...]) -> None:
    where = ("--token", made) if arguments == ("info",) else ()
    program = ("true",) if arguments[0] == "run" else ()
    line = refused(*arguments, *where, "--trace", tmp_path / "t.txt", *program)
    assert line.endswith("t.txt: what kind of trace? Its name ends in .jsonl or .pcapng")
    line = refused(*arguments, *where, "--trace", tmp_path / "no" / "t.jsonl", *program)
    assert line.endswith("No such file or directory")


def test_a_disk_that_is_full(made: Path, tmp_path: Path) -> None:
    path = tmp_path / "t.jsonl"
    path.symlink_to("/dev/full")
    done = run("info", "--token", made, "--trace", path)
    assert done.code == 0 and "U-Shield" in done.text
    assert done.error == f"ushield: {path}: No space left on device: the trace ends early\n"


# --- serve and run, and programs that know nothing of it ----------------------------------------


def test_wireshark_reads_what_run_writes(tmp_path: Path) -> None:
    path = tmp_path / "t.pcapng"
    script = f"pkcs11-tool --login --pin {PIN} --test >&2 && pkcs15-tool --list-keys"
    ok("run", "--trace", path, "--reader-name", "Lí Lěi's", "--", "sh", "-c", script)
    assert {"SELECT", "VERIFY", "PSO SIGN"} <= set(names_of(path))
    first, *packets = dissected(path)
    assert "iso7816.atr" in first["iso7816"]
    assert first["frame"]["frame.interface_id_tree"]["frame.interface_name"] == "Lí Lěi's"
    sent = [p["iso7816"] for p in packets if "iso7816.apdu.ins" in p.get("iso7816", {})]
    assert sent[0]["iso7816.apdu.ins"] == "0xa4"
    assert sent[0]["iso7816.apdu.body"] == "a0:00:00:00:63:50:4b:43:53:2d:31:35"
    (verify,) = {
        one["iso7816.apdu.body"]
        for one in sent
        if one["iso7816.apdu.ins"] == "0x20" and "iso7816.apdu.body" in one
    }
    assert verify == ":".join(["00"] * 8)
    fields = ["-T", "fields", "-e", "frame.comment", "-Y", "iso7816.apdu.lc && frame.comment"]
    comments = subprocess.run(
        ["tshark", "-r", path, *fields], capture_output=True, text=True, check=True
    ).stdout.splitlines()
    assert "not shown: 8 bytes, zeros stand for them" in comments


def test_two_readers_in_one_trace(made: Path, token: Path, tmp_path: Path) -> None:
    path = tmp_path / "t.jsonl"
    names = ("--reader-name", "Left", "--reader-name", "Right")
    tokens_ = ("--token", made, "--token", token)
    script = "for r in Left Right; do opensc-tool --reader $r --name; done"
    ok("run", "--trace", path, *names, *tokens_, "--", "sh", "-c", script)
    trace = read_trace(path)
    assert {entry.reader for entry in trace.entries} == {"Left", "Right"}
    text = ok("trace", "show", path).text
    assert text.index("reader Left") < text.index("reader Right")
    assert text.count(SELECTED) == 2


def test_serve_is_followed_live(made: Path, tmp_path: Path) -> None:
    path, socket = tmp_path / "t.jsonl", tmp_path / "s"
    with serving(made, socket, path) as server:
        with following(path) as lines:
            assert "* power on" in next(line for line in lines if "*" in line)
            for number in range(2):
                ok("verify", PCSCLITE_CSOCK_NAME=str(socket))
                found = next(line for line in lines if "> VERIFY" in line)
                assert found.endswith("> VERIFY  user PIN (01), 8 bytes, not shown\n"), number
        server.send_signal(signal.SIGTERM)
        server.wait(10)
    events = [e.what for e in read_trace(path).entries if isinstance(e.what, CardEvent)]
    assert events[0].happening is Happening.POWER_ON
    assert events[-1].happening is Happening.POWER_OFF


def test_a_card_that_is_pulled_out_and_put_back(made: Path, tmp_path: Path) -> None:
    path = tmp_path / "t.jsonl"
    script = 'ushield() { %s "$@"; }; ushield reader remove && ushield reader insert'
    ok("run", "--trace", path, "--token", made, "--", "sh", "-c", script % " ".join(COMMAND))
    events = [e.what for e in read_trace(path).entries if isinstance(e.what, CardEvent)]
    on, off = Happening.POWER_ON, Happening.POWER_OFF
    assert [event.happening for event in events] == [on, off, on, off]


@contextmanager
def serving(token: Path, socket: Path, trace: Path) -> Iterator[subprocess.Popen[str]]:
    command = [*COMMAND, "serve", str(token), "--socket", str(socket), "--trace", str(trace)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, text=True, env=environment()) as one:
        try:
            eventually(socket.exists, "the service is there")
            yield one
        finally:
            one.terminate()


@contextmanager
def following(path: Path) -> Iterator[Iterator[str]]:
    """The lines of `trace show --follow`, which Ctrl-C ends without a word."""
    command = ["env", "--default-signal=INT", *COMMAND, "trace", "show", "--follow", str(path)]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment()
    ) as process:
        assert process.stdout is not None and process.stderr is not None
        watchdog = Timer(60, process.kill)
        watchdog.start()
        try:
            yield iter(process.stdout.readline, "")
        finally:
            watchdog.cancel()
            process.send_signal(signal.SIGINT)
            process.stdout.read()
            assert process.wait(30) == 130
            assert process.stderr.read() == ""


# --- who reads ----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def signed(made: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A trace of a signature, to be read only."""
    path = tmp_path_factory.mktemp("traces") / "signed.jsonl"
    ok("sign", "--key", "1", "--token", made, "--trace", path, stdin=ORDER)
    return path


def test_colours_in_a_terminal_only(signed: Path) -> None:
    seen = at_terminal(
        ushield("trace", "show", signed), unset=("NO_COLOR",), TERM="xterm", COLUMNS="200"
    )
    assert seen.code == 0 and "\x1b[" in seen.screen
    plain = ok("trace", "show", signed).text
    assert "\x1b" not in plain
    bare = re.sub(r"\x1b\[[0-9;]*m", "", seen.screen).replace("\r\n", "\n")
    assert bare == plain
    assert "> PSO SIGN  with key 1 'rsa2048 key'" in plain


def test_a_trace_that_is_cut_is_shown_as_far_as_it_goes(signed: Path, tmp_path: Path) -> None:
    path = tmp_path / "cut.jsonl"
    path.write_bytes(signed.read_bytes()[:-20])
    done = run("trace", "show", path)
    assert done.code == 1
    assert done.text.count("\n") > 20
    assert done.error.startswith(f"ushield: {path}: line ") and "is cut off" in done.error
    assert done.error.count("\n") == 1


@pytest.mark.parametrize("verb", [("show",), ("show", "--follow"), ("diff", "/dev/null")])
def test_what_is_no_trace(tmp_path: Path, verb: tuple[str, ...]) -> None:
    path = tmp_path / "t.jsonl"
    path.write_text('{"some": "JSON"}\n')
    if verb[0] == "diff":
        assert "nothing in it" in refused("trace", *verb, path)
    else:
        assert "is no trace" in refused("trace", *verb, path)
    assert refused("trace", *verb, tmp_path / "no") or verb[0] == "diff"


def test_where_two_traces_part(made: Path, token: Path, signed: Path, tmp_path: Path) -> None:
    again, wrong = tmp_path / "again.pcapng", tmp_path / "wrong.jsonl"
    ok("sign", "--key", "1", "--token", made, "--trace", again, stdin=ORDER)
    done = run("trace", "diff", signed, again)
    assert (done.code, done.error) == (0, ""), "PKCS#1 v1.5 is the same each time"
    assert re.fullmatch(r"the same dialogue, \d+ commands\n", done.text)
    run("sign", "--key", "1", "--token", token, "--trace", wrong, stdin=ORDER, USHIELD_PIN="000000")
    done = run("trace", "diff", signed, wrong)
    assert (done.code, done.error) == (1, "")
    before, _, after = done.text.partition(f"{signed}:\n")
    assert "> VERIFY  user PIN (01), 8 bytes, not shown" in before
    left, _, right = after.partition(f"{wrong}:\n")
    assert "< 9000 no error" in left
    assert "< 63C5 verification failed, 5 tries left" in right
    other = run("sign", "--key", "1", "--token", made, "--trace", again, stdin=b"another")
    assert other.code == 0
    assert run("trace", "diff", signed, again).code == 1
    assert run("trace", "diff", signed, again, "--ignore-random").code == 0


# --- foreign traces -----------------------------------------------------------------------------


def test_a_log_of_opensc_itself(tmp_path: Path) -> None:
    log, trace = tmp_path / "opensc.log", tmp_path / "t.jsonl"
    script = f"OPENSC_DEBUG=9 pkcs11-tool --login --pin {PIN} --test 2> {log}"
    ok("run", "--trace", trace, "--", "sh", "-c", script)
    assert f"{PIN.encode().hex(' ')} FF FF" in log.read_text(), "OpenSC writes the PIN down"
    done = ok("trace", "show", log)
    assert "trace by OpenSC" in done.text and "reader ushield 00 00" in done.text
    assert SELECTED in done.text and "> VERIFY  User PIN (01), 8 bytes, not shown" in done.text
    assert "with key 1 'rsa2048 key'" in done.text
    # What OpenSC has logged, and what we have heard, is the same dialogue.
    assert ok("trace", "diff", trace, log).text.startswith("the same dialogue")


def test_a_log_of_pcscd_itself(tmp_path: Path) -> None:
    log = tmp_path / "pcscd.log"
    with private_pcscd("--debug", "--apdu") as daemon, daemon.plugged(tokens.token_card()):
        sign = ["pkcs11-tool", "--login", "--pin", tokens.PIN, "--sign", "-m", "RSA-PKCS"]
        subprocess.run(
            [*sign, "--id", "01"], input=ORDER, env=daemon.env, capture_output=True, check=True
        )
        log.write_bytes(daemon.log.read_bytes())
    assert tokens.PIN.encode().hex(" ").upper() in log.read_text(), "pcscd writes the PIN down"
    done = ok("trace", "show", log)
    assert "trace by pcscd" in done.text and "reader Virtual PCD 00 00" in done.text
    assert SELECTED in done.text and "> PSO SIGN  with key 1 'signing'" in done.text
    for secret in secrets():
        assert secret.decode("latin-1") not in done.text


@pytest.mark.parametrize("form", [as_pcapng, as_pcap, big_endian])
def test_a_capture_of_a_sim_card(form: Callable[[list[bytes]], bytes], tmp_path: Path) -> None:
    path = tmp_path / "sim"
    path.write_bytes(form(sim_capture()))
    # What the test has made is a capture of a SIM card to Wireshark, too.
    sims = [packet["gsm_sim"] for packet in dissected(path) if "gsm_sim" in packet]
    assert [sim["gsm_sim.apdu.ins"] for sim in sims[-3:]] == ["0xa4", "0x20", "0xb0"]
    text = ok("trace", "show", path).text
    assert "> SELECT  3F00, master file" in text
    assert "> VERIFY  user PIN (01), 8 bytes, not shown" in text
    assert "31323334" not in text and "DEADBEEF" not in text


# --- the page -----------------------------------------------------------------------------------

PAGE = Path(__file__).parents[2] / "docs" / "trace.md"
BLOCK = re.compile(r"<!-- run: (\w+) -->\n```\w+\n(.*?)```", re.DOTALL)


def test_the_commands_of_the_page(tmp_path: Path) -> None:
    blocks = BLOCK.findall(PAGE.read_text())
    assert [kind for kind, _ in blocks] == ["shell", "shell", "service", "service", "python"]
    program = tmp_path / "bin" / "ushield"
    program.parent.mkdir()
    python, root = COMMAND[0], PAGE.parents[1]
    program.write_text(f'#!/bin/sh\nPYTHONPATH={root} exec {python} -m ushield "$@"\n')
    program.chmod(0o755)
    variables = os.environ | {
        "PATH": f"{program.parent}:{os.environ['PATH']}",
        "PYTHONPATH": str(root),
        "XDG_CACHE_HOME": str(tmp_path),
        # As the first block has set them for the shell of a reader.
        "USHIELD_PIN": "123456",
        "USHIELD_PUK": "12345678",
    }
    said = ""
    for kind, code in blocks:
        shell = ["bash", "-ec"] if kind != "python" else [python, "-W", "error", "-c"]
        done = subprocess.run(
            [*shell, code],
            cwd=tmp_path,
            env=variables,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        said += done.stdout
    assert "> PSO SIGN  with key 1 'p256 key'" in said
    assert "the same dialogue" in said
    assert "Select file" in said and "a000000063504b43532d3135" in said
    assert "trace by OpenSC" in said
    assert "VERIFY user PIN (01), 8 bytes, not shown" in said
