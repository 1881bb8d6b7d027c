"""``ushield doctor`` on this very machine: with readers of our own, of pcscd, and with none."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from queue import SimpleQueue
from threading import Event, Thread
from typing import Any

import pytest

from applet.os.store import MemoryStore
from host.certificates import years_later
from host.client import TokenClient
from host.doctor.computer import Service, Spot
from host.doctor.finding import State
from host.errors import NoService
from host.memory import MemoryTransport
from host.personalise import Profile, personalise
from tests.cli.program import COMMAND, PIN, PUK, environment, ok, run
from tests.pcscd import SOCKET_VARIABLE, Pcscd
from ushield.cli import machine
from ushield.cli.machine import ThisComputer, _address, _listening
from ushield.device.assembly import assemble
from ushield.device.image import new_image
from ushield.reader.vpcd import DEFAULT_PORT

DOCTOR = (*COMMAND, "doctor", "--json")

WITH_PATIENCE = """
import sys
from ushield.cli import machine, main
machine.PATIENCE_SECONDS = float(sys.argv.pop(1))
sys.argv[1:] = ["doctor", "--json"]
main()
"""
HOLDING = """
import subprocess, sys
from smartcard import scard
_, context = scard.SCardEstablishContext(scard.SCARD_SCOPE_USER)
_, readers = scard.SCardListReaders(context, [])
share = scard.SCARD_SHARE_EXCLUSIVE if sys.argv[1] == "exclusive" else scard.SCARD_SHARE_SHARED
_, card, _ = scard.SCardConnect(context, readers[0], share, scard.SCARD_PROTOCOL_T1)
if sys.argv[1] == "transaction":
    assert scard.SCardBeginTransaction(card) == 0
