"""Orders as people write them: what is taken, and what is said of the rest."""

from __future__ import annotations

import json

import pytest

from apdu.order import Order, OrderKind, build_order
from host.orderfile import OrderFileError, describe, read_order
from tests.message.samples import ORDERS, TRANSFER

YAML = """
# Rent
kind: transfer
payer: "6222021234567890123"
payee: 李雷 Li Lei
payee_account: DE89370400440532013000
amount: 1,234,567.89
currency: CNY
number: A-2026/0017
time: 2026-03-14T17:25:00+08:00
text: Rent for March, thanks
"""


def test_yaml() -> None:
    assert read_order(YAML) == TRANSFER


def test_json() -> None:
    fields = dict(describe(TRANSFER)) | {"amount": 1234567.89}
    assert read_order(json.dumps(fields)) == TRANSFER


@pytest.mark.parametrize("order", ORDERS, ids=lambda order: order.kind.name)
def test_what_is_described_is_the_same_order(order: Order) -> None:
    text = "".join(f"{name}: {value}\n" for name, value in describe(order))
    assert build_order(read_order(text)) == build_order(order)
    assert read_order(json.dumps(dict(describe(order)))) == order


def test_numbers_are_read_as_they_are_written() -> None:
    text = YAML.replace('"6222021234567890123"', "0000123").replace("A-2026/0017", "0010")
    order = read_order(text)
    assert (order.payer, order.number) == ("0000123", "0010")


@pytest.mark.parametrize(
    ("written", "currency", "minor"),
    [("100", "CNY", 10000), ("0.5", "USD", 50), ("100", "JPY", 100), ("1.234", "KWD", 1234)],
)
def test_sums(written: str, currency: str, minor: int) -> None:
    text = YAML.replace("1,234,567.89", written).replace("CNY", currency)
    assert read_order(text).amount == minor


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("kind: transfer", "kind: gift", "there is no kind 'gift'; there are transfer"),
        ("kind: transfer", "", "does not say its kind"),
        ("text:", "memo:", "there is no field 'memo'"),
        ("payee: 李雷 Li Lei", "", "needs payee"),
        ("number:", "number: 1\nnumber:", "number is there twice"),
        ("1,234,567.89", "1.234", "more decimals than the 2 of CNY"),
        ("1,234,567.89", "1,23.00", "is no sum such as"),
        ("1,234,567.89", "-1", "is no sum such as"),
        ("1,234,567.89", "1e3", "is no sum such as"),
        ("1,234,567.89", "１", "is no sum such as"),  # noqa: RUF001 a full-width digit
        ("1,234,567.89", "0", "more than 0"),
        ("1,234,567.89", "10000000000.00", "12 digits at most"),
        ("currency: CNY", "", "amount and currency go together"),
        ("CNY", "XYZ", "no currency of ISO 4217"),
        ("2026-03-14T17:25:00+08:00", "2026-03-14", "time is not written like"),
        ("2026-03-14T17:25:00+08:00", "2026-03-14T17:25:00", "time is not written like"),
        ("2026-03-14T17:25:00+08:00", "yesterday", "time is not written like"),
        ('"6222021234567890123"', "6222 0212", "payer is not 4 to 34 digits"),
        ("text: Rent for March, thanks", "text: [a, b]", "text is not a single text"),
        ("text: Rent for March, thanks", "text: {a: b}", "text is not a single text"),
        ("text: Rent for March, thanks", "challenge: xyz", "challenge is not hexadecimal"),
        ("text: Rent for March, thanks", "challenge: '00'", "challenge has 1 bytes"),
        ("text: Rent for March, thanks", "document: '00'", "document has 1 bytes"),
        ("text: Rent for March, thanks", f"document: '{'00' * 32}'", "has no document"),
        ("text: Rent", "? [a]\n: Rent", "the name of a field is text"),
        ("text: Rent", "text: {{", "neither JSON nor YAML, line"),
        (YAML, "[]", "an order is a list of fields"),
        (YAML, "", "an order is a list of fields"),
        (YAML, '{"kind": 1}', "there is no kind '1'"),
        (YAML, '{"kind": null}', "kind is not a single text"),
        (YAML, '{"kind": "login", "kind": "bill"}', "kind is there twice"),
        (YAML, "\x00", "neither JSON nor YAML"),
    ],
)
def test_what_is_no_order(old: str, new: str, words: str) -> None:
    assert old in YAML
    with pytest.raises(OrderFileError, match=words.replace("(", r"\(")):
        read_order(YAML.replace(old, new))


def test_the_kinds_have_names_as_people_write_them() -> None:
    for kind in OrderKind:
        name = kind.name.lower().replace("_", "-")
        with pytest.raises(OrderFileError, match="needs"):
            read_order(f"kind: {name}")
