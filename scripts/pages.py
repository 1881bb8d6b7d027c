"""Write what pages say of the code anew: ``python -m scripts.pages`` (``make pages``).

A page keeps its generated parts between ``<!-- made: NAME -->`` and ``<!-- end -->``; what is
around them is written by hand. A test says when a page is not current any more.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from apdu.edge import Phase
from apdu.status import describe
from applet.os.lifecycle import LIFE_CYCLE, Ability, Event
from tests.mutants.catalogue import mutants
from tests.mutants.mutant import Mutant

ROOT = Path(__file__).parents[1]
_PART = re.compile(r"(<!-- made: ([a-z-]+) -->\n).*?(<!-- end -->\n)", re.DOTALL)


def name(member: Phase | Ability | Event) -> str:
    """A member of an enumeration as people read it."""
    return member.name.lower().replace("_", " ").replace("pin", "PIN")


def diagram() -> Iterator[str]:
    """The phases and what leads from one to the next, as a Mermaid diagram."""
    yield "```mermaid"
    yield "stateDiagram-v2"
    yield f"    [*] --> {Phase.MANUFACTURED.name}"
    for phase, row in LIFE_CYCLE.items():
        yield f"    {phase.name}: {phase.value:02X} {name(phase)}"
        for event, after in row.after.items():
            if after is not phase:
                yield f"    {phase.name} --> {after.name}: {name(event)}"
    yield f"    {Phase.TERMINATED.name} --> [*]"
    yield "```"


def abilities() -> Iterator[str]:
    """What each phase allows, and how it answers to the rest."""
    yield "| | " + " | ".join(f"{name(phase)} {phase.value:02X}" for phase in LIFE_CYCLE) + " |"
    yield "|---" * (len(LIFE_CYCLE) + 1) + "|"
    for ability in Ability:
        marks = ("yes" if ability in row.allows else "" for row in LIFE_CYCLE.values())
        yield f"| {name(ability)} | " + " | ".join(marks) + " |"
    words = (f"{row.refusal:04X} {describe(row.refusal)}" for row in LIFE_CYCLE.values())
    yield "| *refuses with* | " + " | ".join(words) + " |"


def events() -> Iterator[str]:
    """Where each event leads from each phase; a phase that does not know it refuses it."""
    yield "| | " + " | ".join(name(phase) for phase in LIFE_CYCLE) + " |"
    yield "|---" * (len(LIFE_CYCLE) + 1) + "|"
    for event in Event:
        rows = LIFE_CYCLE.values()
        to = (name(row.after[event]) if event in row.after else "" for row in rows)
        yield f"| {name(event)} | " + " | ".join(to) + " |"


def mutant_kinds() -> Iterator[str]:
    """How many mutants there are of each part of the card, and how many dialogues name them."""
    kinds: dict[str, list[Mutant]] = {}
    for mutant in mutants():
        kinds.setdefault(mutant.about, []).append(mutant)
    yield "| what is changed | mutants | dialogues that notice |"
    yield "|---|---|---|"
    for about, members in kinds.items():
        names = {seen for mutant in members for seen in mutant.seen_by}
        yield f"| {about} | {len(members)} | {len(names)} |"
    every = {seen for mutant in mutants() for seen in mutant.seen_by}
    yield f"| all | {len(mutants())} | {len(every)} |"


PAGES: Mapping[str, Mapping[str, Callable[[], Iterator[str]]]] = {
    "docs/states.md": {"diagram": diagram, "abilities": abilities, "events": events},
    "docs/vectors.md": {"mutants": mutant_kinds},
}
"""The generated parts of each page."""


def current(text: str, parts: Mapping[str, Callable[[], Iterator[str]]]) -> str:
    """The page as it should be; KeyError for a part that nobody makes, or that is missing."""
    left = dict(parts)

    def made(found: re.Match[str]) -> str:
        return found[1] + "\n".join(left.pop(found[2])()) + "\n" + found[3]

    text = _PART.sub(made, text)
    if left:
        raise KeyError(f"the page has no part {', '.join(left)}")
    return text


def main() -> None:
    """Write every page that is not current."""
    for path, parts in PAGES.items():
        page = ROOT / path
        before = page.read_text(encoding="utf-8")
        after = current(before, parts)
        if after != before:
            page.write_text(after, encoding="utf-8")
            print(f"{path} is written anew")


if __name__ == "__main__":
    main()
