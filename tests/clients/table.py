"""The table of docs/clients.md: read, and written anew from what the test runs noted.

Run as a program it merges the files of build/clients into the page: `make clients-table`.
"""

from __future__ import annotations

import json
import re
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "clients.md"
BEGIN, END = "<!-- table: begin, written by make clients-table -->\n", "<!-- table: end -->\n"
HEAD = "| program | version (Debian) | what | keys |\n|---|---|---|---|\n"
NO_KEY = "–"


class Use(NamedTuple):
    """What a program did with a kind of key; the key is empty where it plays no part."""

    program: str
    what: str
    key: str


class Row(NamedTuple):
    """A use as it was found with a version of the program, in a system."""

    use: Use
    version: str
    system: str


def parse(page: str) -> set[Row]:
    """The rows of the table in the page."""
    return {row for line in _body(page).splitlines() for row in _rows(line)}


def render(rows: Iterable[Row]) -> str:
    """The lines of the table: those that differ in nothing but the key are one."""
    versions: dict[Use, list[str]] = defaultdict(list)
    for row in sorted(rows, key=lambda row: row.system):
        versions[row.use].append(f"{row.version} ({row.system})")
    lines: dict[tuple[str, str, str], list[str]] = defaultdict(list)
    for use, those in versions.items():
        lines[use.program, use.what, ", ".join(those)].append(use.key or NO_KEY)
    return HEAD + "".join(
        f"| {program} | {those} | {what} | {', '.join(sorted(keys, key=_in_order))} |\n"
        for (program, what, those), keys in sorted(
            lines.items(), key=lambda line: _in_order(*line[0])
        )
    )


def _rows(line: str) -> Iterator[Row]:
    cells = line.strip("| ").split(" | ")
    if len(cells) != 4 or cells[0] == "program":
        return
    program, versions, what, keys = cells
    for version, system in re.findall(r"(\S+) \((\w+)\)", versions):
        for key in keys.split(", "):
            yield Row(Use(program, what, "" if key == NO_KEY else key), version, system)


def _in_order(*texts: str) -> list[list[tuple[int, str]]]:
    """A sort key that has 384 before 2048, and does not mind capitals."""
    return [
        [(int(part), "") if part.isdigit() else (0, part) for part in re.split(r"(\d+)", text)]
        for text in (text.casefold() for text in texts)
    ]


def _body(page: str) -> str:
    return page.partition(BEGIN)[2].partition(END)[0]


def main() -> int:
    """Write the page. It names what is missing if only a part of the systems was tried."""
    files = sorted((ROOT / "build" / "clients").glob("*.json"))
    rows = [
        Row(Use(*use), version, system)
        for file in files
        for use, version, system in json.loads(file.read_text())
    ]
    if {row.system for row in rows} != {"12", "13"}:
        print("error: the table is of Debian 12 and 13; run make clients-table", file=sys.stderr)
        return 1
    page = PAGE.read_text()
    start, _, rest = page.partition(BEGIN)
    PAGE.write_text(start + BEGIN + render(rows) + END + rest.partition(END)[2])
    return 0


if __name__ == "__main__":
    sys.exit(main())
