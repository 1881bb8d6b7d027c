"""``ushield run``: any program with a reader of its own, as if nothing was between."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Timer

import pytest

from tests.cli.program import COMMAND, PIN, environment, ok, refused, run
from tests.pcscd import Pcscd, eventually

MODULE = "/usr/lib/x86_64-linux-gnu/opensc-pkcs11.so"
QUICK = ("--key", "p256")
"""For where the keys do not matter."""

# A shell lets what it starts with & ignore Ctrl-C, and so all that is started from there.
ATTENTIVE = ["env", "--default-signal=INT,QUIT,HUP"]

TELLS_SIGNALS = """
import signal, sys
wanted = {signal.Signals[name] for name in sys.argv[1:]}
signal.pthread_sigmask(signal.SIG_BLOCK, wanted)
print("ready")
while True:
    print(signal.sigwait(wanted).name)
"""


@pytest.fixture(autouse=True)
def nothing_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Services make their folders in one that is empty again after each test."""
    folder = tmp_path / "t"
    folder.mkdir()
    monkeypatch.setenv("TMPDIR", str(folder))
    yield folder
    assert not list(folder.iterdir())


@contextmanager
def running(*arguments: str, **changes: str | None) -> Iterator[subprocess.Popen[str]]:
    """`ushield run` meanwhile, its output to be read."""
    with subprocess.Popen(
        [*ATTENTIVE, *COMMAND, "run", *QUICK, *arguments],
        stdout=subprocess.PIPE,
        text=True,
        env=environment(**changes),
    ) as process:
        watchdog = Timer(60, process.kill)
        watchdog.start()
        try:
            yield process
        finally:
            watchdog.cancel()
            if process.poll() is None:
                process.kill()


def line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


# --- programs ---------------------------------------------------------------------------------


def test_opensc_and_openssh_use_a_fresh_token() -> None:
    assert "Yes             ushield 00 00" in ok("run", "--", "opensc-tool", "-l").text
    said = ok("run", "pkcs11-tool", "--login", "--pin", "123456", "--test", USHIELD_PIN=None)
    assert "No errors" in said.text
    keys = ok("run", "ssh-keygen", "-D", MODULE).text
    assert "ssh-rsa" in keys and "ecdsa-sha2-nistp256" in keys


def test_pin_and_puk_are_in_the_programs_environment() -> None:
    show = 'echo "$USHIELD_PIN $USHIELD_PUK"'
    said = ok("run", *QUICK, "sh", "-c", show, USHIELD_PIN=None, USHIELD_PUK=None)
    assert said.text == "123456 12345678\n"
    asks = "import os; print(os.environ['USHIELD_PIN'] == os.environ['MINE'])"
    assert ok("run", *QUICK, sys.executable, "-c", asks, MINE=PIN).text == "True\n"


def test_our_own_commands_find_the_reader() -> None:
    ushield = " ".join(COMMAND)
    order = "echo pay | tee order"
    script = f"""
        {ushield} verify && {ushield} change-pin && {order} > /dev/null
        USHIELD_PIN=$USHIELD_NEW_PIN {ushield} sign order -o sig
        {ushield} verify order --signature sig && {ushield} info --json && rm order sig
    """
    said = ok("run", *QUICK, "bash", "-ec", script, USHIELD_NEW_PIN="808182").text
    assert "the PIN is right" in said and "the signature is right" in said
    (key,) = json.loads(said[said.index("{") :])["keys"]
    assert key["kind"] == "ec"


def test_images_and_a_fresh_token_and_an_empty_reader(token: Path) -> None:
    names = ("--reader-name", "U 盾", "--reader-name", "fresh", "--reader-name", "none")
    listed = ok("run", "--token", token, *QUICK, *names, "opensc-tool", "--list-readers").text
    rows = [row.split(None, 1) for row in listed.splitlines()[2:]]
    assert rows == [
        ["0", "Yes             U 盾"],
        ["1", "Yes             fresh"],
        ["2", "No              none"],
    ]
    before = json.loads(ok("info", "--json", "--token", token).text)
    assert json.loads(ok("run", "--token", token, *COMMAND, "info", "--json").text) == before


@pytest.mark.parametrize(
    "asked", [("--generation", "1"), ("--generation", "2"), ("--applet", "piv")], ids=" ".join
)
def test_who_asks_for_a_fresh_token_gets_it_beside_an_image(
    token: Path, asked: tuple[str, ...]
) -> None:
    looks = f"{' '.join(COMMAND)} reader list; echo $USHIELD_PIN"
    said = ok("run", "--token", token, *asked, "bash", "-c", looks, USHIELD_PIN=None).text
    image, fresh, pin = said.splitlines()
    assert image.startswith(f"0  ushield 00 00: {token}, ")
    assert fresh.startswith("1  ushield 00 01: a fresh token, ")
    assert pin == "123456"