sys.exit(subprocess.call(sys.argv[2:]))
"""
"""A program that holds the first card while another program runs."""


def doctor(patience: float) -> tuple[str, ...]:
    """The command, with another limit for every question."""
    return (sys.executable, "-c", WITH_PATIENCE, str(patience))


def checked(*arguments: str | Path, code: int = 0, service: Path | None = None) -> dict[str, Any]:
    """The findings by name; the exit code must be this one, and no name be there twice."""
    done = run(*arguments, PCSCLITE_CSOCK_NAME=None if service is None else str(service))
    assert done.code == code, (done.code, done.error, done.text)
    return understood(done.text, well=code == 0)


def understood(text: str, *, well: bool) -> dict[str, Any]:
    told = json.loads(text)
    assert told["well"] is well
    assert well == all(check["state"] != "fault" for check in told["checks"])
    found = {check["name"]: check for check in told["checks"]}
    assert len(found) == len(told["checks"])
    return found


def image(path: Path, *, age: timedelta = timedelta(0)) -> Path:
    """A token whose certificates were made so long ago."""
    profile = Profile.of(pin=PIN, puk=PUK, keys=["p256"], label="mine")
    with new_image(path) as store, MemoryTransport(assemble(store)) as transport:
        personalise(TokenClient(transport), profile, now=datetime.now(UTC) - age)
    return path


def test_all_is_well_with_a_token_in_a_reader_of_ours(tmp_path: Path) -> None:
    path = image(tmp_path / "my.token")
    found = checked("run", "--token", path, "--reader-name", "Left", "--", *DOCTOR)
    assert found["PC/SC service"]["found"].startswith("ushield's own at ")
    assert f"({SOCKET_VARIABLE}), protocol 4:4" in found["PC/SC service"]["found"]
    assert found["pcscd"]["state"] == State.NOT_NEEDED
    assert found["readers"]["found"] == "Left"
    assert "PKCS#15 token 'mine'; ATR 3b" in found["card in Left"]["found"]
    assert found["card in Left"]["found"].endswith("OpenSC calls it OsEID 4.5.0")
    assert found["certificates in Left"]["state"] == State.OK
    assert found["PIN in Left"]["found"] == "6 tries of the PIN left, 10 of the PUK"
    assert found["Python"]["found"] == ".".join(map(str, sys.version_info[:3]))
    for name in ("Python libraries", "PC/SC for Python", "OpenSC", "PKCS#11 module"):
        assert found[name]["state"] == State.OK


def test_a_piv_token() -> None:
    found = checked("run", "--applet", "piv", "--key", "p256", "--", *DOCTOR)
    assert found["card in ushield 00 00"]["found"].startswith("PIV token; ATR 3b")
    assert "Personal Identity Verification Card" in found["card in ushield 00 00"]["found"]


def test_for_people(tmp_path: Path) -> None:
    path = image(tmp_path / "my.token")
    done = ok("run", "--token", path, "--", *COMMAND, "doctor")
    assert done.text.endswith("all is well\n")
    empty = ok("run", "--empty", "--", *COMMAND, "doctor").text
    assert "warning     readers" in empty and "→ put a token in" in empty
    assert empty.endswith("1 warning\n")


def test_no_card_is_a_warning() -> None:
    found = checked("run", "--empty", "--reader-name", "a", "--reader-name", "b", "--", *DOCTOR)
    assert found["readers"]["state"] == State.WARNING
    assert found["readers"]["found"] == "a (empty), b (empty)"


@pytest.mark.parametrize("left", ["nothing", "a file", "a dead socket", "a silent service"])
def test_a_service_that_is_not_there(tmp_path: Path, left: str) -> None:
    path = tmp_path / "s"
    with socket.socket(socket.AF_UNIX) as dead:
        if left == "a file":
            path.write_bytes(b"")
        elif left == "a dead socket":
            dead.bind(str(path))
        elif left == "a silent service":
            dead.bind(str(path))
            dead.listen(0)
            dead.shutdown(socket.SHUT_RDWR)
        found = checked("doctor", "--json", code=1, service=path)
    assert found["PC/SC service"]["state"] == State.FAULT
    assert found["PC/SC service"]["found"].startswith(f"nothing answers at {path}")
    assert f"unset {SOCKET_VARIABLE}" in found["PC/SC service"]["mend"]
    assert found["readers"]["state"] == State.NOT_NEEDED


# --- who does not answer --------------------------------------------------------------------------


class Stub:
    """A service that answers so many questions of each client, by what it was asked."""

    def __init__(self, path: Path, answers: int) -> None:
        self.path = path
        self.left = SimpleQueue[bytes]()
        """The questions that were left without an answer."""
        self._answers = answers
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(path))
        self._listener.listen()
        self._thread = Thread(target=self._accept, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._listener.close()

    def _accept(self) -> None:
        attendants = []
        while True:
            try:
                line, _ = self._listener.accept()
            except OSError:
                break
            attendants.append(Thread(target=self._attend, args=(line,), daemon=True))
            attendants[-1].start()
        for attendant in attendants:
            attendant.join()

    def _attend(self, line: socket.socket) -> None:
        answers = self._answers
        # Each question has a head of 8 bytes, which may come by itself: the length of the rest
        # first.
        with line, line.makefile("rb") as questions:
            while head := questions.read(8):
                body = questions.read(int.from_bytes(head[:4], sys.byteorder))
                if answers:
                    # The client's version and a result of 0: what a service says to a greeting.
                    line.sendall(body)
                    answers -= 1
                else:
                    self.left.put(head + body)


@contextmanager
def stub(path: Path, answers: int) -> Iterator[Stub]:
    service = Stub(path, answers)
    try:
        yield service
    finally:
        service.close()


def doctored(service: Path, patience: float) -> dict[str, Any]:
    """The findings, of which there must be a fault."""
    done = subprocess.run(
        doctor(patience),
        capture_output=True,
        env=environment(PCSCLITE_CSOCK_NAME=str(service)),
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (1, b"")
    return understood(done.stdout.decode(), well=False)


def test_a_silent_service(tmp_path: Path) -> None:
    """It is asked once by all checks, and is not in the way of a program's version."""
    with stub(tmp_path / "s", 0) as silent:
        found = doctored(silent.path, 0.5)
    assert silent.left.qsize() == 1
    assert found["PC/SC service"]["found"].endswith(": it does not answer")
    assert found["PC/SC service"]["mend"].startswith("end the program that listens there")
    assert found["OpenSC"]["state"] == State.OK
    assert found["readers"]["state"] == State.NOT_NEEDED


def test_a_service_that_is_silent_after_the_greeting(tmp_path: Path) -> None:
    with stub(tmp_path / "s", 1) as silent:
        found = doctored(silent.path, 1.0)
    assert silent.left.qsize() == 1
    assert found["PC/SC service"]["state"] == State.OK
    assert found["readers"]["state"] == State.FAULT
    assert found["readers"]["found"] == "the service does not tell"
    assert found["readers"]["mend"] == "start the service again"


