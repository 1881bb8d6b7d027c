"""Every command of the README does what the README says, run as it stands there."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.pcscd import Pcscd, pcscd

__all__ = ["pcscd"]

README = Path(__file__).parent.parent / "README.md"
BLOCK = re.compile(r"<!-- run: (\w+) -->\n```\w+\n(.*?)```", re.DOTALL)


def blocks(kind: str) -> list[str]:
    return [code for found, code in BLOCK.findall(README.read_text()) if found == kind]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the README's reader stands; `ushield` is on the path as after an installation."""
    place = tmp_path_factory.mktemp("readme")
    program = place / "bin" / "ushield"
    program.parent.mkdir()
    root = README.parent
    program.write_text(f'#!/bin/sh\nPYTHONPATH={root} exec {sys.executable} -m ushield "$@"\n')
    program.chmod(0o755)
    return place


def shell(code: str, folder: Path, **variables: str) -> str:
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


def test_the_two_commands_are_targets_of_the_makefile() -> None:
    makefile = (README.parent / "Makefile").read_text()
    for command in ("make demo", "make test"):
        assert f"{command}\n" in README.read_text()
        assert f"\n{command.removeprefix('make ')}:" in makefile


def test_the_library_in_eight_lines() -> None:
    (code,) = blocks("python")
    own = [line for line in code.splitlines() if line and not line.startswith(("import", "from"))]
    assert len(own) <= 8
    exec(compile(code, "README.md", "exec"), {})


def test_the_session_with_a_file_and_the_sessions_with_opensc(folder: Path, pcscd: Pcscd) -> None:
    (first,) = blocks("shell")
    assert "Verified OK" in shell(first, folder)
    with_openssl, blank = blocks("pcscd")
    ours = {"XDG_CACHE_HOME": str(folder / "cache"), "USHIELD_PIN": "123456"}
    port = f"--vpcd 127.0.0.1:{pcscd.port}"

    said = shell(with_openssl.replace("--vpcd", port), folder, **ours)
    assert "No errors" in said and "Verified OK" in said and "ssh-rsa" in said
    said = shell(blank.replace("--vpcd", port), folder, **ours)
    assert "Private RSA Key" in said
