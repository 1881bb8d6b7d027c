"""The examples in our pages, and a shell to run them in as their reader would.

An example that is run has a comment before it: ``<!-- run: KIND -->``.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
_BLOCK = re.compile(r"<!-- (\w+: \w+) -->\n```\w+\n(.*?)```", re.DOTALL)


def blocks(page: str, kind: str) -> list[str]:
    """The examples of a page that have this comment, such as "run: shell"."""
    text = (ROOT / page).read_text(encoding="utf-8")
    return [code for found, code in _BLOCK.findall(text) if found == kind]


def with_ushield(folder: Path) -> Path:
    """A folder in which `shell` finds `ushield` on the path, as after an installation."""
    program = folder / "bin" / "ushield"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nPYTHONPATH={ROOT} exec {sys.executable} -m ushield "$@"\n')
    program.chmod(0o755)
    return folder


def shell(code: str, folder: Path, **variables: str) -> str:
    """Run an example, up to the first command that fails; what it printed."""
    path = f"{folder / 'bin'}:{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-ec", code],
        cwd=folder,
        env=os.environ | {"PATH": path} | variables,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=180,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout
