"""``ushield record`` and ``ushield replay``: a dialogue with any card, and that card without it."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, nullcontext
from pathlib import Path

import pytest

from tests.cli.program import COMMAND, PIN, environment, ok, refused, run
from tests.pcscd import Pcscd
from ushield.cli.desk import at_work, image_token
from ushield.device.assembly import assemble
from ushield.device.image import open_image
from ushield.reader.card import CardPort
from ushield.reader.keeper import Token

SIGN = (
    f"pkcs11-tool --login --pin {PIN} --sign -m ECDSA-SHA256 --id 02 -i order.txt -o order.sig"
).split()
ENDS_WELL = ["python3", "-c", ""]
# A shell lets what it starts with & ignore Ctrl-C, and so all that is started from there.
ATTENTIVE = ["env", "--default-signal=INT,TERM,HUP"]


@pytest.fixture(autouse=True)
def order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("order.txt").write_bytes(b"pay 100.00 CNY to Li Lei")


@pytest.fixture
def service(token: Path) -> Iterator[str]:
    """A service that holds the token; its socket."""
    with at_work([image_token(token)], ["Front desk"]) as (running, *_):
        yield str(running.socket)


def record(service: str, *arguments: str) -> str:
    """Record a program; what is said of it at the end."""
    return ok("record", *arguments, PCSCLITE_CSOCK_NAME=service).error.splitlines()[-1]


def replay(*arguments: str) -> None:
    ok("replay", *arguments)


def signature() -> bytes:
    return Path("order.sig").read_bytes()


def test_what_was_recorded_is_replayed(service: str) -> None:
    told = record(service, "--", *SIGN)
    assert told.startswith("ushield: ") and told.endswith(" commands are in trace.jsonl")
    assert Path("trace.jsonl").stat().st_mode & 0o777 == 0o600
    real = signature()
    replay("trace.jsonl", "--", *SIGN)
    assert signature() == real, "an ECDSA signature is another one each time, but not in a replay"
    listed = ok("replay", "trace.jsonl", "opensc-tool", "-l").text
    assert "Front desk" in listed


def test_no_secret_is_written_down(service: str, token: Path) -> None:
    record(service, "--", *SIGN)
    text = Path("trace.jsonl").read_text()
    assert PIN.encode().hex() not in text.lower()
    shown = ok("trace", "show", "trace.jsonl").text
    assert "VERIFY" in shown and PIN not in shown


def test_a_program_that_leaves_the_trace_is_told_where(service: str) -> None:
    record(service, "--", *SIGN)
    done = run("replay", "trace.jsonl", "--", "pkcs15-tool", "--list-keys")
    assert done.code != 0
    assert "Front desk: the program leaves the trace at its command" in done.error
    assert "  expected  SELECT" in done.error and "  came      SELECT" in done.error


def test_a_departure_is_a_fault_although_the_program_ends_well(service: str) -> None:
    record(service, "--", *SIGN)
    sends = ["opensc-tool", "-s", "00:84:00:00:08"]
    assert run("replay", "trace.jsonl", "--", *sends).code == 1


def test_an_end_before_the_end_is_a_fault_if_the_whole_is_wanted(service: str) -> None:
    record(service, "--", *SIGN)
    assert "commands of the trace did not come" in ok("replay", "trace.jsonl", *ENDS_WELL).error
    assert run("replay", "--whole", "trace.jsonl", *ENDS_WELL).code == 1


def test_another_order_is_tolerated_if_random_data_are(service: str) -> None:
    record(service, "--", *SIGN)
    real = signature()
    Path("order.txt").write_bytes(b"pay 900.00 CNY to Li Lei")
    assert run("replay", "trace.jsonl", "--", *SIGN).code != 0
    replay("--tolerate", "random", "trace.jsonl", "--", *SIGN)
    assert signature() == real


def test_reads_again_are_tolerated_if_the_order_is_free(service: str) -> None:
    record(service, "--", "pkcs15-tool", "--list-keys")
    twice = ["sh", "-c", "pkcs15-tool --list-keys && pkcs15-tool --list-keys"]
    assert run("replay", "trace.jsonl", "--", *twice).code != 0
    replay("--tolerate", "order", "trace.jsonl", "--", *twice)


def test_only_the_reader_that_is_wanted(token: Path, made: Path) -> None:
    tokens = [image_token(token), image_token(made)]
    with at_work(tokens, ["Left", "Right"]) as (running, *_):
        looks = ["sh", "-c", "for n in 0 1; do pkcs15-tool --reader $n --list-keys; done"]
        record(str(running.socket), "--reader", "right", "--", *looks)
    text = Path("trace.jsonl").read_text()
    assert "Right" in text and "Left" not in text


def test_a_recording_through_pcscd(pcscd: Pcscd, token: Path) -> None:
    with closing(open_image(token)) as store, pcscd.plugged(assemble(store)):
        record(str(pcscd.socket), "--", *SIGN)
    real = signature()
    replay("trace.jsonl", "--", *SIGN)
    assert signature() == real


def test_a_capture_can_be_replayed_too(service: str) -> None:
    record(service, "--trace", "dialogue.pcapng", "--", *SIGN)
    real = signature()
    replay("dialogue.pcapng", "--", *SIGN)
    assert signature() == real


def test_a_log_of_opensc_can_be_replayed_too(service: str) -> None:
    lists = ["pkcs15-tool", "--list-keys"]
    logs = ["run", "--empty", "--", "env", f"PCSCLITE_CSOCK_NAME={service}", "OPENSC_DEBUG=9"]
    Path("opensc.log").write_text(ok(*logs, *lists).error)
    assert "Private" in ok("replay", "--whole", "opensc.log", "--", *lists).text


def test_a_capture_that_names_no_reader(service: str) -> None:
    record(service, "--", "opensc-tool", "--send-apdu", "00:84:00:00:08")
    lines = Path("trace.jsonl").read_text().replace("Front desk", "")
    Path("trace.jsonl").write_text(lines)
    assert "recorded" in ok("replay", "trace.jsonl", "opensc-tool", "-l").text


def test_exit_codes_are_the_programs(service: str) -> None:
    three = [sys.executable, "-c", "raise SystemExit(3)"]
    assert run("record", "--", *three, PCSCLITE_CSOCK_NAME=service).code == 3
    record(service, "--", *SIGN)
    assert run("replay", "trace.jsonl", "--", *three).code == 3


def test_a_service_that_is_not_there() -> None:
    line = refused("record", "true", PCSCLITE_CSOCK_NAME="/nowhere/pcscd.comm")
    assert line.startswith("no PC/SC service is at /nowhere/pcscd.comm: start pcscd")


@pytest.mark.parametrize("which", [[], ["--reader", "Front"]], ids=["all", "one"])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_silent_service_can_be_given_up(
    tmp_path: Path, number: signal.Signals, which: list[str]
) -> None:
    path = tmp_path / "pcscd.comm"
    with socket.socket(socket.AF_UNIX) as silent:
        silent.bind(str(path))
        silent.listen()
        silent.settimeout(20)
        with subprocess.Popen(
            [*ATTENTIVE, *COMMAND, "record", *which, "--", "true"],
            stderr=subprocess.PIPE,
            env=environment(PCSCLITE_CSOCK_NAME=str(path)),
        ) as process:
            try:
                line, _ = silent.accept()
                with line:
                    process.send_signal(number)
                    assert process.wait(5) == 128 + number
            finally:
                process.kill()
            assert process.stderr is not None and process.stderr.read() == b""
    assert not Path("trace.jsonl").exists()


def test_nohup_is_respected_by_who_waits(tmp_path: Path) -> None:
    path = tmp_path / "pcscd.comm"
    command = ["env", "--ignore-signal=HUP", "--default-signal=TERM", *COMMAND, "record", "true"]
    with socket.socket(socket.AF_UNIX) as silent:
        silent.bind(str(path))
        silent.listen()
        silent.settimeout(20)
        there = environment(PCSCLITE_CSOCK_NAME=str(path))
        with subprocess.Popen(command, env=there) as process, silent.accept()[0]:
            process.send_signal(signal.SIGHUP)
            with pytest.raises(subprocess.TimeoutExpired):
                process.wait(0.3)
            process.terminate()
            assert process.wait(5) == 128 + signal.SIGTERM


def test_a_trace_in_which_nothing_happened() -> None:
    with at_work([], ["Empty"]) as (running, *_):
        told = record(str(running.socket), "--", "true")
    assert told == "ushield: 0 commands are in trace.jsonl"
    assert ok("trace", "show", "trace.jsonl").out == b""
    replay("--whole", "trace.jsonl", "--", "true")


def test_a_reader_that_is_not_there(service: str) -> None:
    line = refused("record", "--reader", "Back", "true", PCSCLITE_CSOCK_NAME=service)
    assert "'Back'" in line
    assert not Path("trace.jsonl").exists()


def test_a_trace_that_is_none() -> None:
    Path("trace.jsonl").write_text("{}\n")
    assert "trace.jsonl" in refused("replay", "trace.jsonl", "true")


def test_a_trace_that_is_cut_off_is_played_as_far_as_it_goes(service: str) -> None:
    record(service, "--", *SIGN)
    whole = Path("trace.jsonl").read_bytes()
    Path("trace.jsonl").write_bytes(whole[: len(whole) // 2])
    done = run("replay", "trace.jsonl", "--", *SIGN)
    assert "is cut off" in done.error
    assert "expected  nothing more" in done.error


class Dies:
    """A card that does not answer any more after so many commands."""

    def __init__(self, card: CardPort, commands: int) -> None:
        self.power_on, self.reset, self.power_off = card.power_on, card.reset, card.power_off
        self._card = card
        self._left = commands

    def transmit(self, command: bytes, /) -> bytes:
        self._left -= 1
        return self._card.transmit(command) if self._left >= 0 else b""


def test_a_card_that_dies_while_it_is_recorded(token: Path) -> None:
    with closing(open_image(token)) as store:
        card = Dies(assemble(store), 8)
        with at_work([Token("a card", lambda: nullcontext(card))], []) as (running, *_):
            done = run("record", "--", *SIGN, PCSCLITE_CSOCK_NAME=str(running.socket))
    assert done.code != 0
    assert "Traceback" not in done.error
    assert "no-answer" in Path("trace.jsonl").read_text()
    again = run("replay", "--tolerate", "order", "trace.jsonl", "--", *SIGN)
    assert again.code == done.code


def test_the_programs_output_is_untouched(service: str) -> None:
    through = ok("record", "opensc-tool", "-l", PCSCLITE_CSOCK_NAME=service)
    assert through.out == ok("run", "--empty", "--", "env", f"PCSCLITE_CSOCK_NAME={service}",
                             "opensc-tool", "-l").out  # fmt: skip
