"""docs/piv.md: its recipes run as they stand there, one after the other, with one card."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from tests.clients.piv import from_factory, in_reader, needs, our_token_in_reader
from tests.clients.tool import Tool

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "piv.md"
BLOCK = re.compile(r"<!-- run: (\w+) -->\n```\w+\n(.*?)```", re.DOTALL)

pytestmark = [
    needs("yubico-piv-tool", "yubico-piv-tool"),
    needs("ykman", "yubikey-manager"),
    needs("p11tool", "gnutls-bin"),
]


def blocks(kind: str) -> list[str]:
    return [code for found, code in BLOCK.findall(PAGE.read_text()) if found == kind]


def test_the_command_line(tmp_path: Path) -> None:
    """Run by this system's own Python and programs."""
    said = _ran(["bash", "-euc", "".join(blocks("shell"))], tmp_path)
    assert "9c    signature key" in said and "Version:\t5.7.0" in said
    assert "Subject DN:\tCN=Li Lei" in said and "No errors" in said
    assert re.search(r"PIV version: +5\.7\.0", said)
    assert "the signature is right\n" in said and "the PIN is changed\n" in said


def test_in_python(tmp_path: Path) -> None:
    (code,) = blocks("python")
    assert _ran([sys.executable, "-c", code], tmp_path) == ""


def _ran(command: list[str], folder: Path) -> str:
    programs = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    environment = {**os.environ, "PATH": programs, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_recipes(folder: Path) -> None:
    with in_reader(from_factory(), folder) as card:
        said = [_run(card, code) for code in blocks("card")]
    assert "Successful RSA verification" in said[0]
    assert "me.pem: OK" in said[1]
    assert "No errors" in said[2] and "Verified OK" in said[2] and "ssh-rsa" in said[2]
    assert "Private key" in said[2]


def test_the_attestation() -> None:
    with our_token_in_reader("--applet piv --blank") as card:
        (code,) = blocks("attestation")
        assert "attestation.pem: OK" in _run(card, code)


def _run(card: Tool, code: str) -> str:
    card.write("recipe", code.encode())
    return card.run("bash -e recipe")
