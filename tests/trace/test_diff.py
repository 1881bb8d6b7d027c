"""Where two dialogues part."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from host.client import TokenClient
from host.trace import CardEvent, Entry, Happening, TraceRecord
from host.trace.diff import find_parting
from tests.host import tokens
from tests.trace.dialogues import everyday, listened
from tests.trace.strategies import dialogues


def dialogue(*steps: Callable[[TokenClient], object], reader: str = "reader") -> list[Entry]:
    with listened(reader) as (client, entries):
        for step in steps:
            step(client)
    return entries


def sign(client: TokenClient) -> None:
    client.verify_pin(tokens.PIN)
    client.sign(b"message", tokens.P256)


def test_the_same_at_another_time_in_another_reader() -> None:
    later = [entry._replace(at=entry.at + 17, reader="another") for entry in everyday()]
    assert find_parting(everyday(), later) is None


def test_when_power_comes_and_goes_does_not_count() -> None:
    events = [e for e in everyday() if isinstance(e.what, CardEvent)]
    kinds = {e.what.happening for e in events if isinstance(e.what, CardEvent)}
    assert kinds == {Happening.POWER_ON, Happening.RESET, Happening.POWER_OFF}
    resets = [
        e
        for e in everyday()
        if isinstance(e.what, TraceRecord) or e.what.happening is Happening.RESET
    ]
    assert find_parting(everyday(), resets) is None
    no_reset = [e for e in everyday() if isinstance(e.what, TraceRecord)]
    parting = find_parting(everyday(), no_reset)
    assert parting is not None and parting.left is not None
    assert isinstance(parting.left.what, CardEvent)


def test_the_first_difference() -> None:
    one = dialogue(TokenClient.serial, TokenClient.label)
    other = dialogue(TokenClient.serial, TokenClient.life_cycle)
    parting = find_parting(one, other)
    assert parting is not None
    assert parting.common == 2, "the selection, and the serial number"
    assert parting.left in one and parting.right in other
    assert parting.left.what.header.hex() == "00ca01b1"  # type: ignore[union-attr]
    assert parting.right.what.header.hex() == "00ca01b2"  # type: ignore[union-attr]
    assert [entry.what for entry in parting.before[-1:]] == [one[4].what]


def test_one_ends_before_the_other() -> None:
    one = dialogue(TokenClient.serial)
    parting = find_parting(one, dialogue(TokenClient.serial, TokenClient.label))
    assert parting is not None
    assert parting.left is None and parting.right is not None
    assert find_parting([], []) is None
    nothing = find_parting([], one)
    assert nothing is not None and nothing.common == 0 and not nothing.before


def test_another_answer_is_a_difference() -> None:
    def wrong(client: TokenClient) -> None:
        client.link.transport.transmit(bytes.fromhex("0020000108303030303030FFFF"))

    def right(client: TokenClient) -> None:
        client.verify_pin(tokens.PIN)

    parting = find_parting(dialogue(right), dialogue(wrong))
    assert parting is not None
    assert (parting.left.what.sw, parting.right.what.sw) == (0x9000, 0x63C5)  # type: ignore[union-attr]


def test_signatures_are_new_each_time() -> None:
    one, other = dialogue(sign), dialogue(sign)
    assert find_parting(one, other) is not None
    assert find_parting(one, other, chance=True) is None


@pytest.mark.parametrize("chance", [False, True])
def test_what_is_not_shown_is_the_same_if_it_is_as_long(chance: bool) -> None:
    full = [e for e in everyday() if isinstance(e.what, TraceRecord)]
    bare = [with_record(entry, data=None) for entry in full]
    assert find_parting(full, bare, chance=chance) is None
    longer = [with_record(entry, data=None, length=10_000) for entry in full]
    assert find_parting(full, longer, chance=chance) is not None


def with_record(entry: Entry, **changes: Any) -> Entry:
    """The same entry with something else in its record."""
    assert isinstance(entry.what, TraceRecord)
    return entry._replace(what=entry.what._replace(**changes))


def test_readers_are_compared_one_by_one() -> None:
    left, right = dialogue(TokenClient.serial), dialogue(TokenClient.serial, reader="right")
    mixed = [entry for pair in zip(left, right, strict=True) for entry in pair]
    assert find_parting(left + right, mixed) is None
    parting = find_parting(left + right, left)
    assert parting is not None and parting.reader == 1


@given(dialogues(), dialogues(), st.booleans())
def test_nothing_parts_from_itself(one: list[Entry], other: list[Entry], chance: bool) -> None:
    assert find_parting(one, one, chance=chance) is None
    there, back = find_parting(one, other, chance=chance), find_parting(other, one, chance=chance)
    assert (there is None) is (back is None)
