"""The service wherever it is meant to work: without rights, network, room; beside others."""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from applet.os.store import MemoryStore
from tests.pcscd import Pcscd, Plugged, missing, private_pcscd
from ushield.cli.desk import at_work
from ushield.device.assembly import assemble
from ushield.reader.place import LONGEST_ADDRESS, PlaceError, place
from ushield.reader.service import PcscService
from ushield.reader.specs import ReaderSpec, default_names
from ushield.testing import ReaderFactory, TokenFactory

ROOT = Path(__file__).parents[2]
NOBODY, SOMEBODY = 65534, 65533
LIST = ("pkcs11-tool", "--list-slots")
MODES = ["srw-------", "drwx------"]


@pytest.fixture(autouse=True, scope="module")
def programs() -> None:
    if shutil.which(LIST[0]) is None:
        pytest.skip(f"{LIST[0]} is not installed (Debian's package opensc)")


@pytest.fixture
def private_mounts() -> list[str]:
    """A command line in front of another gives it mounts of its own."""
    return _namespace("--mount")


@dataclass(frozen=True)
class Report:
    """What the visitor told."""

    user: int
    socket: str
    modes: list[str]
    serial: str
    code: int
    text: str

    @property
    def folder(self) -> Path:
        return Path(self.socket).parent

    def check(self) -> None:
        """The client saw the one token, through a socket that is private."""
        assert self.code == 0, self.text
        assert serials(self.text) == [self.serial], self.text
        assert self.modes == MODES


def serials(text: str) -> list[str]:
    return re.findall(r"serial num +: (\w+)", text)


@contextmanager
def visitor(
    *command: str, before: list[str] | None = None, user: int | str = "", **variables: str
) -> Iterator[Report]:
    """What the visitor tells; its service lasts as long as the context."""
    program = [sys.executable, str(ROOT / "tests" / "pcsc" / "visitor.py")]
    line = [*(before or ()), *program, str(user), *(command or LIST)]
    with subprocess.Popen(
        line,
        env=_environment(**variables),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as running:
        assert running.stdin and running.stdout and running.stderr
        told = running.stdout.readline()
        if not told:
            raise AssertionError(running.stderr.read())
        yield Report(**json.loads(told))
        running.stdin.close()
        said = running.stderr.read()
        assert running.wait(30) == 0, said
        assert said == ""


def visit(
    *command: str, before: list[str] | None = None, user: int | str = "", **variables: str
) -> Report:
    """What the visitor told; it has ended, and nothing is left of it."""
    with visitor(*command, before=before, user=user, **variables) as report:
        pass
    assert not report.folder.exists()
    return report


def _environment(**variables: str) -> Mapping[str, str]:
    left_out = ("XDG_", "PCSCLITE_", "HOME", "USER", "LOGNAME", "TMPDIR")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(left_out)}
    return kept | {"PYTHONPATH": str(ROOT), "HOME": "/nonexistent"} | variables


def _namespace(*kinds: str) -> list[str]:
    line = ["unshare", *([] if os.geteuid() == 0 else ["--map-root-user"]), *kinds]
    trial = subprocess.run([*line, "true"], capture_output=True, text=True, check=False)
    if trial.returncode:
        pytest.skip(f"no namespaces here: {trial.stderr.strip()}")
    return line


# --- without rights, network, a writable disk -------------------------------------------------


def test_an_ordinary_user_without_a_home() -> None:
    """Run as root it becomes nobody; run as anybody else it is an ordinary user as it is."""
    report = visit(user=NOBODY if os.geteuid() == 0 else "")
    assert report.user == (NOBODY if os.geteuid() == 0 else os.getuid())
    report.check()


def test_without_network() -> None:
    before = _namespace("--net")
    routes = subprocess.run([*before, "cat", "/proc/net/route"], capture_output=True, check=True)
    assert len(routes.stdout.splitlines()) <= 1
    visit(before=before).check()


READ_ONLY = """
root=$1
mount --rbind / "$root"
mount -o remount,ro,bind "$root"
mount --bind "$WRITABLE" "$root$WRITABLE"
shift
exec chroot "$root" sh -c '! touch /etc/x 2>/dev/null && exec "$@"' sh "$@"
"""


@pytest.mark.parametrize("variable", ["TMPDIR", "XDG_RUNTIME_DIR"])
def test_with_a_read_only_root(private_mounts: list[str], tmp_path: Path, variable: str) -> None:
    """As in a container with a read-only root: one folder can be written to."""
    before = [*private_mounts, "sh", "-ec", READ_ONLY, "sh", str(tmp_path)]
    with tempfile.TemporaryDirectory() as writable:
        report = visit(before=before, **{variable: writable, "WRITABLE": writable})
        assert report.folder.parent == Path(writable)
        report.check()


