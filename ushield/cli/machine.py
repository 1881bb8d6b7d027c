"""This very computer, as `ushield doctor` looks at it."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import cached_property, partial
from importlib import metadata
from ipaddress import IPv4Address, IPv6Address
from pathlib import Path
from typing import TypeVar

from host.doctor.computer import ReaderFacts, Service, Spot, Version
from host.doctor.limit import Heard, HeardTransport, within
from host.doctor.software import parsed
from host.errors import HostError, NoApplication, NoCard, NoService
from host.overview import CardInfo, look_at
from host.pcsc import list_readers, open_reader
from host.transport import Transport
from ushield.reader.messages import MessageError, Request, build_request, layout_of
from ushield.reader.messages import Version as Greeting
from ushield.reader.place import LONGEST_ADDRESS
from ushield.reader.remote import VARIABLE, control_beside
from ushield.reader.vpcd import DEFAULT_PORT

T = TypeVar("T")

_PACKAGE = "ushield"
_SYSTEMS_SERVICE = Path("/run/pcscd/pcscd.comm")
_GREETING = Greeting(4, 4, 0)
"""What a client says first: the protocol that every version of today understands."""

PATIENCE_SECONDS = 5.0
"""How long the service, or a card, may leave a question without an answer."""

_NOWHERE = "/dev/null/none"
"""A path at which there is no service, and never will be."""

_LISTENS = "0A"
"""State of a TCP socket in /proc/net (Linux: net/tcp_states.h)."""


class ThisComputer:
    """The `host.doctor.computer.Computer` that this program runs on.

    The service and each card may leave a question without an answer for `patience` seconds, other
    programs may take twice as long for all they do. `stuck` tells whether a thread was abandoned,
    which may be in the C library for ever: end the program by `os._exit`.
    """

    def __init__(self, patience: float = PATIENCE_SECONDS) -> None:
        self.stuck = False
        self._patience = patience

    def now(self) -> datetime:
        """The time, with its zone."""
        return datetime.now(UTC)

    def python(self) -> Version:
        """The version of Python that runs this."""
        return sys.version_info[:3]

    def pythons(self) -> tuple[Version, Version]:
        """As the package says; without one, whatever runs."""
        try:
            text = metadata.metadata(_PACKAGE)["Requires-Python"]
        except (metadata.PackageNotFoundError, KeyError):
            text = ""
        first, beyond = (re.search(rf"{sign}([\d.]+)", text or "") for sign in (">=", "<"))
        if first is None or beyond is None:
            return (0,), (sys.version_info[0] + 1,)
        return _numbers(first[1]), _numbers(beyond[1])

    def requirements(self) -> Mapping[str, Version]:
        """As the package says, without its extras."""
        try:
            lines = metadata.requires(_PACKAGE) or []
        except metadata.PackageNotFoundError:
            return {}
        found = (re.match(r"([\w.-]+)>=([\d.]+)$", line) for line in lines)
        return {match[1]: _numbers(match[2]) for match in found if match}

    def library(self, name: str) -> Version | None:
        """The version of a Python library; None when it is not installed."""
        try:
            return parsed(metadata.version(name)) or (0,)
        except metadata.PackageNotFoundError:
            return None

    def output(self, *command: str, service: bool = False) -> str | None:
        """What a program prints, whatever its exit code; None when there is no such program.

        Without `service` it finds no PC/SC service, and so cannot wait for one. Nothing, if it does
        not end in time.
        """
        if shutil.which(command[0]) is None:
            return None
        try:
            done = subprocess.run(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                env=None if service else {**os.environ, VARIABLE: _NOWHERE},
                timeout=2 * self._patience,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired):
            return ""
        return done.stdout.decode(errors="replace")

    def find(self, pattern: str) -> Sequence[Path]:
        """The files that a pattern, from the root, stands for."""
        return sorted(Path("/").glob(pattern.lstrip("/")))

    def service(self) -> Service:
        """The PC/SC service that the environment names, or the system's; it is asked once."""
        return self._service

    @cached_property
    def _service(self) -> Service:
        named = os.environ.get(VARIABLE)
        path = Path(named) if named else _SYSTEMS_SERVICE
        variable = VARIABLE if named else ""
        try:
            protocol = self._within(lambda _: _greet(path, self._patience))
        except (OSError, MessageError) as error:
            trouble = getattr(error, "strerror", None) or str(error)
            return Service(path, variable, trouble=trouble, spot=_spot(path, error))
        return Service(path, variable, control_beside(path) is not None, protocol)

    def vpcd_addresses(self) -> Sequence[str]:
        """From the kernel's tables of TCP sockets (Linux: proc(5))."""
        return sorted({*_listening("/proc/net/tcp"), *_listening("/proc/net/tcp6")})

    def readers(self) -> Sequence[ReaderFacts]:
        """The readers of the service, each with its card. HostError when it does not tell."""
        try:
            names = self._within(lambda _: list_readers())
        except TimeoutError:
            raise NoService("the service does not tell") from None
        return [self._reader(name) for name in names]

    def _reader(self, name: str) -> ReaderFacts:
        try:
            return self._within(partial(_look_into, name))
        except NoCard:
            return ReaderFacts(name)
        except (HostError, TimeoutError) as error:
            return ReaderFacts(name, trouble=str(error))

    def _within(self, act: Callable[[Heard], T]) -> T:
        try:
            return within(self._patience, act)
        except TimeoutError:
            self.stuck = True
            raise


