"""One suite for every way to a card."""

from __future__ import annotations

import pytest

from host.errors import TransportClosed
from host.memory import MemoryTransport
from host.transport import Transport
from tests.host import tokens

CHALLENGE = bytes.fromhex("0084000008")
VERIFY = bytes.fromhex("0020000108") + tokens.PIN.encode() + b"\xff\xff"
ASK = bytes.fromhex("00200001")


def test_commands_and_answers(transport: Transport) -> None:
    first, second = transport.transmit(CHALLENGE), transport.transmit(CHALLENGE)
    assert len(first) == len(second) == 10
    assert first != second
    assert first[-2:] == b"\x90\x00"


def test_refusals_are_answers(transport: Transport) -> None:
    assert transport.transmit(bytes.fromhex("00FF0000")) == bytes.fromhex("6D00")


def test_extended_lengths_pass(transport: Transport) -> None:
    assert len(transport.transmit(bytes.fromhex("00840000000180"))) == 384 + 2


def test_the_answer_to_reset(transport: Transport) -> None:
    assert transport.atr.startswith(b"\x3b")
    assert b"OsEID" in transport.atr


def test_a_reset_makes_the_card_forget(transport: Transport) -> None:
    assert transport.transmit(VERIFY) == b"\x90\x00"
    assert transport.transmit(ASK) == b"\x90\x00"
    assert transport.reset() == transport.atr
    assert transport.transmit(ASK) == b"\x63\xc6"


def test_transactions_nest(transport: Transport) -> None:
    with transport.transaction():
        with transport.transaction():
            transport.transmit(CHALLENGE)
        transport.transmit(CHALLENGE)
    transport.transmit(CHALLENGE)


def test_a_transaction_ends_with_an_error(transport: Transport) -> None:
    with pytest.raises(ZeroDivisionError), transport.transaction():
        raise ZeroDivisionError
    transport.transmit(CHALLENGE)


def test_reset_within_a_transaction(transport: Transport) -> None:
    with transport.transaction():
        transport.reset()
        transport.transmit(CHALLENGE)
    transport.transmit(CHALLENGE)


def test_a_closed_transport_says_so(transport: Transport) -> None:
    transport.close()
    transport.close()
    with pytest.raises(TransportClosed):
        transport.transmit(CHALLENGE)
    with pytest.raises(TransportClosed):
        transport.reset()


def test_leaving_the_context_closes(transport: Transport) -> None:
    with transport as same:
        assert same is transport
    with pytest.raises(TransportClosed):
        transport.transmit(CHALLENGE)


def test_memory_takes_the_power_away() -> None:
    card = tokens.token_card()
    with MemoryTransport(card) as transport:
        assert transport.transmit(VERIFY) == b"\x90\x00"
    with MemoryTransport(card) as transport:
        assert transport.transmit(ASK) == b"\x63\xc6"
