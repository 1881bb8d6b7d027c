"""Our own orders (`apdu.order`): every field is shown, under labels that are the chip's."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from apdu.currency import format_sum
from apdu.order import MOST_NAME, MOST_TEXT, Order, OrderError, OrderKind, parse_order
from apdu.payload.consent import Language
from applet.consent.statement import Field, in_groups
from applet.consent.words import Word, say
from applet.message.shown import MessageError, Shown
from applet.message.text import checked

_TITLES: Mapping[OrderKind, Word] = MappingProxyType(
    {
        OrderKind.TRANSFER: Word.TRANSFER,
        OrderKind.REMITTANCE: Word.REMITTANCE,
        OrderKind.BILL: Word.BILL,
        OrderKind.SHOPPING: Word.SHOPPING,
        OrderKind.AGREEMENT: Word.AGREEMENT,
        OrderKind.LOGIN: Word.LOGIN,
        OrderKind.BANK_LOGIN: Word.BANK_LOGIN,
    }
)
_PARTIES: Mapping[OrderKind, Word] = MappingProxyType(
    {
        OrderKind.BILL: Word.BILLER,
        OrderKind.SHOPPING: Word.MERCHANT,
        OrderKind.AGREEMENT: Word.OTHER_SIDE,
        OrderKind.LOGIN: Word.LOG_IN_AT,
        OrderKind.BANK_LOGIN: Word.BANK,
    }
)
_Value = str | tuple[str, ...]


def read(raw: bytes, language: Language) -> Shown:
    """The order as it is shown; nothing of it is not."""
    try:
        order = parse_order(raw)
    except OrderError as error:
        raise MessageError(error.reason) from None
    fields = []
    for name, (word, draw) in _DRAWN.items():
        value = getattr(order, name)
        if value is not None:
            label = _PARTIES[order.kind] if word is None else word
            fields.append(Field(say(label, language), draw(value, order)))
    return Shown(say(_TITLES[order.kind], language), tuple(fields))


def _account(account: str, _order: Order) -> _Value:
    return in_groups(account)


def _bytes(value: bytes, _order: Order) -> _Value:
    return in_groups(value.hex().upper())


def _sum(amount: int, order: Order) -> _Value:
    """The sum with its currency, whose field so is shown too."""
    currency = order.currency or ""
    return format_sum(amount, currency), currency


def _time(time: str, _order: Order) -> _Value:
    """Date, time of day and offset, as the order says them."""
    date = f"{time[:4]}-{time[4:6]}-{time[6:8]}"
    clock = f"{time[8:10]}:{time[10:12]}:{time[12:14]}"
    zone = time[14:]
    return date, clock, zone if zone == "Z" else f"{zone[:3]}:{zone[3:]}"


def _text(what: str, most: int) -> Callable[[str, Order], _Value]:
    return lambda text, _order: checked(text, what, most)


def _plain(text: str, _order: Order) -> _Value:
    return text


_DRAWN: Mapping[str, tuple[Word | None, Callable[[Any, Order], _Value]]] = MappingProxyType(
    {
        "payer": (Word.PAYER, _account),
        "payee": (Word.PAYEE, _text("payee", MOST_NAME)),
        "payee_account": (Word.PAYEE_ACCOUNT, _account),
        "amount": (Word.AMOUNT, _sum),
        "number": (Word.ORDER_NUMBER, _plain),
        "time": (Word.TIME, _time),
        "party": (None, _text("party", MOST_NAME)),
        "text": (Word.TEXT, _text("text", MOST_TEXT)),
        "document": (Word.DOCUMENT, _bytes),
        "challenge": (Word.CHALLENGE, _bytes),
    }
)
"""How each field is drawn, in the order of the fields. What a party is called depends on the kind;
kind and currency are in the title and in the sum."""