def test_the_fresh_token_beside_an_image_is_the_one_that_was_asked_for(token: Path) -> None:
    info = [*COMMAND, "info", "--json", "--reader", "00 01"]
    second = json.loads(ok("run", "--token", token, "--generation", "2", *info).text)
    assert [key["label"] for key in second["keys"]] == ["sign key", "decipher key"]


def test_without_a_fresh_token_nothing_is_said_of_pins(token: Path) -> None:
    show = 'echo "${USHIELD_PIN-none}"'
    for how in (("--empty",), ("--token", str(token))):
        assert ok("run", *how, "sh", "-c", show, USHIELD_PIN=None).text == "none\n"


def test_an_empty_reader_is_filled_from_inside(token: Path) -> None:
    ushield = " ".join(COMMAND)
    script = f"{ushield} reader list; {ushield} reader insert {token}; {ushield} info --json"
    said = ok("run", "--empty", "bash", "-ec", script).text
    assert said.startswith(f"0  ushield 00 00: empty\n{token} is in ushield 00 00\n")
    assert json.loads(said[said.index("{") :])["label"] == "U-Shield"


def test_two_at_once_know_nothing_of_each_other() -> None:
    ask = [*COMMAND, "info", "--json"]
    with running(*ask) as first, running(*ask) as second:
        one, two = json.loads(first.communicate()[0]), json.loads(second.communicate()[0])
    assert one["serial"] != two["serial"]


def test_a_pcscd_beside_it_is_neither_seen_nor_disturbed(pcscd: Pcscd) -> None:
    before = pcscd.readers()
    assert "Virtual PCD" not in ok("run", *QUICK, "opensc-tool", "-l").text
    assert pcscd.readers() == before


def test_input_output_and_descriptors_are_the_programs() -> None:
    said = run("run", *QUICK, "sh", "-c", "cat; echo oops >&2", stdin=b"\x00\xff")
    assert (said.out, said.error, said.code) == (b"\x00\xff", "oops\n", 0)
    with Path(os.devnull).open("rb") as null:
        listing = subprocess.run(
            [*COMMAND, "run", *QUICK, "ls", "/proc/self/fd"],
            env=environment(),
            capture_output=True,
            pass_fds=[null.fileno()],
            check=True,
        )
        # 3 is what ls itself opened, or the one passed on.
        assert set(listing.stdout.decode().split()) <= {"0", "1", "2", "3", "4", str(null.fileno())}
        assert str(null.fileno()) in listing.stdout.decode().split()


# --- how it ends ------------------------------------------------------------------------------


@pytest.mark.parametrize("code", [0, 1, 3, 255])
def test_the_programs_exit_code(code: int) -> None:
    assert run("run", *QUICK, "sh", "-c", f"exit {code}").code == code


def test_a_program_that_a_signal_ends() -> None:
    assert run("run", *QUICK, "sh", "-c", "kill -9 $$").code == 128 + 9
    assert run("run", *QUICK, "sh", "-c", "kill -SEGV $$").code == 128 + 11


def test_no_such_program_and_none_that_can_be_run(tmp_path: Path) -> None:
    text = tmp_path / "text"
    text.write_text("no program\n")
    for program, code, words in (
        ("no-such-program", 127, "there is no such program"),
        (str(text), 126, "Permission denied"),
        (str(tmp_path), 126, "Permission denied"),
    ):
        done = run("run", *QUICK, program, "--option")
        assert done.code == code
        assert (
            done.error
            == f"ushield: {program}{': ' if code == 127 else ' cannot be run: '}{words}\n"
        )


def test_what_is_wrong_is_said_before_the_program_starts(made: Path, tmp_path: Path) -> None:
    touch = ("touch", str(tmp_path / "started"))
    assert "does not exist" in refused("run", "--token", tmp_path / "none", *touch)
    goes_with = "--empty goes with neither --token nor --key, --generation or --applet"
    for asked in (QUICK, ("--token", made), ("--generation", "1"), ("--applet", "pkcs15")):
        assert refused("run", "--empty", *asked, *touch) == goes_with
    assert "once" in refused("run", "--token", made, "--token", made, *touch)
    assert "no name" in refused("run", *QUICK, "--reader-name", "é" * 64, *touch)
    assert "same name" in refused("run", "--empty", *["--reader-name", "R"] * 2, *touch)
    assert "16" in refused("run", "--empty", *["--reader-name", "R"] * 17, *touch)
    assert "6 to 8" in refused("run", *QUICK, *touch, USHIELD_PIN="1234")
    with running("--token", str(made), "sh", "-c", "echo ready; exec sleep 60") as other:
        assert line(other) == "ready"
        assert "in use" in refused("run", "--token", made, *touch)
        other.terminate()
        assert other.wait(10) == 128 + 15
    assert not Path(touch[1]).exists()