@pytest.mark.parametrize("answers", [0, 1])
def test_ctrl_c_while_the_service_is_silent(tmp_path: Path, answers: int) -> None:
    command = ["env", "--default-signal=INT", *doctor(600.0)]
    with (
        stub(tmp_path / "s", answers) as silent,
        subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=environment(PCSCLITE_CSOCK_NAME=str(silent.path)),
        ) as process,
    ):
        try:
            silent.left.get(timeout=60)
            process.send_signal(signal.SIGINT)
            assert process.communicate(timeout=30) == (b"", b"")
            assert process.returncode == 130
        finally:
            process.kill()


@pytest.mark.parametrize(
    ("how", "trouble"),
    [
        ("transaction", "it does not answer"),
        (
            "exclusive",
            "connecting to the card in Left: another program holds the card for itself",
        ),
    ],
)
def test_a_card_that_another_program_holds(how: str, trouble: str) -> None:
    """Its reader is not empty, and the other reader is looked into."""
    held = (sys.executable, "-c", HOLDING, how, *doctor(2.0))
    names = ("--reader-name", "Left", "--reader-name", "Right")
    found = checked("run", "--key", "p256", *names, "--", *held, code=1)
    assert found["readers"]["found"] == "Left, Right (empty)"
    assert found["card in Left"]["state"] == State.FAULT
    assert found["card in Left"]["found"] == trouble


@pytest.fixture
def stuck(monkeypatch: pytest.MonkeyPatch) -> Iterator[ThisComputer]:
    """A computer whose service and cards do not come back before the test is over."""
    over = Event()
    monkeypatch.setattr(machine, "open_reader", lambda _: over.wait())
    monkeypatch.setattr(machine, "list_readers", over.wait)
    yield ThisComputer(0.01)
    over.set()


