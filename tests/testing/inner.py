"""Test sessions inside a test: pytest in a process of its own, as a user runs it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

_OURS = ("PYTEST_", "PCSCLITE_", "USHIELD_", "XDG_", "SSH_", "CI")


@dataclass(frozen=True)
class Done:
    """What came of a session; `outcomes` is such as "2 passed, 1 failed"."""

    code: int
    text: str

    @property
    def outcomes(self) -> str:
        last = self.text.rstrip().rpartition("\n")[2]
        return last.strip("= ").rpartition(" in ")[0]


def run_pytest(
    folder: Path, code: str, *options: str, variables: Mapping[str, str] | None = None
) -> Done:
    """Write a test file and run it. A warning is an error there too."""
    (folder / "test_inner.py").write_text(code)
    own = {name: value for name, value in os.environ.items() if not name.startswith(_OURS)}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-W", "error", "--strict-markers", *options],
        cwd=folder,
        env={**own, **(variables or {})},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=120,
        check=False,
    )
    return Done(done.returncode, done.stdout)


def passes(
    folder: Path, code: str, *options: str, variables: Mapping[str, str] | None = None
) -> str:
    """Run it; everything must pass. What it printed."""
    done = run_pytest(folder, code, *options, variables=variables)
    assert done.code == 0, done.text
    return done.outcomes
