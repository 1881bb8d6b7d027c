"""A pcscd of our own for tests, beside any other: its own socket, drivers and ports.

Import the `pcscd` fixture into a conftest. There is one daemon for each pytest process, started
when first asked for. In-process pyscard and the command lines of OpenSC find it by the variable
PCSCLITE_CSOCK_NAME, which the fixture sets for the whole process.
"""

from __future__ import annotations

import os
import random
import shutil
import socket
import struct
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import pytest

from ushield.reader.card import CardPort
from ushield.reader.vpcd import Plug, PlugEvents, Session

DRIVERS = Path("/usr/lib/pcsc/drivers")
VPCD = "libifdvpcd.so"
SOCKET_VARIABLE = "PCSCLITE_CSOCK_NAME"

# /run is emptied, so that nothing of the machine's own daemons is seen or touched, and the only
# drivers left are those for readers named in a file, so that no real reader is taken from them.
IN_A_NAMESPACE = """
cd "$1"
mount -t tmpfs tmpfs /run
mkdir /run/pcscd
mount --bind . /run/pcscd
mount --bind "$2/serial" "$2"
shift 2
exec "$@"
"""
READER = """\
FRIENDLYNAME "Virtual PCD"
DEVICENAME   /dev/null:{port:#06x}
LIBPATH      {drivers}/{driver}
CHANNELID    {port:#06x}
"""


class ReaderState(NamedTuple):
    """One of the records of pcsc-lite's protocol: name, insertions and removals, card."""

    name: str
    events: int
    present: bool
    atr: bytes


@dataclass
class Plugged:
    """A card in the private pcscd's reader, and what its plug told."""

    plug: Plug
    reader: str
    atr: bytes
    sessions: list[Session] = field(default_factory=list)


class Pcscd:
    """A daemon in a folder, with these options. Start, stop and restart keep the port."""

    def __init__(self, folder: Path, *options: str) -> None:
        self.folder = folder
        self._options = options
        self.socket = folder / "pcscd.comm"
        self.log = folder / "log.txt"
        self.port = 0
        self._minor = 4
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def env(self) -> dict[str, str]:
        """The environment in which a client finds this daemon, and no cache of another run."""
        own = {SOCKET_VARIABLE: str(self.socket), "XDG_CACHE_HOME": str(self.folder / "cache")}
        return os.environ | own | {"LC_ALL": "C.UTF-8"}

    def start(self) -> None:
        """Run until the reader is there; a port lost to somebody else is chosen again."""
        ports = [self.port] if self.port else _free_ports()
        for port in ports:
            self._run(port)
            if self.readers():
                self.port = port
                return
            self.stop()
        raise RuntimeError(f"pcscd shows no virtual reader:\n{self.tail()}")

    def stop(self) -> None:
        """End the daemon. The reader's port is free afterwards."""
        if self._process is not None:
            self._process.terminate()
            try:
                self._process.wait(10)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
            self._process = None

    def restart(self) -> None:
        """As `systemctl restart pcscd` does it to a card that is plugged in."""
        self.stop()
        self.start()

    def readers(self) -> list[ReaderState]:
        """The readers, asked in pcsc-lite's own protocol: needs no library, can wait in a loop."""
        with self._greeted() as line:
            line.sendall(struct.pack("<II", 0, 0x12))
            return list(_states(_exactly(line, 16 * 184)))

    def reader(self) -> ReaderState:
        """The reader in whose slot the cards are put."""
        return self.readers()[0]

    @contextmanager
    def plugged(self, card: CardPort) -> Iterator[Plugged]:
        """Put a card in, wait until clients see it; pull it out, wait until they see that."""
        sessions: list[Session] = []
        plug = Plug(card, port=self.port, events=PlugEvents(session_ends=sessions.append))
        thread = threading.Thread(target=plug.run, name="plug")
        thread.start()
        try:
            eventually(lambda: self.reader().present, "the card is in the reader")
            state = self.reader()
            yield Plugged(plug, state.name, state.atr, sessions)
        finally:
            plug.stop()
            thread.join()
            eventually(lambda: not self.reader().present, "the card is out of the reader")

    def tail(self) -> str:
        """The end of the daemon's log, for a failure report."""
        text = self.log.read_text(errors="replace") if self.log.exists() else ""
        # What it says each time when a client asks for features that a virtual reader has not.
        lines = [line for line in text.splitlines() if "Card not transacted: 606" not in line]
        return "\n".join(lines[-40:])

    def _greeted(self) -> socket.socket:
        """A connection as a client of the daemon's own version of the protocol."""
        for _ in range(2):
            line = socket.socket(socket.AF_UNIX)
            line.settimeout(10)
            line.connect(str(self.socket))
            line.sendall(struct.pack("<IIiiI", 12, 0x11, 4, self._minor, 0))
            _, self._minor, refused = struct.unpack("<iiI", _exactly(line, 12))
            if not refused:
                return line
            line.close()
        raise AssertionError("pcscd refuses its own version of the protocol")

    def _run(self, port: int) -> None:
        conf = READER.format(port=port, drivers=DRIVERS, driver=VPCD)
        (self.folder / "reader.conf").write_text(conf)
        self.socket.unlink(missing_ok=True)
        command = [*_namespace(), "sh", "-ec", IN_A_NAMESPACE, "sh", str(self.folder), str(DRIVERS)]
        command += [_daemon(), "--foreground", "--config", "/run/pcscd/reader.conf", *_polkit()]
        command += self._options
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )
        eventually(self._listens, f"pcscd answers at {self.socket}")

    def _listens(self) -> bool:
        assert self._process is not None
        if self._process.poll() is not None:
            raise RuntimeError(f"pcscd did not start:\n{self.tail()}")
        with socket.socket(socket.AF_UNIX) as line:
            return not line.connect_ex(str(self.socket))


