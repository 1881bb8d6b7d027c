"""The program ``ushield`` as a user runs it: a process, its output, its exit code."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

PIN, PUK, SO_PIN, NEW_PIN = "135792", "97531864", "86421357", "808182"
SECRETS = {"USHIELD_PIN": PIN, "USHIELD_PUK": PUK, "USHIELD_SO_PIN": SO_PIN}
COMMAND = [sys.executable, "-m", "ushield"]


@dataclass(frozen=True)
class Done:
    """What came of a command."""

    code: int
    out: bytes
    error: str

    @property
    def text(self) -> str:
        return self.out.decode()


def environment(**changes: str | None) -> dict[str, str]:
    """The environment of a user who has set the PINs; None takes one away."""
    own = {name: value for name, value in os.environ.items() if not name.startswith("USHIELD_")}
    own |= SECRETS | {"COLUMNS": "200", "NO_COLOR": "1", "TERM": "dumb"}
    for name, value in changes.items():
        own.pop(name, None)
        if value is not None:
            own[name] = value
    return own


def run(
    *arguments: str | Path, stdin: bytes = b"", unset: tuple[str, ...] = (), **changes: str | None
) -> Done:
    """Run to the end; no secret may be in what it prints, and no traceback."""
    done = subprocess.run(
        [*COMMAND, *map(str, arguments)],
        input=stdin,
        capture_output=True,
        env=environment(**dict.fromkeys(unset), **changes),
        timeout=120,
        # Without a terminal to ask at, wherever the tests run.
        start_new_session=True,
        check=False,
    )
    error = done.stderr.decode()
    assert "Traceback" not in error, error
    for secret in (PIN, PUK, SO_PIN, NEW_PIN):
        assert secret not in error
        assert secret.encode() not in done.stdout
    return Done(done.returncode, done.stdout, error)


def ok(
    *arguments: str | Path, stdin: bytes = b"", unset: tuple[str, ...] = (), **changes: str | None
) -> Done:
    """As `run`, of a command that must end well."""
    done = run(*arguments, stdin=stdin, unset=unset, **changes)
    assert done.code == 0, done.error
    return done


def refused(
    *arguments: str | Path, stdin: bytes = b"", unset: tuple[str, ...] = (), **changes: str | None
) -> str:
    """As `run`, of a command that must end with exit code 1 and one line; the line."""
    done = run(*arguments, stdin=stdin, unset=unset, **changes)
    assert done.code == 1, (done.code, done.error)
    assert done.error.startswith("ushield: ")
    assert done.error.count("\n") == 1, done.error
    return done.error.removeprefix("ushield: ").strip()
