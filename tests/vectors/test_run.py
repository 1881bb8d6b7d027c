"""A dialogue held with cards made of a list of answers."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from vectors.loader import Dialogue, load_text
from vectors.run import run


def _dialogue(*steps: dict[str, object]) -> Dialogue:
    entry = {"id": "x", "title": "X", "clause": "C", "needs": ["reset"], "steps": steps}
    text = json.dumps({"topic": "t", "title": "T", "dialogues": [entry]})
    return load_text(text, "t.json")[0]


def _card(*answers: str) -> tuple[Callable[[bytes], bytes], list[str]]:
    """A card that gives these answers, and the list of what it is sent."""
    waiting = list(answers)
    sent: list[str] = []

    def transmit(command: bytes) -> bytes:
        sent.append(command.hex())
        return bytes.fromhex(waiting.pop(0))

    return transmit, sent


def test_captures_and_status_words_go_into_later_commands() -> None:
    dialogue = _dialogue(
        {"command": "00 84", "data": "{a:2} {b:*}", "sw": "61{left}"},
        {"command": "00 C0 00 00 {left}", "data": "{b}", "sw": ["6100", "9000"]},
        {"command": "00 20 [ {pin} ] {a}", "sw": "63C0-63CF"},
    )
    transmit, sent = _card("010203046105", "03049000", "63c2")
    result = run(dialogue, transmit)
    assert result.passed and not result.fault
    assert sent == ["0084", "00c0000005", "002008313233343536ffff0102"]
    assert [exchange.answer.hex() for exchange in result.exchanges] == [
        "010203046105",
        "03049000",
        "63c2",
    ]
    assert [exchange.command.hex() for exchange in result.exchanges] == sent


@pytest.mark.parametrize(
    ("answer", "fault"),
    [
        ("", "step 2 (second): expected a status word of 2 bytes, got 0"),
        ("90", "step 2 (second): expected a status word of 2 bytes, got 1"),
        ("6a82", "step 2 (second): expected status word 9000 or 6281-628F, got 6A82"),
        ("00019000", "step 2 (second): the data of 2 bytes does not match at byte 1: 01, exp"),
        ("9000", "step 2 (second): the data of 0 bytes does not match at byte 0: ends, expec"),
    ],
)
def test_the_first_fault_ends_the_dialogue(answer: str, fault: str) -> None:
    dialogue = _dialogue(
        {"command": "00", "sw": "9000"},
        {"command": "01", "data": "0000", "sw": ["9000", "6281-628F"], "note": "second"},
        {"command": "02", "sw": "9000"},
    )
    transmit, sent = _card("9000", answer, "9000")
    result = run(dialogue, transmit)
    assert not result.passed
    assert result.fault.startswith(fault)
    assert sent == ["00", "01"] and len(result.exchanges) == 2


def test_a_reset_is_done_where_it_stands() -> None:
    dialogue = _dialogue(
        {"command": "00", "sw": "9000"}, {"reset": True}, {"command": "01", "sw": "9000"}
    )
    transmit, sent = _card("9000", "9000")
    assert run(dialogue, transmit, lambda: sent.append("reset")).passed
    assert sent == ["00", "reset", "01"]


def test_without_a_way_to_reset_the_dialogue_ends_there() -> None:
    dialogue = _dialogue(
        {"command": "00", "sw": "9000"}, {"reset": True}, {"command": "01", "sw": "9000"}
    )
    transmit, sent = _card("9000", "9000")
    result = run(dialogue, transmit)
    assert result.fault == "step 2: the card cannot be reset"
    assert sent == ["00"]


def test_other_values_may_be_given() -> None:
    dialogue = _dialogue({"command": "00 20 [ {pin} ]", "sw": "9000"})
    transmit, sent = _card("9000")
    assert run(dialogue, transmit, values={"pin": b"\x01"}).passed
    assert sent == ["00200101"]


def test_what_the_transport_raises_goes_through() -> None:
    def gone(command: bytes) -> bytes:
        raise ConnectionError("the card is gone")

    with pytest.raises(ConnectionError, match="the card is gone"):
        run(_dialogue({"command": "00", "sw": "9000"}), gone)


def test_a_repr_shows_no_bytes() -> None:
    dialogue = _dialogue({"command": "00 20 [ {pin} ]", "sw": "9000"})
    result = run(dialogue, _card("9000")[0])
    assert "1234" not in repr(result) and "313233" not in repr(result)
    assert result.fault == ""