def test_a_folder_for_temporary_files_that_is_too_long(tmp_path: Path) -> None:
    deep = tmp_path / ("d" * 100)
    deep.mkdir()
    show = "echo $PCSCLITE_CSOCK_NAME"
    path = ok("run", *QUICK, "sh", "-c", show, TMPDIR=str(deep), XDG_RUNTIME_DIR=None).text
    assert path.startswith("/tmp/") and not Path(path.strip()).parent.exists()
    assert not list(deep.iterdir())


def test_what_the_program_leaves_running_loses_the_reader(tmp_path: Path) -> None:
    """It sees the service stop, and holds up nobody."""
    waits = (
        "from smartcard.scard import *\n"
        "context = SCardEstablishContext(SCARD_SCOPE_USER)[1]\n"
        "states = SCardGetStatusChange(context, 0, [('ushield 00 00', 0)])[1]\n"
        "print('waiting', flush=True)\n"
        "asked = [(states[0][0], states[0][1])]\n"
        "print(f'{SCardGetStatusChange(context, 60000, asked)[0] & 0xFFFFFFFF:08X}', flush=True)\n"
    )
    script = f"""
        "{sys.executable}" -uc "$WAITS" > "$LOG" 2>&1 &
        until grep -q waiting "$LOG"; do sleep 0.02; done
    """
    log = tmp_path / "log"
    ok("run", *QUICK, "bash", "-c", script, WAITS=waits, LOG=str(log))
    eventually(lambda: log.read_text().count("\n") == 2, "the wait has ended")
    assert log.read_text().split()[1].startswith("801000"), log.read_text()


def test_killed_it_leaves_a_folder_that_the_next_one_removes(nothing_left: Path) -> None:
    with running("sh", "-c", "echo started; exec sleep 60") as process:
        assert line(process) == "started"
        (child,) = children(process.pid)
        process.kill()
        os.kill(child, signal.SIGKILL)
    assert list(nothing_left.iterdir())
    ok("run", *QUICK, "true")


def test_ctrl_c_while_keys_are_made_ends_it_at_once() -> None:
    command = [*ATTENTIVE, *COMMAND, "run", *["--key", "rsa4096"] * 8, "--", "true"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, env=environment()) as slow:
        with pytest.raises(subprocess.TimeoutExpired):
            slow.wait(1.5)
        slow.send_signal(signal.SIGINT)
        _, error = slow.communicate(timeout=10)
    assert (slow.returncode, error) == (130, b"")


# --- signals ----------------------------------------------------------------------------------


def children(pid: int) -> list[int]:
    listing = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    return [int(number) for number in listing.split()]


PASSED_ON = (
    *("HUP", "INT", "QUIT", "TERM", "USR1", "USR2"),
    *("ALRM", "VTALRM", "PROF", "WINCH", "CONT", "IO", "PWR"),
)


@pytest.mark.parametrize("name", PASSED_ON)
def test_a_signal_reaches_the_program_once(name: str) -> None:
    signals = [f"SIG{name}" for name in PASSED_ON]
    with running(sys.executable, "-uc", TELLS_SIGNALS, *signals) as process:
        assert line(process) == "ready"
        process.send_signal(signal.Signals[f"SIG{name}"])
        assert line(process) == f"SIG{name}"
        process.send_signal(signal.SIGUSR1)
        assert line(process) == "SIGUSR1", "and only once"
        (child,) = children(process.pid)
        os.kill(child, signal.SIGKILL)
        assert process.wait(10) == 128 + 9


def test_a_program_that_a_signal_passed_on_has_ended() -> None:
    with running("sh", "-c", "echo ready; exec sleep 60") as process:
        assert line(process) == "ready"
        process.terminate()
        assert process.wait(10) == 128 + 15


def test_an_alarm_leaves_no_program_behind() -> None:
    with running("sh", "-c", "echo ready; exec sleep 60") as process:
        assert line(process) == "ready"
        process.send_signal(signal.SIGALRM)
        assert process.wait(10) == 128 + 14


def test_a_stopped_program_is_waited_for() -> None:
    with running("sh", "-c", "echo ready; kill -STOP $$; echo again") as process:
        assert line(process) == "ready"
        (child,) = children(process.pid)
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(0.2)
        os.kill(child, signal.SIGCONT)
        assert line(process) == "again"
        assert process.wait(10) == 0