def _numbers(text: str) -> Version:
    return tuple(map(int, text.split(".")))


def _greet(path: Path, seconds: float) -> Version:
    """Say hello as libpcsclite does; the version of the protocol that is answered."""
    layout = layout_of(Greeting)
    with socket.socket(socket.AF_UNIX) as line:
        line.settimeout(2 * seconds)
        line.connect(os.fspath(path))
        line.sendall(build_request(Request.VERSION, _GREETING))
        with line.makefile("rb") as answers:
            answer = layout.parse(answers.read(layout.size))
    return answer.major, answer.minor


def _spot(path: Path, error: Exception) -> Spot:
    """What is at a path where a greeting went wrong like this."""
    if isinstance(error, FileNotFoundError | ConnectionRefusedError):
        return Spot.FREE if _is_free(path.absolute()) else Spot.UNFIT
    heard = TimeoutError | BlockingIOError | ConnectionError | MessageError
    return Spot.TAKEN if isinstance(error, heard) else Spot.UNFIT


def _is_free(path: Path) -> bool:
    """Whether a service can be started at a path where none listens: two sockets must fit."""
    control = Path(f"{path}.control")
    try:
        return (
            len(os.fsencode(control)) <= LONGEST_ADDRESS
            and os.access(path.parent, os.W_OK | os.X_OK)
            and all(one.is_socket() or not one.exists() for one in (path, control))
        )
    except OSError:
        return False


def _listening(table: str) -> Iterator[str]:
    """The addresses of one table at which vpcd's port is listened to."""
    try:
        lines = Path(table).read_text(encoding="ascii").splitlines()[1:]
    except OSError:
        return
    for line in lines:
        _, local, _, state, *_ = line.split()
        address, _, port = local.partition(":")
        if state == _LISTENS and int(port, 16) == DEFAULT_PORT:
            yield _address(address)


def _address(digits: str) -> str:
    """An address as the kernel writes it: words of 4 bytes in the machine's own order."""
    words = [digits[at : at + 8] for at in range(0, len(digits), 8)]
    raw = b"".join(int(word, 16).to_bytes(4, sys.byteorder) for word in words)
    return str(IPv4Address(raw) if len(raw) == 4 else IPv6Address(raw))


def _look_into(name: str, heard: Heard) -> ReaderFacts:
    with HeardTransport(open_reader(name), heard) as transport:
        return ReaderFacts(name, transport.atr, _information(transport))


def _information(transport: Transport) -> CardInfo | None:
    try:
        return look_at(transport)
    except NoApplication:
        return None
