"""`ushield_replay`: a test with the card of a trace."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.program import COMMAND, ok
from tests.pages import blocks, shell, with_ushield
from tests.testing.inner import passes, run_pytest

PAGE = "docs/replay.md"
KEYS, READERS = ["pkcs15-tool", "--list-keys"], ["opensc-tool", "--list-readers"]

CODE = """
import subprocess

def test_it(ushield_replay):
    replay = ushield_replay("bug.jsonl"{options})
    for command in {commands}:
        subprocess.run(command, env=replay.environment, check=True, timeout=60)
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with the trace of a program that lists the keys of a token."""
    recording = [*COMMAND, "record", "--trace", str(tmp_path / "bug.jsonl"), "--", *KEYS]
    ok("run", "--key", "p256", "--", *recording)
    return tmp_path


def test_the_card_of_a_trace_is_in_a_reader(folder: Path) -> None:
    assert passes(folder, CODE.format(options="", commands=[READERS, KEYS])) == "1 passed"


def test_a_test_whose_program_leaves_the_trace_fails_and_says_where(folder: Path) -> None:
    send = ["opensc-tool", "--send-apdu", "00:84:00:00:08"]
    done = run_pytest(folder, CODE.format(options="", commands=[send]))
    assert "1 error" in done.outcomes
    assert "ushield 00 00: the program leaves the trace at its command" in done.text
    assert "expected  " in done.text
    assert "replays.py" not in done.text


def test_tolerance_is_asked_for(folder: Path) -> None:
    done = run_pytest(folder, CODE.format(options="", commands=[KEYS, KEYS]))
    assert "1 failed, 1 error" in done.outcomes
    assert passes(folder, CODE.format(options=", order=True", commands=[KEYS, KEYS])) == "1 passed"


def test_a_trace_that_is_not_there(tmp_path: Path) -> None:
    done = run_pytest(tmp_path, CODE.format(options="", commands=[KEYS]))
    assert "No such file or directory: 'bug.jsonl'" in done.text


def test_the_page(tmp_path: Path) -> None:
    (commands,), (code,) = blocks(PAGE, "run: service"), blocks(PAGE, "run: test")
    said = shell(commands, with_ushield(tmp_path))
    assert said.count("Private EC Key") == 3
    assert passes(tmp_path, code) == "1 passed"
