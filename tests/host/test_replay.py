"""A recorded card answers as that card did, and says where somebody leaves the record."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st

from host.client import TokenClient
from host.errors import CardError
from host.memory import MemoryTransport
from host.replay import ReplayCard, Tolerance
from host.trace import CardEvent, Direction, Entry, TracedCard, Tracer
from host.transport import CardPort
from tests.host import tokens

MESSAGE = b"pay 100.00 CNY to Li Lei"
OTHER_PIN = "246800"
LOST = b"\x6f\x00"


def traced(card: CardPort) -> tuple[TracedCard, list[Entry]]:
    entries: list[Entry] = []
    clock = count()
    return TracedCard(card, Tracer(entries.append, "reader", lambda: next(clock))), entries


def recorded(dialogue: Callable[[TokenClient], object]) -> tuple[list[Entry], object]:
    """The trace of what somebody does with a token, and what came of it."""
    card, entries = traced(tokens.token_card())
    return entries, held(card, dialogue)


def held(card: CardPort, dialogue: Callable[[TokenClient], object]) -> object:
    with MemoryTransport(card) as transport:
        return dialogue(TokenClient(transport))


def sign(client: TokenClient, message: bytes = MESSAGE) -> tuple[bytes, object]:
    client.verify_pin(tokens.PIN)
    return client.sign(message, tokens.SIGNING), client.certificate(tokens.SIGNING)


def test_the_same_dialogue_comes_to_the_same() -> None:
    entries, result = recorded(sign)
    card = ReplayCard(entries)
    assert held(card, sign) == result
    assert (card.departure, card.left) == (None, 0)


def test_its_trace_is_the_trace() -> None:
    entries, _ = recorded(sign)
    card, again = traced(ReplayCard(entries))
    held(card, sign)
    assert [one.what for one in again] == [one.what for one in entries]


def test_what_is_not_shown_matches_anything_of_its_length() -> None:
    def verify(pin: str) -> Callable[[TokenClient], None]:
        return lambda client: client.verify_pin(pin)

    entries, _ = recorded(verify(tokens.PIN))
    assert tokens.PIN not in repr(entries)
    card = ReplayCard(entries)
    held(card, verify(OTHER_PIN))
    assert card.departure is None


def test_another_message_leaves_the_trace() -> None:
    entries, _ = recorded(sign)
    card = ReplayCard(entries)
    with pytest.raises(CardError):
        held(card, lambda client: sign(client, b"pay 900.00 CNY to Li Lei"))
    left = card.departure
    assert left is not None
    assert left.expected is not None
    assert left.expected.name == left.got.name == "PSO SIGN"
    assert "other data, from byte" in str(left)
    assert str(left).count("\n") == 2


def test_another_message_of_the_same_length_is_tolerated_if_asked_for() -> None:
    entries, result = recorded(sign)
    card = ReplayCard(entries, tolerance=Tolerance.RANDOM)
    assert held(card, lambda client: sign(client, b"pay 900.00 CNY to Li Lei")) == result
    assert card.departure is None


def test_after_a_departure_nothing_works() -> None:
    card = ReplayCard(recorded(sign)[0])
    card.power_on()
    assert card.transmit(bytes.fromhex("0084000008")) == LOST
    departure = card.departure
    assert card.transmit(bytes.fromhex("00A4040C 0C A000000063504B43532D3135")) == LOST
    assert card.departure is departure


def test_a_program_that_goes_on_when_the_trace_is_over() -> None:
    entries, _ = recorded(lambda client: client.info())
    card = ReplayCard(entries)
    held(card, lambda client: client.info())
    with pytest.raises(CardError):
        held(card, lambda client: client.info())
    assert card.departure is not None
    assert card.departure.expected is None
    assert "expected  nothing more" in str(card.departure)


def test_a_program_that_ends_early() -> None:
    entries, _ = recorded(sign)
    card = ReplayCard(entries)
    held(card, lambda client: client.verify_pin(tokens.PIN))
    assert card.departure is None
    assert card.left > 0


# --- independent reads in any order ---

WITHOUT = bytes.fromhex("00A4000C 02 5015"), bytes.fromhex("00A40000 02 3F00")
SELECT_TOKEN_INFO = bytes.fromhex("00A40800 04 50155032 00")
SELECT_KEYS = bytes.fromhex("00A40800 04 50154402 00")
READ, MODULUS, SERIAL = (bytes.fromhex(text) for text in ("00B0000010", "00CA010100", "00CA01B000"))
VERIFY = bytes.fromhex("00200001 08 313335373930FFFF")


def dialogue(*commands: bytes) -> list[Entry]:
    card, entries = traced(tokens.token_card())
    card.power_on()
    for command in commands:
        card.transmit(command)
    return entries


def test_reads_in_another_order() -> None:
    trace = dialogue(SELECT_TOKEN_INFO, READ, SELECT_KEYS, READ, VERIFY)
    info, keys = (one.what for one in trace[4::4][:2])
    card = ReplayCard(trace, tolerance=Tolerance.ORDER)
    card.power_on()
    for select, answer in ((SELECT_KEYS, keys), (SELECT_TOKEN_INFO, info), (SELECT_KEYS, keys)):
        card.transmit(select)
        assert not isinstance(answer, CardEvent)
        assert card.transmit(READ) == (answer.data or b"") + b"\x90\x00"
    assert card.transmit(VERIFY) == b"\x90\x00"
    assert card.departure is None


def test_without_tolerance_the_order_matters() -> None:
    card = ReplayCard(dialogue(SELECT_TOKEN_INFO, READ, SELECT_KEYS, READ))
    card.power_on()
    assert card.transmit(SELECT_KEYS) == LOST


def test_reads_may_be_left_out_but_not_changes() -> None:
    trace = dialogue(SELECT_TOKEN_INFO, READ, VERIFY, SERIAL)
    card = ReplayCard(trace, tolerance=Tolerance.ORDER)
    card.power_on()
    assert card.transmit(SERIAL) == LOST, "before the PIN was verified it was not read"
    card = ReplayCard(trace, tolerance=Tolerance.ORDER)
    card.power_on()
    card.transmit(SELECT_TOKEN_INFO)
    assert card.transmit(VERIFY) == b"\x90\x00"
    assert card.transmit(SERIAL)[-2:] == b"\x90\x00"


def test_a_read_of_another_file_is_no_read_of_this_one() -> None:
    card = ReplayCard(dialogue(SELECT_TOKEN_INFO, READ, SELECT_KEYS), tolerance=Tolerance.ORDER)
    card.power_on()
    card.transmit(SELECT_KEYS)
    assert card.transmit(READ) == LOST
    assert card.departure is not None


def test_the_rest_of_an_answer_is_the_last_commands() -> None:
    certificate = bytes.fromhex("00CB3FFF 04 5C027F21 00")
    more = bytes.fromhex("00C0000000")
    trace = dialogue(certificate, more, SERIAL)
    card = ReplayCard(trace, tolerance=Tolerance.ORDER)
    card.power_on()
    wanted = [one.what for one in trace if getattr(one.what, "direction", 0) is Direction.FROM_CARD]
    assert [card.transmit(one)[:-2] for one in (SERIAL, certificate, more)] == [
        getattr(wanted[at], "data", None) for at in (2, 0, 1)
    ]


@given(st.lists(st.binary(max_size=12), max_size=6), st.sampled_from(list(Tolerance)))
def test_any_bytes_get_an_answer(commands: list[bytes], tolerance: Tolerance) -> None:
    card = ReplayCard(dialogue(SELECT_TOKEN_INFO, READ), tolerance=tolerance)
    card.power_on()
    for command in commands:
        assert len(card.transmit(command)) >= 2


@given(st.lists(st.binary(max_size=12), max_size=6))
def test_any_dialogue_can_be_replayed(commands: list[bytes]) -> None:
    trace = dialogue(*commands)
    card = ReplayCard(trace)
    card.power_on()
    for command in commands:
        assert len(card.transmit(command)) >= 2
    assert card.departure is None
    assert card.left == 0
