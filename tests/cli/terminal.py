"""The program at a terminal, with somebody who types: a pseudo-terminal of its own."""

from __future__ import annotations

import os
import pty
import select
import sys
import time
from dataclasses import dataclass

from tests.cli.program import environment

_SECONDS = 60


@dataclass(frozen=True)
class Seen:
    """The exit code, and all that was to be seen on the screen."""

    code: int
    screen: str


def at_terminal(
    command: list[str], *typed: str, unset: tuple[str, ...] = (), **changes: str | None
) -> Seen:
    """Run a command; each text is typed when the screen ends in a prompt, in this order."""
    child, screen = pty.fork()
    if not child:
        os.execvpe(command[0], command, environment(**dict.fromkeys(unset), **changes))
    seen, answered, waiting = b"", 0, list(typed)
    deadline = time.monotonic() + _SECONDS
    while time.monotonic() < deadline and select.select([screen], [], [], _SECONDS)[0]:
        try:
            piece = os.read(screen, 4096)
        except OSError:  # how Linux says that the other side is closed
            break
        seen += piece
        if waiting and seen[answered:].endswith(b": "):
            answered = len(seen)
            os.write(screen, waiting.pop(0).encode())
    os.close(screen)
    _, status = os.waitpid(child, 0)
    assert not waiting, f"nobody asked any more:\n{seen.decode()}"
    return Seen(os.waitstatus_to_exitcode(status), seen.decode())


def ushield(*arguments: object) -> list[str]:
    """The command line of the program."""
    return [sys.executable, "-m", "ushield", *map(str, arguments)]
