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


def test_the_sessions_with_a_file_with_the_service_and_with_pcscd(
    folder: Path, pcscd: Pcscd
) -> None:
    (first,) = blocks("shell")
    assert "Verified OK" in shell(first, folder)
    cache = {"XDG_CACHE_HOME": str(folder / "cache")}
    runs, opensc, moves, blank = blocks("service")

    said = shell(runs, folder, **cache)
    assert "ushield 00 00" in said and "No errors" in said and "ssh-rsa" in said
    ours = cache | {"USHIELD_PIN": "123456"}
    said = shell(opensc, folder, **ours)
    assert "No errors" in said and "Verified OK" in said and "ushield 00 00" in said
    said = shell(moves, folder, **ours)
    assert "Right: empty" in said and "is in Right" in said and "the PIN is right" in said
    assert "Private RSA Key" in shell(blank, folder, **ours)
    assert not list(folder.glob("reader.socket*")), "nothing is left behind"

    (plugged,) = blocks("pcscd")
    said = shell(plugged.replace("--vpcd", f"--vpcd 127.0.0.1:{pcscd.port}"), folder, **ours)
    assert "Virtual PCD" in said and "Private RSA Key" in said
