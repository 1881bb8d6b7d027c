"""Every mutant: those of the text files beside this one, of the life cycle, and of answers.

A text file is a list of small changes, of the part of the card that its first line names. A line
that is not indented says where: a function, a name
of a module, or "memory of" a cell. Below it are the changes that are made there, one at a time:

    name: the rule that it breaks
    - what stands there, once
    + what stands there instead
    ! dialogues that notice

Of a name in a module, + is an expression with its new value. Several lines are one piece of source,
its second line indented as in the function itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from tests.mutants import answers, life
from tests.mutants.mutant import Memory, Mutant, Source, Value

FOLDER = Path(__file__).parent
_MEMORY = "memory of "
_HEAD = re.compile(r"    ([a-z0-9-]+): (.+)")
_LINE = re.compile(r"    ([-+!]) (.*)")


@cache
def mutants() -> tuple[Mutant, ...]:
    """All of them, in the order of the files' names, then those that are made by Python."""
    texts = [each for path in sorted(FOLDER.glob("*.txt")) for each in read(path)]
    return (*texts, *life.MUTANTS, *answers.MUTANTS)


@dataclass
class _Entry:
    """A mutant that is being read."""

    name: str
    breaks: str
    lines: dict[str, list[str]] = field(default_factory=lambda: {"-": [], "+": [], "!": []})

    def made(self, where: str, about: str) -> Mutant:
        """The mutant, when its last line was read."""
        old, new = "\n".join(self.lines["-"]), "\n".join(self.lines["+"])
        change: Source | Value | Memory
        if where.startswith(_MEMORY):
            change = Memory(where.removeprefix(_MEMORY), old, new)
        elif old:
            change = Source(where, old, new)
        else:
            change = Value.of(where, new)
        seen_by = tuple(" ".join(self.lines["!"]).split())
        return Mutant(self.name, self.breaks, change, seen_by, about)


def read(path: Path) -> Iterator[Mutant]:
    """The mutants of one text file; ValueError for a line that is none of the known ones."""
    where, entry = "", None
    lines = path.read_text(encoding="utf-8").splitlines()
    about = lines[0].removeprefix("# ")
    for number, line in enumerate(lines, 1):
        head, part = _HEAD.fullmatch(line), _LINE.fullmatch(line)
        if line.startswith(" ") and not head and not (entry and part):
            raise ValueError(f"{path.name}, line {number}: {line!r} is no part of a mutant")
        if entry and part:
            entry.lines[part[1]].append(part[2])
            continue
        if entry:
            yield entry.made(where, about)
            entry = None
        if head:
            entry = _Entry(head[1], head[2])
        elif line and not line.startswith("#"):
            where = line
    if entry:
        yield entry.made(where, about)