def test_no_question_waits_for_ever(stuck: ThisComputer, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(NoService, match="the service does not tell"):
        stuck.readers()
    monkeypatch.setattr(machine, "list_readers", lambda: ("a", "b"))
    assert [(reader.name, reader.trouble) for reader in stuck.readers()] == [
        ("a", "it does not answer"),
        ("b", "it does not answer"),
    ]
    assert stuck.stuck and not ThisComputer().stuck


def test_a_program_has_a_limit_too() -> None:
    assert ThisComputer(0.05).output("sleep", "60") == ""


def test_which_programs_find_the_service(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(SOCKET_VARIABLE, "/tmp/s")
    show = ("printenv", SOCKET_VARIABLE)
    assert ThisComputer().output(*show, service=True) == "/tmp/s\n"
    nowhere = ThisComputer().output(*show)
    assert nowhere == "/dev/null/none\n" and not Path(nowhere.strip()).exists()


# --- where there is no service --------------------------------------------------------------------


def looked_for(path: Path, monkeypatch: pytest.MonkeyPatch) -> Service:
    monkeypatch.setenv(SOCKET_VARIABLE, str(path))
    return ThisComputer(10.0).service()


@pytest.mark.parametrize(
    ("what", "spot"),
    [
        ("nothing", Spot.FREE),
        ("a dead socket", Spot.FREE),
        ("a file", Spot.UNFIT),
        ("a folder", Spot.UNFIT),
        ("a file where the control socket would be", Spot.UNFIT),
        ("nothing in no folder", Spot.UNFIT),
    ],
)
def test_where_a_service_can_be_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str, spot: Spot
) -> None:
    path = tmp_path / "s"
    if what == "a dead socket":
        with socket.socket(socket.AF_UNIX) as dead:
            dead.bind(str(path))
    elif what == "a file":
        path.touch()
    elif what == "a folder":
        path.mkdir()
    elif what == "a file where the control socket would be":
        path.with_name("s.control").touch()
    elif what == "nothing in no folder":
        path = path / "s"
    assert looked_for(path, monkeypatch).spot is spot


@pytest.mark.parametrize(
    ("length", "spot"), [(99, Spot.FREE), (100, Spot.UNFIT), (108, Spot.UNFIT)]
)
def test_how_long_a_path_may_be(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, length: int, spot: Spot
) -> None:
    """The control socket has the same name and eight letters more."""
    path = Path("/tmp") / ("ushield-no-such-" + "s" * length)[: length - 5]
    assert len(os.fsencode(path)) == length
    assert looked_for(path, monkeypatch).spot is spot


def test_a_program_that_hangs_up_listens(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "s"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()

        def hang_up() -> None:
            line, _ = listener.accept()
            with line:
                line.recv(4096)

        attendant = Thread(target=hang_up)
        attendant.start()
        service = looked_for(path, monkeypatch)
        attendant.join()
    assert service.spot is Spot.TAKEN and service.protocol is None and service.trouble


def test_a_certificate_in_its_last_month(tmp_path: Path) -> None:
    now = datetime.now(UTC)
    age = years_later(now, 5) - now - timedelta(days=10)
    path = image(tmp_path / "my.token", age=age)
    found = checked("run", "--token", path, "--", *DOCTOR)
    certificates = found["certificates in ushield 00 00"]
    assert certificates["state"] == State.WARNING
    assert certificates["found"].startswith("'p256 key' ends in ")


def test_a_certificate_that_is_over(tmp_path: Path) -> None:
    path = image(tmp_path / "my.token", age=timedelta(days=5 * 366 + 1))
    found = checked("run", "--token", path, "--", *DOCTOR, code=1)
    assert found["certificates in ushield 00 00"]["found"].startswith("over: 'p256 key' since ")


@pytest.mark.parametrize(("wrong", "code", "state"), [(4, 0, "warning"), (6, 1, "fault")])
def test_tries_of_the_pin(tmp_path: Path, wrong: int, code: int, state: str) -> None:
    path = image(tmp_path / "my.token")
    for _ in range(wrong):
        assert run("verify", "--token", path, USHIELD_PIN="000000").code == 1
    found = checked("run", "--token", path, "--", *DOCTOR, code=code)
    assert found["PIN in ushield 00 00"]["state"] == state
    assert found["PIN in ushield 00 00"]["mend"]


def test_looking_costs_no_try(tmp_path: Path) -> None:
    path = image(tmp_path / "my.token")
    for _ in range(3):
        found = checked("run", "--token", path, "--", *DOCTOR)
        assert found["PIN in ushield 00 00"]["found"].startswith("6 tries")


def test_pcscd(pcscd: Pcscd) -> None:
    found = checked("doctor", "--json", service=pcscd.socket)
    assert found["PC/SC service"]["found"].startswith(f"pcscd at {pcscd.socket}")
    assert found["pcscd"]["state"] == State.OK and found["pcscd"]["found"].endswith(", runs")
    assert found["vpcd"]["state"] in (State.OK, State.WARNING)
    with pcscd.plugged(assemble(MemoryStore())) as plugged:
        found = checked("doctor", "--json", service=pcscd.socket)
        assert plugged.reader in found["readers"]["found"]
        assert found[f"card in {plugged.reader}"]["found"].startswith("blank PKCS#15 token")
        assert found[f"life cycle in {plugged.reader}"]["state"] == State.WARNING


# --- the machine itself ---------------------------------------------------------------------------


def test_a_program_that_is_not_there() -> None:
    assert ThisComputer().output("no-such-program") is None
    assert ThisComputer().output("sh", "-c", "echo out; echo error >&2; exit 3") == "out\nerror\n"


def test_what_the_package_says_of_itself() -> None:
    computer = ThisComputer()
    assert computer.pythons() == ((3, 11), (3, 14))
    assert {"construct", "cryptography", "gmpy2", "rich"} <= computer.requirements().keys()
    assert "pytest" not in computer.requirements(), "an extra is not required"
    assert computer.requirements()["construct"] == (2, 10, 70)
    assert computer.library("no-such-library") is None
    assert computer.library("construct") is not None


@pytest.mark.parametrize(
    ("digits", "address"),
    [
        ("00000000", "0.0.0.0"),
        ("0100007F", "127.0.0.1"),
        ("0" * 32, "::"),
        ("00000000000000000000000001000000", "::1"),
    ],
)
def test_addresses_as_the_kernel_writes_them(digits: str, address: str) -> None:
    assert _address(digits) == address


def test_who_listens(tmp_path: Path) -> None:
    table = tmp_path / "tcp"
    other = f"{DEFAULT_PORT + 1:04X}"
    table.write_text(
        "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt\n"
        f"   0: 0100007F:{DEFAULT_PORT:04X} 00000000:0000 0A 00000000:00000000 00:00000000\n"
        f"   1: 00000000:{other} 00000000:0000 0A 00000000:00000000 00:00000000\n"
        f"   2: 00000000:{DEFAULT_PORT:04X} 0100007F:9999 01 00000000:00000000 00:00000000\n"
    )
    assert list(_listening(str(table))) == ["127.0.0.1"]
    assert list(_listening(str(tmp_path / "no table"))) == []
