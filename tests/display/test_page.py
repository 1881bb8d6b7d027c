"""docs/display.md: its examples are run as they stand there."""

from __future__ import annotations

from pathlib import Path

from tests.pages import blocks, shell, with_ushield
from tests.testing.inner import passes

PAGE = "docs/display.md"


def test_the_rules(tmp_path: Path) -> None:
    (code,) = blocks(PAGE, "run: shell")
    shell(code, with_ushield(tmp_path))
    assert (tmp_path / "order.sig").read_bytes()


def test_the_test(tmp_path: Path) -> None:
    (code,) = blocks(PAGE, "run: test")
    assert passes(tmp_path, code) == "1 passed"
