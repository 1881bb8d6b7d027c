"""The program at a terminal, with somebody who types: a pseudo-terminal of its own."""

from __future__ import annotations

import os
import pty
import select
import subprocess
import sys
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
    screen, terminal = pty.openpty()
    with subprocess.Popen(
        ["setsid", "--ctty", *command],
        stdin=terminal,
        stdout=terminal,
        stderr=terminal,
        env=environment(**dict.fromkeys(unset), **changes),
    ) as program:
        os.close(terminal)
        seen = _attend(screen, [os.fsencode(text) for text in typed])
        os.close(screen)
        return Seen(program.wait(_SECONDS), seen.decode())


def _attend(screen: int, typed: list[bytes]) -> bytes:
    """Type at each prompt; all that was seen until the program had ended."""
    seen, answered = b"", 0
    while select.select([screen], [], [], _SECONDS)[0]:
        try:
            piece = os.read(screen, 4096)
        except OSError:  # how Linux says that the other side is closed
            break
        seen += piece
        if typed and seen[answered:].endswith(b": "):
            answered = len(seen)
            os.write(screen, typed.pop(0))
    assert not typed, f"nobody asked any more:\n{seen.decode()}"
    return seen


def ushield(*arguments: object) -> list[str]:
    """The command line of the program."""
    return [sys.executable, "-m", "ushield", *map(str, arguments)]
