"""What holds for any message: what is shown comes from its bytes, all of them, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from apdu.order import FIELDS, RULES, Order, OrderKind, build_order, parse_order
from apdu.payload import HiddenFields, Language
from apdu.tlv import parse_tlv, read_tlv
from applet.consent.glyphs import columns
from applet.consent.pages import DoesNotFit, lay_out
from applet.consent.statement import Field, Statement
from applet.consent.words import Word, say
from applet.message.registry import statement_of
from applet.message.shown import MessageError
from tests.apdu.strategies import account, order_fields, orders, text
from tests.message.samples import MESSAGES, screens


@given(orders)
def test_an_order_has_one_encoding(order: Order) -> None:
    raw = build_order(order)
    assert parse_order(raw) == order
    assert build_order(parse_order(raw)) == raw


@given(orders, orders)
def test_orders_that_differ_look_different(one: Order, other: Order) -> None:
    assert (screens(build_order(one)) == screens(build_order(other))) == (one == other)


def shown_or_refused(message: bytes, columns: int = 16) -> list[list[str]] | None:
    """The pages, or None for a message that is refused."""
    try:
        return screens(message, columns=columns)
    except (MessageError, DoesNotFit):
        return None


def values(message: bytes) -> Iterator[range]:
    """Where the values of an order's fields are."""
    at = len(message) - len(parse_tlv(message).value)
    while at < len(message):
        tlv, end = read_tlv(message, at)
        yield range(end - len(tlv.value), end)
        at = end


@given(orders, st.data())
def test_every_byte_of_a_field_is_shown_or_refused(order: Order, data: st.DataObject) -> None:
    raw = build_order(order)
    place = data.draw(st.sampled_from([at for span in values(raw) for at in span]))
    changed = bytearray(raw)
    changed[place] = data.draw(st.integers(0, 255).filter(lambda byte: byte != raw[place]))
    assert shown_or_refused(bytes(changed)) != screens(raw)


@pytest.mark.parametrize("name", MESSAGES)
def test_every_byte_of_every_sample_is_shown_or_refused(name: str) -> None:
    """The same pages come only from what separates fields."""
    raw = MESSAGES[name]
    before = screens(raw)
    declaration = raw.find(b"?>") + 1
    alike = set()
    for place in range(len(raw)):
        for byte in {raw[place] ^ 1 << bit for bit in range(8)} | MARKS:
            changed = raw[:place] + bytes((byte,)) + raw[place + 1 :]
            if changed != raw and shown_or_refused(changed) == before:
                alike.add((place < declaration, chr(raw[place]), chr(byte)))
    for in_declaration, was, now in alike:
        same_name = in_declaration and was.lower() == now.lower()
        assert same_name or (was in SEPARATORS and now in SEPARATORS), (was, now)


MARKS = frozenset(b" \t\r\n;:<>&'\"=/\x00\x7f\x80\xff")
SEPARATORS = " \t\r\n;"
"""What stands between fields or elements, and only one for another; and an encoding has its name in
small letters and in capitals."""


@given(st.binary(max_size=300))
@example(b"\x7f\x55" * 40)
@example(b"<" * 40)
def test_any_bytes_are_shown_or_refused(message: bytes) -> None:
    shown_or_refused(message)


@given(st.sampled_from(sorted(MESSAGES)), st.data())
def test_damaged_messages_are_shown_or_refused(name: str, data: st.DataObject) -> None:
    raw = MESSAGES[name]
    start = data.draw(st.integers(0, len(raw)))
    end = data.draw(st.integers(start, min(len(raw), start + 8)))
    shown_or_refused(raw[:start] + data.draw(st.binary(max_size=8)) + raw[end:])


fields = st.builds(
    Field,
    text.map(lambda text: text[:40]),
    text | st.lists(account.map(lambda text: text[:4]), min_size=1, max_size=9).map(tuple),
)
statements = st.builds(
    Statement, text.map(lambda text: text[:20]), st.lists(fields, min_size=1, max_size=6).map(tuple)
)
sizes = st.tuples(st.integers(12, 30), st.integers(2, 10))


@given(statements, sizes)
def test_pages_fit_and_nothing_is_lost(statement: Statement, size: tuple[int, int]) -> None:
    width, rows = size
    pages = lay_out(statement, width, rows)
    assert [page.page for page in pages] == list(range(1, len(pages) + 1))
    assert {page.pages for page in pages} == {len(pages)}
    lines = [line for page in pages for line in page.lines]
    assert all(0 < len(page.lines) <= rows for page in pages)
    assert all(columns(line) <= width for line in lines)
    shown = "".join(line[line.startswith(" ") :] for line in lines).replace(" ", "")
    said = statement.title + "".join(
        field.label + "".join(field.value) for field in statement.fields
    )
    assert shown == said


@given(statements, statements, sizes)
def test_statements_that_differ_look_different(
    one: Statement, other: Statement, size: tuple[int, int]
) -> None:
    if one != other:
        assert lay_out(one, *size) != lay_out(other, *size)


def test_a_space_is_never_lost_at_a_border() -> None:
    seen = set()
    for columns_ in (9, 10, 11):
        for words in ("中文中 文中文", "中文中文 中文", "中文 中文中文", "中文中文中文"):
            statement = Statement("t", (Field("l", words),))
            (page,) = lay_out(statement, columns_, 9)
            seen.add((columns_, tuple(line.rstrip() for line in page.lines)))
    assert len(seen) == 12


@pytest.mark.parametrize("language", Language)
def test_the_chip_has_words_in_every_language(language: Language) -> None:
    for word in Word:
        text = say(word, language)
        assert text
        assert columns(text) <= 15, text
        statement = statement_of(f"{text}:x".encode(), language, HiddenFields.REFUSED)
        assert statement.fields[0].label == f"{text}:"


def test_every_field_and_kind_of_order_is_covered() -> None:
    assert set(order_fields) == set(FIELDS) - {"kind"}
    assert set(RULES) == set(OrderKind)
