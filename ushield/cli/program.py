"""A program as our child: started in an environment, told every signal, and outlived."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Mapping
from threading import get_ident
from typing import TypeVar

from ushield.cli.complaint import Complaint

T = TypeVar("T")

_NOT_FOUND, _NOT_EXECUTABLE, _BY_SIGNAL = 127, 126, 128
"""Exit codes as shells have them; a program that a signal ended has the last and its number."""

_PASSED_ON = frozenset(
    {
        *(signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGTERM),
        *(signal.SIGUSR1, signal.SIGUSR2, signal.SIGALRM, signal.SIGVTALRM, signal.SIGPROF),
        *(signal.SIGWINCH, signal.SIGCONT, signal.SIGIO, signal.SIGPWR),
    }
)
_WATCHED = _PASSED_ON | {signal.SIGCHLD}
_ENDING = frozenset({signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGTERM})
_FROM_TERMINAL = frozenset({signal.SIGINT, signal.SIGQUIT, signal.SIGWINCH})
"""What a terminal tells every process of its foreground group."""
_SI_KERNEL = 0x80
"""The origin of a signal that the terminal sends (Linux: asm-generic/siginfo.h)."""


def before_threads() -> None:
    """Call this before any thread is started: they do as this one does, which is to wait."""
    # A child that nobody waits for would leave no exit code.
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_BLOCK, _WATCHED)


def before_program(act: Callable[[], T]) -> T:
    """Do what may be kept waiting, after `before_threads`; a signal meanwhile ends us at once.

    It is done in a thread of its own, which can be in the middle of a driver's call and is left
    there: there must be nothing yet to clean up. What else is signalled waits for the program.
    """
    # Only now: `ushield run` does without, and has to start fast.
    from host.aside import begin_aside

    waiting = get_ident()
    outcome = begin_aside(
        act, name="ushield-before", tell=lambda: signal.pthread_kill(waiting, signal.SIGCHLD)
    )
    while not outcome.done():
        number = signal.sigwait(_ENDING | {signal.SIGCHLD})
        if number in _ENDING and signal.getsignal(number) is not signal.SIG_IGN:
            os._exit(_BY_SIGNAL + number)
    return outcome.result()


def run_program(command: list[str], environment: Mapping[str, str]) -> int:
    """Run a program to its end, after `before_threads`; the exit code that tells how it ended.

    Complaint with the code that shells have for a program that is not there or cannot be run.
    """
    return _attend(_start(command, environment))


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
    """Whether the child has had this signal too: a terminal tells a process group."""
    typed = told.si_signo in _FROM_TERMINAL and told.si_code == _SI_KERNEL
    return typed and os.getpgid(child) == os.getpgrp()
