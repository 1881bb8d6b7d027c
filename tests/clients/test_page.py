"""docs/reader.md: its program in Python runs as it stands there."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.clients.tool import ushield

PAGE = Path(__file__).parents[2] / "docs" / "reader.md"


def test_the_program_of_the_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (program,) = (block for block in PAGE.read_text().split("```")[1::2] if "import" in block)
    subprocess.run(ushield(tmp_path, "init my.token --key p256"), check=True)
    monkeypatch.chdir(tmp_path)
    command = [sys.executable, "-c", program.removeprefix("python\n")]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    slots = done.stdout.split("Available slots:")[1:]
    assert [text.count("token label") for text in slots] == [1, 1]
    assert [text.index("left") < text.index("token label") for text in slots] == [True, True]
    assert [text.index("right") < text.index("token label") for text in slots] == [False, True]
