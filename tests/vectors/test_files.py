"""Every vector file keeps to the schema, and the schema says what the loader says."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError

from vectors.errors import VectorError
from vectors.loader import FOLDER, NEEDS, SCHEMA, Step, load_all, load_text
from vectors.pattern import fill
from vectors.profile import VALUES

FILES = sorted(path for path in FOLDER.glob("*.json") if path.name != SCHEMA)
DIALOGUES = load_all()
DOCUMENT = Path(__file__).parents[2] / "docs" / "vectors.md"


@pytest.fixture(scope="module")
def validator() -> Draft202012Validator:
    schema = json.loads((FOLDER / SCHEMA).read_text(encoding="utf-8"))
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_file_keeps_to_the_schema(path: Path, validator: Draft202012Validator) -> None:
    validator.validate(json.loads(path.read_text(encoding="utf-8")))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_file_is_named_after_its_topic(path: Path) -> None:
    assert json.loads(path.read_text(encoding="utf-8"))["topic"] == path.stem


def test_there_are_dialogues_on_every_topic_asked_for() -> None:
    topics = Counter(dialogue.topic for dialogue in DIALOGUES)
    assert len(DIALOGUES) >= 300
    assert topics.keys() >= {
        "command-cases", "select", "pin", "certificate", "sign", "decipher", "chaining",
        "get-response", "data", "files", "life-cycle", "key-generation", "pkcs15", "known-answer",
        "piv-application", "piv-pin", "piv-key", "piv-management",
    }  # fmt: skip


def test_the_schema_knows_the_same_needs(validator: Draft202012Validator) -> None:
    assert validator.schema["$defs"]["need"]["enum"] == list(NEEDS)
    used = {need for dialogue in DIALOGUES for need in dialogue.needs}
    assert used == NEEDS.keys()


@pytest.mark.parametrize("dialogue", DIALOGUES, ids=lambda dialogue: dialogue.id)
def test_a_dialogue_says_what_it_needs(dialogue: Any) -> None:
    """A dialogue that presents a PIN, names a key or sends a long form says so."""
    steps = [step for step in dialogue.steps if isinstance(step, Step)]
    text = " ".join(step.command_text for step in steps)
    for name in ("pin", "puk", "so-pin", "piv-pin", "piv-puk"):
        if "{" + name + "}" in text and "blank-card" not in dialogue.needs:
            assert name in dialogue.needs
    if "{encipher" in text or "{management-key}" in text:
        assert "piv-management" in dialogue.needs
    assert ("A000000308" in text.replace(" ", "")) == ("piv" in dialogue.needs)
    keys = {"81 02 4B01": "sign-key-rsa", "81 02 4B02": "decipher-key-rsa", "81 02 4B03": "key-ec"}
    for key, need in keys.items():
        if key in text and "blank-card" not in dialogue.needs:
            assert need in dialogue.needs
    known = dict(VALUES)
    for step in steps:
        for name, count in re.findall(r"\{([a-z-]+):([0-9]+|\*)", step.data_text):
            known[name] = bytes(70 if count == "*" else int(count))
        for status in step.statuses:
            known.update({status.name: b"\x00"} if status.name else {})
        command = fill(step.command, known)
        if len(command) > 5 and command[4] == 0:
            assert "extended-length" in dialogue.needs


GOOD: dict[str, Any] = {
    "topic": "a",
    "title": "A",
    "dialogues": [
        {
            "id": "x",
            "title": "X",
            "clause": "C",
            "needs": ["pin", "reset"],
            "steps": [
                {"command": "00", "data": "{n:2} ??*3 (*)", "sw": "61{m}", "note": "n"},
                {"reset": True},
                {"command": "{n}{m} [ 00*2 ]", "sw": ["9000", "63C0-63CF"]},
            ],
        }
    ],
}


def _step(document: dict[str, Any]) -> dict[str, Any]:
    step: dict[str, Any] = document["dialogues"][0]["steps"][0]
    return step


def _dialogue(document: dict[str, Any]) -> dict[str, Any]:
    dialogue: dict[str, Any] = document["dialogues"][0]
    return dialogue


BAD: dict[str, Callable[[dict[str, Any]], object]] = {
    "no topic": lambda d: d.pop("topic"),
    "no title": lambda d: d.pop("title"),
    "no dialogues": lambda d: d.pop("dialogues"),
    "empty dialogues": lambda d: d.update(dialogues=[]),
    "dialogues as an object": lambda d: d.update(dialogues={}),
    "an unknown member": lambda d: d.update(more=1),
    "a topic in capitals": lambda d: d.update(topic="A b"),
    "a dialogue without id": lambda d: _dialogue(d).pop("id"),
    "a dialogue without clause": lambda d: _dialogue(d).pop("clause"),
    "an id with spaces": lambda d: _dialogue(d).update(id="x y"),
    "an empty title": lambda d: _dialogue(d).update(title=""),
    "a title of two lines": lambda d: _dialogue(d).update(title="a\nb"),
    "an unknown need": lambda d: _dialogue(d).update(needs=["money"]),
    "a need twice": lambda d: _dialogue(d).update(needs=["pin", "pin", "reset"]),
    "no needs in the list": lambda d: _dialogue(d).update(needs=[]),
    "no steps": lambda d: _dialogue(d).update(steps=[]),
    "a cipher without a name": lambda d: _step(d).update(command="{encipher }"),
    "another cipher": lambda d: _step(d).update(command="{sign pin}"),
    "a step that is a text": lambda d: _dialogue(d).update(steps=["00"]),
    "a step without command": lambda d: _step(d).pop("command"),
    "a step without status word": lambda d: _step(d).pop("sw"),
    "an unknown member of a step": lambda d: _step(d).update(data2=""),
    "a command that is a number": lambda d: _step(d).update(command=0),
    "an empty command": lambda d: _step(d).update(command=""),
    "a command in small letters": lambda d: _step(d).update(command="0a"),
    "half a byte": lambda d: _step(d).update(command="0"),
    "a wildcard in a command": lambda d: _step(d).update(command="00 ??"),
    "a capture in a command": lambda d: _step(d).update(command="00 {q:3}"),
    "brackets in an answer": lambda d: _step(d).update(data="[ 00 ]"),
    "a status word of three digits": lambda d: _step(d).update(sw="900"),
    "a status word that is a number": lambda d: _step(d).update(sw=9000),
    "no status words in the list": lambda d: _step(d).update(sw=[]),
    "a capture among status words": lambda d: _step(d).update(sw=["9000", "61{m}"]),
    "a reset that is not true": lambda d: _dialogue(d)["steps"].append({"reset": False}),
    "a reset with a command": lambda d: _dialogue(d)["steps"].append(
        {"reset": True, "command": "00", "sw": "9000"}
    ),
}


def test_a_good_document_is_good_for_both(validator: Draft202012Validator) -> None:
    validator.validate(GOOD)
    assert len(load_text(json.dumps(GOOD), "good.json")) == 1


@pytest.mark.parametrize("spoil", BAD.values(), ids=BAD.keys())
def test_schema_and_loader_refuse_the_same(
    spoil: Callable[[dict[str, Any]], object], validator: Draft202012Validator
) -> None:
    document = json.loads(json.dumps(GOOD))
    spoil(document)
    with pytest.raises(ValidationError):
        validator.validate(document)
    with pytest.raises(VectorError):
        load_text(json.dumps(document), "bad.json")


def test_the_document_counts_what_there_is() -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    rows = dict(re.findall(r"^\| `([a-z0-9-]+)\.json` \| (\d+) \|", text, re.MULTILINE))
    topics = Counter(dialogue.topic for dialogue in DIALOGUES)
    assert rows == {topic: str(count) for topic, count in topics.items()}
    for need, meaning in NEEDS.items():
        assert f"| `{need}` | {meaning} |" in text