def test_children_may_have_been_nobodys_concern_before() -> None:
    with subprocess.Popen(
        ["env", "--ignore-signal=CHLD", *COMMAND, "run", *QUICK, "sh", "-c", "exit 7"],
        env=environment(),
    ) as process:
        assert process.wait(20) == 7


def test_as_the_first_process_of_a_container_it_buries_orphans() -> None:
    own_user = [] if os.geteuid() == 0 else ["--map-root-user"]
    script = "(true & true & true &); sleep 0.3; grep -l '^State:.Z' /proc/[0-9]*/status; true"
    done = subprocess.run(
        [
            *("unshare", *own_user, "--pid", "--fork", "--kill-child", "--mount-proc"),
            *(*COMMAND, "run", *QUICK, "sh", "-c", script),
        ],
        capture_output=True,
        env=environment(),
        check=True,
    )
    assert (done.stdout, done.stderr) == (b"", b"")


@contextmanager
def in_a_terminal(*command: str) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """A program with a terminal of its own, and the other end of that terminal."""
    ours, theirs = pty.openpty()
    try:
        with subprocess.Popen(
            ["setsid", "--ctty", "--wait", *ATTENTIVE, *command],
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            env=environment(),
        ) as process:
            os.close(theirs)
            try:
                yield process, ours
            finally:
                if process.poll() is None:
                    process.kill()
    finally:
        os.close(ours)


def until(terminal: int, word: bytes) -> bytes:
    """What the terminal shows, up to this word."""
    shown = b""
    while word not in shown:
        assert select.select([terminal], [], [], 20)[0], shown
        shown += os.read(terminal, 1000)
    return shown


def test_ctrl_c_in_a_terminal_reaches_the_program_once() -> None:
    command = [sys.executable, "-uc", TELLS_SIGNALS, "SIGINT", "SIGQUIT"]
    with in_a_terminal(*COMMAND, "run", *QUICK, *command) as (process, terminal):
        until(terminal, b"ready")
        os.write(terminal, b"\x03")
        shown = until(terminal, b"SIGINT")
        os.write(terminal, b"\x1c")
        shown += until(terminal, b"SIGQUIT")
        assert shown.count(b"SIGINT") == 1
        time.sleep(0.1)
        assert not select.select([terminal], [], [], 0.1)[0] or b"SIG" not in os.read(terminal, 99)
        process.terminate()
        assert process.wait(10) == 128 + 15


def test_another_size_of_the_terminal_reaches_the_program_once() -> None:
    command = [sys.executable, "-uc", TELLS_SIGNALS, "SIGWINCH"]
    with in_a_terminal(*COMMAND, "run", *QUICK, *command) as (process, terminal):
        until(terminal, b"ready")
        fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 30, 90, 0, 0))
        shown = until(terminal, b"SIGWINCH")
        time.sleep(0.1)
        if select.select([terminal], [], [], 0.1)[0]:
            shown += os.read(terminal, 99)
        assert shown.count(b"SIGWINCH") == 1
        process.terminate()
        assert process.wait(10) == 128 + 15


def test_a_program_in_a_session_of_its_own_gets_the_terminals_signals_too() -> None:
    command = ["setsid", "--wait", sys.executable, "-uc", TELLS_SIGNALS, "SIGINT"]
    with in_a_terminal(*COMMAND, "run", *QUICK, *command) as (process, terminal):
        until(terminal, b"ready")
        os.write(terminal, b"\x03")
        until(terminal, b"SIGINT")
        process.terminate()
        assert process.wait(10) == 128 + 15


def test_the_end_of_the_terminal_is_passed_on() -> None:
    """To us alone it is told, as the leader of the session."""
    ours, theirs = pty.openpty()
    command = [*ATTENTIVE, *COMMAND, "run", *QUICK, "sh", "-c", "echo ready; exec sleep 60"]
    with subprocess.Popen(
        ["setsid", "--ctty", "--wait", *command], stdin=theirs, stdout=theirs, env=environment()
    ) as process:
        os.close(theirs)
        until(ours, b"ready")
        os.close(ours)
        assert process.wait(10) == 128 + 1


def test_the_terminal_is_the_programs_own() -> None:
    script = "tty > /dev/null && read word && echo got $word"
    with in_a_terminal(*COMMAND, "run", *QUICK, "sh", "-c", script) as (process, terminal):
        os.write(terminal, b"hello\n")
        until(terminal, b"got hello")
        assert process.wait(10) == 0