def eventually(condition: Callable[[], bool], what: str, seconds: float = 10) -> None:
    """Wait until it is so. AssertionError when it takes longer than it ever should."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not in {seconds} s: {what}"
        time.sleep(0.005)


def missing() -> str:
    """What this machine lacks to run a private pcscd, in words; empty if nothing."""
    if shutil.which(_daemon()) is None:
        return "pcscd is not installed (Debian's package pcscd)"
    if not (DRIVERS / "serial" / VPCD).exists():
        return f"{VPCD} is not installed (Debian's package vsmartcard-vpcd)"
    trial = subprocess.run([*_namespace(), "true"], capture_output=True, text=True, check=False)
    if trial.returncode:
        return f"no namespace of its own for pcscd: {trial.stderr.strip()}"
    return ""


_shared = pytest.StashKey[Pcscd]()
_alive: list[Pcscd] = []


@pytest.fixture(scope="session")
def pcscd(pytestconfig: pytest.Config) -> Pcscd:
    """The private pcscd of this pytest process, running."""
    if _shared not in pytestconfig.stash:
        if lack := missing():
            pytest.skip(lack)
        pytestconfig.stash[_shared] = _start_for(pytestconfig)
    return pytestconfig.stash[_shared]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show the daemons' logs under a failed test."""
    report = yield
    if report.failed:
        report.sections += [(f"log of pcscd in {one.folder}", one.tail()) for one in _alive]
    return report


@contextmanager
def private_pcscd(*options: str) -> Iterator[Pcscd]:
    """A daemon apart from the shared one, to be stopped, started and occupied at will."""
    # A short path: the address of a Unix socket holds 107 bytes.
    folder = Path(tempfile.mkdtemp(prefix="pcscd-"))
    daemon = Pcscd(folder, *options)
    try:
        daemon.start()
        _alive.append(daemon)
        yield daemon
        _alive.remove(daemon)
    finally:
        daemon.stop()
        shutil.rmtree(folder, ignore_errors=True)


def _start_for(config: pytest.Config) -> Pcscd:
    life = ExitStack()
    config.add_cleanup(life.close)
    daemon = life.enter_context(private_pcscd())
    os.environ[SOCKET_VARIABLE] = str(daemon.socket)
    return daemon


def _namespace() -> list[str]:
    """Mounts that only the daemon sees; it ends with us, even when we are killed.

    An ordinary user needs a user namespace for the mounts.
    """
    own_user = [] if os.geteuid() == 0 else ["--map-root-user"]
    return ["unshare", *own_user, "--mount", "setpriv", "--pdeathsig", "TERM"]


def _polkit() -> list[str]:
    """Newer daemons ask polkit who may use a card, and there is none in our namespace."""
    asked = subprocess.run([_daemon(), "--help"], capture_output=True, text=True, check=False)
    return ["--disable-polkit"] if "--disable-polkit" in asked.stdout + asked.stderr else []


def _daemon() -> str:
    """Where pcscd is: in a folder that an ordinary user's PATH leaves out."""
    return shutil.which("pcscd") or "/usr/sbin/pcscd"


def _free_ports() -> Iterator[int]:
    """Pairs of ports that nobody listens on (vpcd takes two), below those of outgoing calls."""
    for port in random.sample(range(10_000, 32_000, 2), 50):
        try:
            with socket.socket() as first, socket.socket() as second:
                first.bind(("", port))
                second.bind(("", port + 1))
        except OSError:
            continue
        yield port


def _exactly(line: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size:
        piece = line.recv(size - len(data))
        assert piece, "pcscd hung up"
        data += piece
    return data


def _states(records: bytes) -> Iterator[ReaderState]:
    for name, events, state, _, atr, length, _ in struct.iter_unpack("<128sIIi33s3xII", records):
        if name := name.partition(b"\0")[0].decode():
            yield ReaderState(name, events, bool(state & 0x04) and length > 0, atr[:length])
