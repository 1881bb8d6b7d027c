"""docs/conformance.md: its examples run as they stand there, and its tables say what is true."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

import pytest

from host.conformance.outcome import Verdict
from tests.conformance.cards import DIALOGUES
from tests.pages import ROOT, blocks, shell, with_ushield

PAGE = "docs/conformance.md"
PINS = {"USHIELD_PIN": "123456", "USHIELD_PUK": "12345678"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return with_ushield(tmp_path)


def test_the_first_examples_and_their_reports(folder: Path) -> None:
    (code,) = blocks(PAGE, "run: shell")
    said = shell(code, folder)
    assert said.count("a fresh token in memory: ") == 3 and "failed" in said
    assert (folder / "report.html").stat().st_size > 10_000
    assert (folder / "report.xml").read_text().startswith("<?xml")
    document = json.loads((folder / "report.json").read_text())
    assert document["passed"] and document["counts"]["failed"] == 0
    table = (ROOT / PAGE).read_text().partition("The JSON has")[2].partition("A step has")[0]
    known = set(re.findall(r"`([a-z]+)`", table))
    assert document.keys() <= known
    for entry in document["dialogues"]:
        assert entry.keys() <= known


def test_an_image_and_the_same_in_a_reader(folder: Path) -> None:
    (code,) = blocks(PAGE, "run: image")
    said = shell(code, folder, **PINS)
    assert re.search(r"my\.token: \d{3} passed, \d+ skipped of", said)
    assert re.search(r"ushield 00 00: \d{3} passed, \d+ skipped of", said)


def test_dialogues_of_ones_own(folder: Path) -> None:
    (code,) = blocks(PAGE, "run: own")
    assert "a fresh token in memory: 1 passed of 1 dialogues" in shell(code, folder)


def test_the_conftest_makes_tests(folder: Path) -> None:
    (conftest,) = blocks(PAGE, "run: conftest")
    (folder / "conftest.py").write_text(conftest)
    (program,) = blocks(PAGE, "run: pytest")
    second = program.splitlines()[1].replace("pytest", f"{sys.executable} -m pytest -q", 1)
    assert re.search(r"\d+ passed, \d+ skipped, \d+ deselected in", shell(second, folder))


def test_the_comparison_adds_up() -> None:
    text = (ROOT / PAGE).read_text()
    found = re.search(r"Measured on \d{4}-\d\d-\d\d with (\d+) dialogues", text)
    assert found and int(found[1]) <= len(DIALOGUES)
    rows = re.findall(r"\| (\d+) \| (\d+) \| (\d+) \| (\d+) \| [\d.]+ s \|", text)
    assert len(rows) == 5
    for judged, *parts in rows:
        assert int(judged) == sum(map(int, parts)) <= int(found[1])
    assert all(f"`{verdict}`" in text for verdict in Verdict)