# --- beside others ----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def neighbour() -> Iterator[Pcscd]:
    if lack := missing():
        pytest.skip(lack)
    with private_pcscd() as daemon:
        yield daemon


def _commands(plugged: Plugged) -> int:
    """How many commands the card has got; the daemon itself powers it now and then."""
    return sum(session.commands for session in plugged.sessions)


AS_SYSTEM = """
mount -t tmpfs tmpfs /run
mkdir /run/pcscd
mount --bind "$1" /run/pcscd
shift
exec "$@"
"""
BOTH = "opensc-tool -l; env -u PCSCLITE_CSOCK_NAME opensc-tool -l"


def test_a_running_pcscd_is_neither_seen_nor_disturbed(
    neighbour: Pcscd, private_mounts: list[str]
) -> None:
    """The neighbour is at the place where libpcsclite looks by itself, as the system's is."""
    before = [*private_mounts, "sh", "-ec", AS_SYSTEM, "sh", str(neighbour.folder)]
    with neighbour.plugged(assemble(MemoryStore())) as plugged:
        state, log = neighbour.reader(), neighbour.log.read_bytes()
        report = visit(before=before)
        report.check()
        assert "Virtual PCD" not in report.text
        assert neighbour.reader() == state
        assert _commands(plugged) == 0
        assert neighbour.log.read_bytes() == log

        both = visit("sh", "-c", BOTH, before=before)
        ours, *theirs = re.findall(r"ushield \w\w \w\w|Virtual PCD \w\w \w\w", both.text)
        assert ours == default_names(1)[0]
        assert theirs == [state.name for state in neighbour.readers()]


def test_a_pcscd_that_the_environment_names_is_left_alone(neighbour: Pcscd) -> None:
    with neighbour.plugged(assemble(MemoryStore())) as plugged:
        report = visit(PCSCLITE_CSOCK_NAME=str(neighbour.socket))
        report.check()
        assert "Virtual PCD" not in report.text
        assert _commands(plugged) == 0


def test_two_users_at_once() -> None:
    """Only root can become two users; anybody else is the same one twice."""
    one_user, other_user = (NOBODY, SOMEBODY) if os.geteuid() == 0 else ("", "")
    with visitor(user=one_user) as one, visitor(user=other_user) as other:
        one.check()
        other.check()
        assert one.serial != other.serial
        assert one.folder.exists() and other.folder.exists()
    assert not one.folder.exists() and not other.folder.exists()


def test_another_user_gets_no_further_than_the_door() -> None:
    if os.geteuid() != 0:
        # What the modes say, which every visit checks, is all that can be seen.
        return
    with visitor(user=NOBODY) as one:
        stranger = subprocess.run(
            LIST,
            env={**os.environ, "PCSCLITE_CSOCK_NAME": one.socket, "HOME": "/nonexistent"},
            user=SOMEBODY,
            group=SOMEBODY,
            extra_groups=[],
            capture_output=True,
            text=True,
            check=False,
        )
        assert serials(stranger.stdout) == []


def test_eight_services_in_one_process() -> None:
    with TokenFactory(keys=["p256"]) as tokens, ReaderFactory(tokens) as readers:
        eight = [readers() for _ in range(8)]
        with ThreadPoolExecutor(8) as pool:
            texts = list(pool.map(lambda reader: _client(reader.environment), eight))
        seen = [serials(text) for text in texts]
        assert seen == [[reader.token.serial.hex()[-16:]] for reader in eight if reader.token]


def _client(environment: Mapping[str, str]) -> str:
    return subprocess.run(
        LIST, env=environment, capture_output=True, text=True, check=True, timeout=60
    ).stdout


START_AND_STOP = """
import pathlib, socket
from ushield.reader.service import PcscService
from ushield.reader.specs import ReaderSpec, default_names
for _ in range(50):
    with PcscService([ReaderSpec("one")]) as service, socket.socket(socket.AF_UNIX) as line:
        line.connect(str(service.socket))
    assert not service.socket.parent.exists()
"""


def test_eight_processes_start_and_stop_services(tmp_path: Path) -> None:
    """Each start cleans up after the dead; it must not take one that is being born for dead."""
    environment = _environment(TMPDIR=str(tmp_path))
    command = [sys.executable, "-c", START_AND_STOP]
    eight = [subprocess.Popen(command, env=environment) for _ in range(8)]
    assert [process.wait(120) for process in eight] == [0] * 8
    assert os.listdir(tmp_path) == []


# --- without room for the address -------------------------------------------------------------


@pytest.fixture
def deep(tmp_path: Path) -> Path:
    """A folder that is too deep for the address of a socket."""
    folder = tmp_path / ("d" * 100) / ("e" * 100)
    folder.mkdir(parents=True)
    return folder


def test_a_temporary_folder_that_is_too_deep(deep: Path) -> None:
    report = visit(TMPDIR=str(deep))
    report.check()
    assert len(report.socket) <= LONGEST_ADDRESS
    assert os.listdir(deep) == []


