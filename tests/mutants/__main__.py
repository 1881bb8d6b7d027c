"""``python -m tests.mutants``: each mutant, and how many of all the dialogues notice it."""

from __future__ import annotations

from collections import Counter

from tests.mutants.catalogue import mutants
from tests.mutants.matrix import noticed, usual
from vectors.loader import load_all


def main() -> None:
    """Print the matrix, a line a mutant, and the dialogues that the fewest mutants trouble."""
    known = [usual(dialogue) for dialogue in load_all()]
    troubled: Counter[str] = Counter({one.dialogue.id: 0 for one in known})
    for mutant in mutants():
        found = noticed(mutant, known)
        troubled.update(found)
        print(f"{len(found):4}  {mutant.name:40} {mutant.breaks}")
    print(f"\n{len(mutants())} mutants, {len(known)} dialogues; noticed the fewest mutants:")
    for name, count in troubled.most_common()[:-11:-1]:
        print(f"{count:4}  {name}")


if __name__ == "__main__":
    main()
