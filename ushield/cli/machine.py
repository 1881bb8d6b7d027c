"""This very computer, as `ushield doctor` looks at it."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from importlib import metadata
from ipaddress import IPv4Address, IPv6Address
from pathlib import Path

from host.doctor.computer import ReaderFacts, Service, Version
from host.doctor.software import parsed
from host.errors import HostError, NoApplication, NoCard
from host.overview import CardInfo, look_at
from host.pcsc import list_readers, open_reader
from host.transport import Transport
from ushield.reader.messages import MessageError, Request, build_request, layout_of
from ushield.reader.messages import Version as Greeting
from ushield.reader.remote import VARIABLE, control_beside
from ushield.reader.vpcd import DEFAULT_PORT

_PACKAGE = "ushield"
_SYSTEMS_SERVICE = Path("/run/pcscd/pcscd.comm")
_GREETING = Greeting(4, 4, 0)
"""What a client says first: the protocol that every version of today understands."""

_PATIENCE_SECONDS = 10.0
_LISTENS = "0A"
"""State of a TCP socket in /proc/net (Linux: net/tcp_states.h)."""


class ThisComputer:
    """The `host.doctor.computer.Computer` that this program runs on."""

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

    def output(self, *command: str) -> str | None:
        """What a program prints, whatever its exit code; None when there is no such program."""
        if shutil.which(command[0]) is None:
            return None
        try:
            done = subprocess.run(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                timeout=_PATIENCE_SECONDS,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired):
            return ""
        return done.stdout.decode(errors="replace")

    def find(self, pattern: str) -> Sequence[Path]:
        """The files that a pattern, from the root, stands for."""
        return sorted(Path("/").glob(pattern.lstrip("/")))

    def service(self) -> Service:
        """The PC/SC service that the environment names, or the system's."""
        named = os.environ.get(VARIABLE)
        path = Path(named) if named else _SYSTEMS_SERVICE
        variable = VARIABLE if named else ""
        try:
            protocol = _greet(path)
        except (OSError, MessageError) as error:
            trouble = getattr(error, "strerror", None) or str(error)
            return Service(path, variable, trouble=trouble)
        return Service(path, variable, control_beside(path) is not None, protocol)

    def vpcd_addresses(self) -> Sequence[str]:
        """From the kernel's tables of TCP sockets (Linux: proc(5))."""
        return sorted({*_listening("/proc/net/tcp"), *_listening("/proc/net/tcp6")})

    def readers(self) -> Sequence[ReaderFacts]:
        """The readers of the service, each with its card."""
        return [_reader(name) for name in list_readers()]


def _numbers(text: str) -> Version:
    return tuple(map(int, text.split(".")))


def _greet(path: Path) -> Version:
    """Say hello as libpcsclite does; the version of the protocol that is answered."""
    layout = layout_of(Greeting)
    with socket.socket(socket.AF_UNIX) as line:
        line.settimeout(_PATIENCE_SECONDS)
        line.connect(os.fspath(path))
        line.sendall(build_request(Request.VERSION, _GREETING))
        with line.makefile("rb") as answers:
            answer = layout.parse(answers.read(layout.size))
    return answer.major, answer.minor


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


def _reader(name: str) -> ReaderFacts:
    try:
        with open_reader(name) as transport:
            return ReaderFacts(name, transport.atr, _information(transport))
    except NoCard:
        return ReaderFacts(name)
    except HostError as error:
        return ReaderFacts(name, trouble=str(error))


def _information(transport: Transport) -> CardInfo | None:
    try:
        return look_at(transport)
    except NoApplication:
        return None