def test_then_the_runtime_folder_comes_first(deep: Path) -> None:
    with tempfile.TemporaryDirectory() as short:
        report = visit(TMPDIR=str(deep), XDG_RUNTIME_DIR=short)
        assert report.folder.parent == Path(short)
        report.check()


NOWHERE = """
mount --rbind /tmp /tmp
mount --bind "$1" "$1"
mount -o remount,ro,bind /tmp
shift
exec "$@"
"""


def test_no_place_at_all_is_said_in_words(private_mounts: list[str], deep: Path) -> None:
    before = [*private_mounts, "sh", "-ec", NOWHERE, "sh", str(deep)]
    with pytest.raises(AssertionError, match=r"PlaceError: there is no place .* set TMPDIR"):
        visit(before=before, TMPDIR=str(deep))


def test_a_path_of_ones_own_that_is_too_long(deep: Path) -> None:
    with pytest.raises(PlaceError, match="longer than 107 bytes: choose a shorter path"):
        PcscService([ReaderSpec("one")], deep / "socket").start()
    assert os.listdir(deep) == []


def test_the_longest_path_that_fits() -> None:
    """The control socket's path is longer still."""
    with tempfile.TemporaryDirectory() as folder:
        room = LONGEST_ADDRESS - len(folder) - len("/.control")
        with PcscService([ReaderSpec("one")], Path(folder) / ("s" * room)) as service:
            assert "one" in _readers(service.environment)
        with pytest.raises(PlaceError):
            PcscService([ReaderSpec("one")], Path(folder) / ("s" * (room + 1))).start()


# --- a path that is taken -----------------------------------------------------------------------


@contextmanager
def another(path: Path, kind: int = socket.SOCK_STREAM) -> Iterator[socket.socket]:
    """Another program's socket at this path."""
    with socket.socket(socket.AF_UNIX, kind) as other:
        other.bind(str(path))
        yield other


def taken(path: Path) -> str:
    """Why no service can be here."""
    with pytest.raises(PlaceError) as refusal:
        PcscService([ReaderSpec("one")], path).start()
    return str(refusal.value)


@pytest.mark.parametrize("name", ["socket", "socket.control"])
@pytest.mark.parametrize("kind", [socket.SOCK_DGRAM, socket.SOCK_SEQPACKET])
def test_a_living_socket_of_another_kind_stays(tmp_path: Path, kind: int, name: str) -> None:
    path = tmp_path / name
    with another(path, kind) as other:
        if kind == socket.SOCK_SEQPACKET:
            other.listen()
        said = taken(tmp_path / "socket")
        assert said == f"{path} is in use by another program: choose another path"
        assert path.is_socket()


def test_a_program_too_busy_to_answer_lives(tmp_path: Path) -> None:
    path = tmp_path / "socket"
    with another(path) as other, socket.socket(socket.AF_UNIX) as first:
        other.listen(0)
        first.connect(str(path))
        assert "in use by another program" in taken(path)
        assert path.is_socket()


@pytest.mark.parametrize("kind", [socket.SOCK_STREAM, socket.SOCK_DGRAM])
def test_what_a_dead_program_left_is_removed(tmp_path: Path, kind: int) -> None:
    for name in ("socket", "socket.control"):
        with another(tmp_path / name, kind):
            pass
    with PcscService([ReaderSpec("one")], tmp_path / "socket") as service:
        assert "one" in _readers(service.environment)
    assert not (tmp_path / "socket").exists()


@pytest.mark.parametrize("name", ["socket", "socket.control"])
def test_a_place_that_another_has_taken_meanwhile_stays_its_own(tmp_path: Path, name: str) -> None:
    with ExitStack() as stack:
        with place(tmp_path / "socket"):
            stack.enter_context(another(tmp_path / name))
        assert (tmp_path / name).is_socket()


@pytest.mark.parametrize("name", ["socket", "socket.control"])
def test_a_service_that_ends_leaves_another_ones_socket(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    with ExitStack() as stack:
        with at_work([], ["one"], tmp_path / "socket"):
            path.unlink()
            stack.enter_context(another(path))
        assert os.listdir(tmp_path) == [name]


def test_what_is_no_place_for_a_socket(tmp_path: Path) -> None:
    assert taken(Path("/")) == "/ exists and is no socket: choose another path"
    link = tmp_path / "link"
    link.symlink_to("nowhere")
    assert taken(link) == f"{link} is a link that leads nowhere: choose another path"
    assert link.is_symlink()
    (tmp_path / "socket.control").symlink_to("nowhere")
    assert "socket.control is a link that leads nowhere" in taken(tmp_path / "socket")


def _readers(environment: Mapping[str, str]) -> str:
    return subprocess.run(
        ["opensc-tool", "-l"],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    ).stdout
