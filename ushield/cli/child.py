"""A program in a world with a reader of its own: how `ushield run` starts it and waits for it."""

from __future__ import annotations

import os
import signal
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from ushield.cli.complaint import Complaint
from ushield.cli.kinds import KeyKind
from ushield.cli.plainrun import RunRequest
from ushield.cli.secrets import Secrets

if TYPE_CHECKING:
    from ushield.reader.keeper import Token

DEFAULT_KEYS = (KeyKind.RSA2048, KeyKind.P256)
DEFAULT_PINS = {"USHIELD_PIN": "123456", "USHIELD_PUK": "12345678"}

_NOT_FOUND, _NOT_EXECUTABLE, _BY_SIGNAL = 127, 126, 128
"""Exit codes as shells have them; a program that a signal ended has the last and its number."""

_PASSED_ON = frozenset(
    {
        *(signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGTERM),
        *(signal.SIGUSR1, signal.SIGUSR2),
    }
)
_WATCHED = _PASSED_ON | {signal.SIGCHLD}
_SI_KERNEL = 0x80
"""The origin of a signal that the terminal sends (Linux: asm-generic/siginfo.h)."""


def execute(request: RunRequest) -> int:
    """Run the program from beginning to end; its exit code."""
    if request.empty and (request.tokens or request.keys):
        raise Complaint("--empty goes with neither --token nor --key")
    fresh: Sequence[KeyKind] = request.keys
    if not (fresh or request.empty or request.tokens):
        fresh = DEFAULT_KEYS
    pins = {name: Secrets().known(name) or usual for name, usual in DEFAULT_PINS.items()}
    made = [_fresh_token(fresh, pins)] if fresh else []
    from ushield.cli.desk import at_work, image_tokens

    tokens = image_tokens(request.tokens) + made
    # A child that nobody waits for would leave no exit code.
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    # Before there are threads: they do as this one does, which is to wait.
    signal.pthread_sigmask(signal.SIG_BLOCK, _WATCHED)
    with at_work(tokens, request.names) as (service, _):
        variables = {**service.environment, **(pins if fresh else {})}
        return _attend(_start(request.command, {**os.environ, **variables}))


def _fresh_token(keys: Sequence[KeyKind], pins: Mapping[str, str]) -> Token:
    from ushield.cli.ahead import KeysAhead

    ahead = KeysAhead(int(kind.removeprefix("rsa")) for kind in keys if kind.startswith("rsa"))
    # From here on OpenSSL is at work beside what is being loaded.
    from host.personalise import Profile
    from ushield.cli.desk import fresh_token

    profile = Profile.of(
        pin=pins["USHIELD_PIN"],
        puk=pins["USHIELD_PUK"],
        so_pin=Secrets().known("USHIELD_SO_PIN"),
        keys=[kind.value for kind in keys],
    )
    return fresh_token(profile, ahead)


def _start(command: list[str], environment: Mapping[str, str]) -> int:
    """Start the program in our process group, so that the terminal is its own too; its number."""
    try:
        return os.posix_spawnp(
            command[0],
            command,
            environment,
            # As they were before Python and this module had their way.
            setsigmask=(),
            setsigdef=(signal.SIGPIPE, signal.SIGXFSZ),
        )
    except OSError as error:
        raise _unable(command[0], error) from None


def _unable(program: str, error: OSError) -> Complaint:
    if isinstance(error, FileNotFoundError):
        return Complaint(f"{program}: there is no such program", _NOT_FOUND)
    return Complaint(f"{program} cannot be run: {error.strerror}", _NOT_EXECUTABLE)


def _attend(child: int) -> int:
    """Pass signals on until the child ends; the exit code that tells how."""
    while True:
        told = signal.sigwaitinfo(_WATCHED)
        if told.si_signo == signal.SIGCHLD:
            code = _reap(child)
            if code is not None:
                return code if code >= 0 else _BY_SIGNAL - code
        elif not _known_to(child, told):
            os.kill(child, told.si_signo)


def _reap(child: int) -> int | None:
    """How the child ended, if it has. In a container of our own, orphans are ours to bury too."""
    while True:
        ended, status = os.waitpid(-1, os.WNOHANG)
        if ended == child:
            return os.waitstatus_to_exitcode(status)
        if not ended:
            return None


def _known_to(child: int, told: signal.struct_siginfo) -> bool:
    """Whether the child has had this signal too: a key in the terminal is for a process group."""
    typed = told.si_signo in (signal.SIGINT, signal.SIGQUIT) and told.si_code == _SI_KERNEL
    return typed and os.getpgid(child) == os.getpgrp()
