"""A bad vector file becomes one VectorError with file, place and reason, never anything else."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from vectors.errors import VectorError
from vectors.loader import Reset, Step, load_all, load_file, load_text


def _text(*steps: object, needs: object = None, **members: object) -> str:
    dialogue = {"id": "x", "title": "X", "clause": "C", "steps": list(steps), **members}
    if needs is not None:
        dialogue["needs"] = needs
    return json.dumps({"topic": "t", "title": "T", "dialogues": [dialogue]})


STEP = {"command": "00 A4", "sw": "9000"}


def test_what_is_read() -> None:
    text = _text({**STEP, "data": "6F", "note": "n"}, {"reset": True}, needs=["reset"])
    (dialogue,) = load_text(text, "t.json")
    step, reset = dialogue.steps
    assert (dialogue.id, dialogue.topic, dialogue.title, dialogue.clause) == ("x", "t", "X", "C")
    assert dialogue.needs == {"reset"}
    assert isinstance(step, Step) and isinstance(reset, Reset)
    assert (step.command_text, step.data_text, step.note) == ("00 A4", "6F", "n")
    assert [str(status) for status in step.statuses] == ["9000"]


@pytest.mark.parametrize(
    ("text", "place", "reason"),
    [
        ("{", "line 1 column 2", "not JSON"),
        ("[]", "", "expected an object"),
        ('{"topic": "t", "topic": "u"}', "", "'topic' stands twice in one object"),
        ("[" * 100_000, "", "not usable JSON"),
        (_text(STEP, id="x y"), "dialogues[0].id", "'x y' has not the shape"),
        (_text(), "dialogues[0].steps", "expected an array of one or more"),
        (_text(STEP, needs=["money"]), "dialogues[0].needs[0]", "'money' is not among pin"),
        (_text(STEP, needs=["pin", "pin"]), "dialogues[0].needs[1]", "'pin' stands twice"),
        (_text(STEP, extra=1), "dialogues[0]", "'extra' is not known here"),
        (_text({"sw": "9000"}), "dialogues[0].steps[0]", "'command' is missing"),
        (_text({**STEP, "command": "0G"}), "dialogues[0].steps[0].command", "character 0: '0'"),
        (_text({**STEP, "command": "{a}"}), "dialogues[0].steps[0].command", "'a' has no value"),
        (_text({**STEP, "data": "{a}"}), "dialogues[0].steps[0].data", "'a' has no value yet"),
        (_text({**STEP, "data": "{pin:1}"}), "dialogues[0].steps[0].data", "'pin' has a value al"),
        (_text({**STEP, "command": "{encipher a}"}), "dialogues[0].steps[0].command", "'a' has no"),
        (
            _text({**STEP, "data": "{a:7} {decipher a}"}),
            "dialogues[0].steps[0].data",
            "'a' is no block of 8 bytes",
        ),
        (
            _text({**STEP, "data": "{a:1}", "sw": "61{a}"}),
            "dialogues[0].steps[0].sw",
            "'a' has a value already",
        ),
        (_text({**STEP, "sw": "90"}), "dialogues[0].steps[0].sw", "expected a status word like"),
        (_text({**STEP, "sw": ["9000", 1]}), "dialogues[0].steps[0].sw[1]", "expected a string"),
        (
            _text({**STEP, "sw": ["9000", "61{a}"]}),
            "dialogues[0].steps[0].sw",
            "only a status word that stands alone",
        ),
        (_text({"reset": True}), "dialogues[0].steps[0]", "does not say that it needs 'reset'"),
        (_text({"reset": 1}, needs=["reset"]), "dialogues[0].steps[0].reset", "expected true"),
    ],
)
def test_place_and_reason(text: str, place: str, reason: str) -> None:
    with pytest.raises(VectorError) as caught:
        load_text(text, "t.json")
    error = caught.value
    assert (error.file, error.place) == ("t.json", place)
    assert reason in error.reason
    assert str(error).startswith("t.json: ") and place in str(error)


def test_an_id_is_unique_in_a_file() -> None:
    document = json.loads(_text(STEP))
    document["dialogues"] *= 2
    with pytest.raises(VectorError, match=r"dialogues\[1\].id: the id 'x' is taken in this file"):
        load_text(json.dumps(document), "t.json")


def test_an_id_is_unique_in_a_folder(tmp_path: Path) -> None:
    for name in ("a.json", "b.json"):
        (tmp_path / name).write_text(_text(STEP), encoding="utf-8")
    (tmp_path / "schema.json").write_text("no vectors", encoding="utf-8")
    with pytest.raises(VectorError, match=r"b\.json: dialogues: the id 'x' is taken in a\.json"):
        load_all(tmp_path)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(VectorError, match="No such file"):
        load_file(tmp_path / "none.json")


def test_a_file_that_is_not_utf_8(tmp_path: Path) -> None:
    path = tmp_path / "t.json"
    path.write_bytes(b'{"topic": "\xff"}')
    with pytest.raises(VectorError, match=r"byte 11: not UTF-8"):
        load_file(path)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=8,
)


@given(st.text())
@example("NaN")
@example('{"topic":' + "9" * 10_000 + "}")
@example("\x00")
def test_any_text_is_read_or_refused(text: str) -> None:
    with pytest.raises(VectorError):
        load_text(text, "t.json")


@given(JSON, st.data())
def test_any_value_in_any_place_is_read_or_refused(value: Any, data: st.DataObject) -> None:
    document: Any = json.loads(
        _text({**STEP, "data": "??", "note": "n"}, {"reset": True}, needs=["reset"])
    )
    place = document
    while isinstance(place, (dict, list)) and place:
        key = data.draw(st.sampled_from(sorted(place) if isinstance(place, dict) else [0, -1]))
        if not isinstance(place[key], (dict, list)) or data.draw(st.booleans()):
            place[key] = value
            break
        place = place[key]
    refusal = VectorError("t.json", "", "none")
    try:
        load_text(json.dumps(document), "t.json")
    except VectorError as error:
        refusal = error
    assert refusal.file == "t.json" and refusal.reason
