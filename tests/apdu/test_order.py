"""Orders: what can be written and what is refused when one is built. Reading: tests/message."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from apdu.currency import DECIMALS, format_sum, parse_sum
from apdu.errors import PayloadError
from apdu.order import Order, OrderError, OrderKind, build_order, parse_order
from tests.apdu.samples import check_sample
from tests.message.samples import ORDERS, TRANSFER

HEX = (
    "7F55 8184 810101 8213 36323232303231323334353637383930313233"
    "830D E69D8EE99BB7204C69204C6569 8416 44453839333730343030343430353332303133303030"
    "8504 075BCD15 8603 434E59 870B 412D323032362F30303137"
    "8813 32303236303331343137323530302B30383030"
    "8A16 52656E7420666F72204D617263682C207468616E6B73"
)


def test_the_bytes_of_an_order() -> None:
    check_sample(parse_order, build_order, HEX, TRANSFER)


@pytest.mark.parametrize("order", ORDERS, ids=lambda order: order.kind.name)
def test_there_and_back(order: Order) -> None:
    assert parse_order(build_order(order)) == order


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"payer": None}, "needs payer"),
        ({"party": "Shop"}, "has no party"),
        ({"payer": "12"}, "payer is not 4 to 34"),
        ({"payer": "é" * 9}, "payer is no ASCII"),
        ({"amount": 0}, "amount is not between"),
        ({"amount": -5}, "amount is not between"),
        ({"amount": 10**12}, "amount is not between"),
        ({"amount": "100"}, "amount has a value of the wrong sort"),
        ({"currency": "EURO"}, "currency is not known"),
        ({"payee": ""}, "payee has 0 characters"),
        ({"payee": b"Li"}, "payee has a value of the wrong sort"),
        ({"payee": "\ud800"}, "payee"),
        ({"time": "2026-03-14"}, "time is no time"),
        ({"text": "x" * 141}, "text has 141 characters"),
        ({"challenge": bytes(33)}, "challenge has 33 bytes"),
        ({"document": bytes(32)}, "has no document"),
        ({"kind": 99}, "kind is not known"),
    ],
)
def test_orders_that_cannot_be_written(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(OrderError, match=words):
        build_order(replace(TRANSFER, **changes))


def test_a_sum_goes_with_its_currency() -> None:
    order = Order(
        OrderKind.AGREEMENT, number="1", time="20260314092500Z", party="B", text="t", amount=1
    )
    with pytest.raises(OrderError, match="go together"):
        build_order(order)


@pytest.mark.parametrize(
    ("minor", "currency", "text"),
    [
        (1, "CNY", "0.01"),
        (100, "CNY", "1.00"),
        (123456789012, "USD", "1,234,567,890.12"),
        (1234567, "JPY", "1,234,567"),
        (1, "KWD", "0.001"),
        (999999999999, "CNY", "9,999,999,999.99"),
    ],
)
def test_sums_as_people_read_them(minor: int, currency: str, text: str) -> None:
    assert format_sum(minor, currency) == text
    assert parse_sum(text, currency) == minor
    assert parse_sum(text.replace(",", ""), currency) == minor


@pytest.mark.parametrize(
    "text", ["", ".5", "1.", "1 000", "+1", "0x1", "1_0", "1,2", ",1", "1.0.0"]
)
def test_what_is_no_sum(text: str) -> None:
    with pytest.raises(PayloadError):
        parse_sum(text, "CNY")


def test_decimals_of_currencies() -> None:
    """ISO 4217: some that have none or three; nothing is there twice."""
    assert {DECIMALS[code] for code in ("JPY", "KRW", "VND", "CLP", "XOF")} == {0}
    assert {DECIMALS[code] for code in ("BHD", "KWD", "OMR", "TND", "JOD")} == {3}
    assert {DECIMALS[code] for code in ("CNY", "TWD", "HKD", "USD", "EUR", "ISK")} == {0, 2}
    assert all(len(code) == 3 and code.isascii() and code.isupper() for code in DECIMALS)
