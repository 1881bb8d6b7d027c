"""No mutant survives, and no dialogue is without a mutant that it notices."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from tests.mutants.catalogue import mutants, read
from tests.mutants.matrix import Usual, noticed, usual
from tests.mutants.mutant import Answers, Memory, Mutant, Source, StaleMutant, Value
from vectors.loader import Dialogue, load_all

DIALOGUES = {dialogue.id: dialogue for dialogue in load_all()}
MUTANTS = mutants()


def _as_usual(dialogue: Dialogue) -> Usual:
    """How it goes with the right card; held once in a process."""
    if dialogue.id not in _KNOWN:
        _KNOWN[dialogue.id] = usual(dialogue)
    return _KNOWN[dialogue.id]


_KNOWN: dict[str, Usual] = {}


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_the_dialogues_that_it_names_notice_the_mutant(mutant: Mutant) -> None:
    named = [_as_usual(DIALOGUES[name]) for name in mutant.seen_by]
    assert named and all(one.result.passed for one in named)
    assert noticed(mutant, named) == set(mutant.seen_by)


def test_every_dialogue_notices_a_mutant() -> None:
    named = {name for mutant in MUTANTS for name in mutant.seen_by}
    assert named == DIALOGUES.keys()


def test_a_mutant_is_one_of_its_own() -> None:
    assert len(MUTANTS) >= 75
    assert Counter(mutant.name for mutant in MUTANTS).most_common(1)[0][1] == 1
    changes = [mutant.change for mutant in MUTANTS if isinstance(mutant.change, (Source, Memory))]
    assert len(set(changes)) == len(changes)


@pytest.mark.torture
def test_the_whole_matrix() -> None:
    """Each mutant with every dialogue that comes near it; those that it names are among them."""
    known = [_as_usual(dialogue) for dialogue in DIALOGUES.values()]
    for mutant in MUTANTS:
        assert noticed(mutant, known) >= set(mutant.seen_by), mutant.name


# The tools themselves

WHERE = "applet.os.channel:Chain.clear"


def _mutant(change: Source | Value | Memory | Answers) -> Mutant:
    return Mutant("m", "a rule", change, ("x",), "a part")


def test_a_change_is_undone() -> None:
    from applet.os import channel
    from applet.os.channel import Chain

    code, most = Chain.clear.__code__, channel.LONGEST_CHAIN
    with Source(WHERE, "is not None", "is None").made():
        assert Chain.clear.__code__ is not code
    with Value("applet.os.channel:LONGEST_CHAIN", lambda old: old + 1).made():
        assert most + 1 == channel.LONGEST_CHAIN
    assert Chain.clear.__code__ is code and most == channel.LONGEST_CHAIN


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (Source(WHERE, "no such line", "pass"), "'no such line' stands 0 times in applet.os.chan"),
        (Source(WHERE, "self", "pass"), "'self' stands"),
        (Source("applet.os.channel:Chain.shut", "a", "b"), "there is no applet.os.channel:Chain.s"),
    ],
)
def test_a_mutant_that_the_source_has_left_behind_says_so(change: Source, said: str) -> None:
    with pytest.raises(StaleMutant, match=r"stands|there is no") as caught, change.made():
        pass
    assert said in str(caught.value)


def test_a_memory_that_has_changed_is_told() -> None:
    change = Memory("cell", "0102", "0103")
    assert change.spoil({"cell": b"\0\1\2"}) == {"cell": b"\0\1\3"}
    assert change.spoil({"other": b""}) == {"other": b""}
    with pytest.raises(StaleMutant, match="stands 0 times in cell"):
        change.spoil({"cell": b"\2\1"})


def test_a_change_that_matters_to_nobody_is_noticed_by_nobody() -> None:
    known = [_as_usual(DIALOGUES["select-aid"]), _as_usual(DIALOGUES["case-1"])]
    assert all(one.result.passed for one in known)
    same = Source("applet.os.card:Card._select", "in (0x00, 0x0C)", "in (0x0C, 0x00)")
    assert noticed(_mutant(same), known) == frozenset()
    assert noticed(_mutant(Answers(lambda _, answer: answer)), known) == frozenset()
    assert noticed(_mutant(Answers(lambda *_: b"\x6f\x00")), known) == {"select-aid", "case-1"}


def test_what_is_no_part_of_a_mutant_is_told(tmp_path: Path) -> None:
    path = tmp_path / "bad.txt"
    path.write_text("a.b:c\n    name: a rule\n    ? what\n", encoding="utf-8")
    with pytest.raises(ValueError, match=r"bad\.txt, line 3: .* is no part of a mutant"):
        list(read(path))


def test_a_text_file_is_read(tmp_path: Path) -> None:
    path = tmp_path / "good.txt"
    path.write_text(
        "# a comment\n\na.b:c\n    one: first rule\n    - a\n    -     b\n    + c\n"
        "    ! x y\n    ! z\n\n    two: second\n    - d\n    + e\n    ! x\n"
        "\nmemory of cell\n    three: third\n    - 00\n    + 01\n    ! x\n",
        encoding="utf-8",
    )
    assert list(read(path)) == [
        Mutant("one", "first rule", Source("a.b:c", "a\n    b", "c"), ("x", "y", "z"), "a comment"),
        Mutant("two", "second", Source("a.b:c", "d", "e"), ("x",), "a comment"),
        Mutant("three", "third", Memory("cell", "00", "01"), ("x",), "a comment"),
    ]
