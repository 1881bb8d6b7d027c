"""docs/testing.md: its tests run as they stand there, its recipes are at least well-formed."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from tests import pages
from tests.testing.inner import passes

INSTRUCTIONS = {"FROM", "RUN", "WORKDIR", "COPY", "USER", "CMD"}


def blocks(kind: str) -> list[str]:
    return pages.blocks("docs/testing.md", kind)


def test_the_first_test_is_complete_in_under_twenty_lines() -> None:
    first = blocks("run: test")[0]
    assert len(first.splitlines()) < 20


@pytest.mark.parametrize("options", [(), ("-n", "2")])
def test_the_tests_pass(tmp_path: Path, options: tuple[str, ...]) -> None:
    *others, last = blocks("run: test")
    for place, code in enumerate(others):
        (tmp_path / f"test_{place}.py").write_text(code)
    assert passes(tmp_path, last, *options) == "7 passed"


def test_the_test_with_pyscard_passes(tmp_path: Path) -> None:
    (code,) = blocks("run: pyscard")
    assert passes(tmp_path, code) == "1 passed"


def test_the_recipes_are_yaml_and_run_pytest() -> None:
    actions, gitlab = [yaml.safe_load(code) for code in blocks("check: yaml")]
    steps = [step.get("run", "") for step in actions["jobs"]["test"]["steps"]]
    assert steps[-1].startswith("pytest")
    assert any("opensc" in step for step in steps)
    assert gitlab["test"]["script"][0].startswith("pytest")


def test_the_dockerfile_is_one_and_ends_without_privileges() -> None:
    (code,) = blocks("check: dockerfile")
    lines = code.replace("\\\n", "").splitlines()
    words = [line.split(maxsplit=1) for line in lines]
    assert {word for word, _ in words} <= INSTRUCTIONS
    assert words[-2] == ["USER", "65534"]
    assert words[-1][1].startswith('["pytest"')
