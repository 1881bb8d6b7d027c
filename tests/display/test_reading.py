"""What a person reads is what the chip was to show, whatever the display is like."""

from __future__ import annotations

from decimal import Decimal
from itertools import chain

import pytest
from hypothesis import given
from hypothesis import strategies as st

from applet.consent.glyphs import columns
from applet.consent.pages import DoesNotFit, lay_out
from applet.consent.statement import Field, Statement
from tests.display.question import ORDER
from ushield.device.display.model import LCD, OLED, Model
from ushield.device.display.reading import Entry, Reading, number_in, read, squeezed

LABELS = ["Payee", "Payee account", "Amount", "收款人", "金额", "Order number"]
words = st.text("abcXYZ019 ,.-李雷北京有限公司", min_size=1, max_size=60).filter(
    lambda text: text.strip() == text
)
accounts = st.lists(st.text("0123456789", min_size=4, max_size=4), min_size=1, max_size=8)
fields = st.builds(Field, st.sampled_from(LABELS), words | accounts.map(tuple))
statements = st.builds(
    Statement, st.sampled_from(["Transfer", "转账"]), st.lists(fields, max_size=6).map(tuple)
)


def read_on(statement: Statement, model: Model) -> Reading:
    pages = lay_out(statement, model.columns, model.rows)
    return read(chain.from_iterable(page.lines for page in pages), model.columns)


@pytest.mark.parametrize("model", [LCD, OLED])
@given(statement=statements)
def test_every_statement_is_read_as_it_was_meant(model: Model, statement: Statement) -> None:
    reading = read_on(statement, model)
    assert reading.title == statement.title
    meant = [Entry(field.label, squeezed("".join(field.value))) for field in statement.fields]
    assert [Entry(one.label, squeezed(one.value)) for one in reading.entries] == meant


@pytest.mark.parametrize("model", [LCD, OLED])
def test_an_order(model: Model) -> None:
    reading = read_on(ORDER, model)
    assert reading.labels == ("Payee", "Payee account", "Amount", "Note")
    assert reading["payee"] == "Li Lei"
    assert reading["Payee account"] == "6222 0000 0000 0002"
    assert reading["note"] == "for the rent of the house in May"
    assert reading.amount() == Decimal("1000.00")
    assert reading.text.startswith("Transfer\nPayee Li Lei\n")
    with pytest.raises(KeyError):
        reading["payer"]
    with pytest.raises(KeyError):
        reading.amount("Payee")


def test_values_without_a_label() -> None:
    statement = Statement(
        "Sign, key 1", (Field("", "my key"), Field("", ("ABCD", "0123", "4567", "89AB")))
    )
    reading = read_on(statement, LCD)
    assert reading.entries == (Entry("", "my key"), Entry("", "ABCD 0123 4567 89AB"))


def test_labels_of_banks_end_in_colons() -> None:
    reading = read(["Sign message", "收款人：", " 李雷", "Sum:", " 5"], 16)  # noqa: RUF001
    assert reading["收款人"] == "李雷"
    assert reading["sum"] == "5"


def test_a_title_that_takes_two_lines() -> None:
    title = "Log in to bank with a longer title"
    reading = read_on(Statement(title, (Field("Bank", "ABC"),)), LCD)
    assert (reading.title, reading["bank"]) == (title, "ABC")


@pytest.mark.parametrize("lines", [[], [""], ["only"], [" only"], ["a", "b"], ["", " ", ""]])
def test_whatever_is_on_it_can_be_read(lines: list[str]) -> None:
    assert read(lines, 16).lines == tuple(lines)


@given(st.lists(st.text(max_size=16)))
def test_whatever_is_on_it_is_read_without_a_fault(lines: list[str]) -> None:
    assert read(lines, 16).lines == tuple(lines)


@pytest.mark.parametrize(
    ("value", "number"),
    [
        ("1,000.00 CNY", Decimal(1000)),
        ("￥12.5", Decimal("12.5")),
        ("3", Decimal(3)),
        ("none", None),
        ("6222 0000", None),
        ("", None),
    ],
)
def test_numbers(value: str, number: Decimal | None) -> None:
    assert number_in(value) == number


def test_every_label_fits_a_line() -> None:
    """Else it could not be told from two."""
    assert all(columns(label) <= LCD.columns for label in LABELS)
    with pytest.raises(DoesNotFit):
        lay_out(Statement("x", (Field("", ("1" * 40,)),)), LCD.columns, LCD.rows)
