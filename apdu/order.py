"""A payment order, or another thing that a bank's customer agrees to, as the key reads it.

BER-TLV of our own (docs/order.md): 7F55 with primitive fields in the order of their tags, each
once, each length as short as can be. So an order has one encoding only. Which fields an order has
depends on its kind; a field that the kind does not have is as wrong as one that is not known.
Whether the display can show a text is for the key to say.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum
from types import MappingProxyType
from typing import Any, NamedTuple

from apdu.currency import MOST, decimals_of
from apdu.errors import ApduError, TlvError
from apdu.tlv import Tlv, build_tlv, build_tlvs, parse_tlvs, read_tlv

TAG = 0x7F55
MOST_NAME, MOST_TEXT = 70, 140
"""Characters of a name, and of free text."""


class OrderError(ApduError):
    """Not an order; `reason` names the field that is wrong and never holds what is in it."""


class OrderKind(IntEnum):
    """What is agreed to."""

    TRANSFER = 0x01
    REMITTANCE = 0x02
    BILL = 0x03
    SHOPPING = 0x04
    AGREEMENT = 0x05
    LOGIN = 0x06
    """A login at a third party."""
    BANK_LOGIN = 0x07


@dataclass(frozen=True, slots=True)
class Order:
    """An order; what its kind does not have is None.

    Accounts are 4 to 34 capital letters and digits. `amount` is in minor units of the currency.
    `party` is the merchant, the biller, the other side of an agreement, or who is logged in to.
    `time` is written YYYYMMDDhhmmss with Z or an offset like +0800. `document` is the SHA-256 of
    what an agreement is about, `challenge` 8 to 32 bytes of the bank's choice.
    """

    kind: OrderKind
    payer: str | None = None
    payee: str | None = None
    payee_account: str | None = None
    amount: int | None = None
    currency: str | None = None
    number: str | None = None
    time: str | None = None
    party: str | None = None
    text: str | None = None
    document: bytes | None = None
    challenge: bytes | None = None


class Rule(NamedTuple):
    """The fields that an order of one kind must have, and those that it may have."""

    needs: frozenset[str]
    may: frozenset[str]


def _rule(needs: str, may: str) -> Rule:
    return Rule(frozenset(needs.split()), frozenset(may.split()))


_PAYMENT = _rule("payer payee payee_account amount currency number time", "text challenge")
_PURCHASE = _rule("payer amount currency number time party", "payee_account text challenge")

RULES: Mapping[OrderKind, Rule] = MappingProxyType(
    {
        OrderKind.TRANSFER: _PAYMENT,
        OrderKind.REMITTANCE: _PAYMENT,
        OrderKind.BILL: _PURCHASE,
        OrderKind.SHOPPING: _PURCHASE,
        OrderKind.AGREEMENT: _rule(
            "number time party text", "payer amount currency document challenge"
        ),
        OrderKind.LOGIN: _rule("time party challenge", "text"),
        OrderKind.BANK_LOGIN: _rule("time party challenge", "text"),
    }
)
"""What each kind of order consists of, beside its kind."""

_TIME_FORMAT = "%Y%m%d%H%M%S%z"
_TIME = re.compile(r"\d{14}(Z|[+-]\d{4})")
_ACCOUNT = re.compile(r"[0-9A-Z]{4,34}")
_NUMBER = re.compile(r"[0-9A-Za-z][0-9A-Za-z./_-]{0,31}")


class Field(NamedTuple):
    """One field: its tag, and its value from bytes and to bytes. ValueError says what is wrong."""

    tag: int
    read: Callable[[bytes], Any]
    write: Callable[[Any], bytes]


def _matching(pattern: re.Pattern[str], what: str) -> Callable[[bytes], str]:
    def read(raw: bytes) -> str:
        text = _decoded(raw, "ascii")
        if not pattern.fullmatch(text):
            raise ValueError(what)
        return text

    return read


def _text(most: int) -> Callable[[bytes], str]:
    def read(raw: bytes) -> str:
        text = _decoded(raw, "utf-8")
        if not 0 < len(text) <= most:
            raise ValueError(f"has {len(text)} characters; 1 to {most} are allowed")
        return text

    return read


def _decoded(raw: bytes, encoding: str) -> str:
    try:
        return raw.decode(encoding)
    except UnicodeDecodeError:
        raise ValueError(f"is no {encoding.upper()}") from None


def _bytes(least: int, most: int) -> Callable[[bytes], bytes]:
    def read(raw: bytes) -> bytes:
        if not least <= len(raw) <= most:
            allowed = f"{least}" if least == most else f"{least} to {most}"
            raise ValueError(f"has {len(raw)} bytes; {allowed} are allowed")
        return raw

    return read


def _read_kind(raw: bytes) -> OrderKind:
    if len(raw) != 1 or raw[0] not in set(OrderKind):
        raise ValueError("is not known")
    return OrderKind(raw[0])


def _read_amount(raw: bytes) -> int:
    value = int.from_bytes(raw, "big")
    if not 0 < value <= MOST:
        raise ValueError(f"is not between 1 and {MOST}")
    if _write_amount(value) != raw:
        raise ValueError("has leading zeros")
    return value


def _write_amount(value: int) -> bytes:
    return value.to_bytes(-(-value.bit_length() // 8), "big") if value > 0 else b""


def _read_currency(raw: bytes) -> str:
    text = _decoded(raw, "ascii")
    try:
        decimals_of(text)
    except ApduError:
        raise ValueError("is not known") from None
    return text


def _read_time(raw: bytes) -> str:
    text = _decoded(raw, "ascii")
    wrong = "is no time like 20260314172500+0800"
    if not _TIME.fullmatch(text):
        raise ValueError(wrong)
    try:
        datetime.strptime(text, _TIME_FORMAT)  # noqa: DTZ007 the zone is in the format
    except ValueError:
        raise ValueError(wrong) from None
    return text


_account = _matching(_ACCOUNT, "is not 4 to 34 digits and capital letters")

FIELDS: Mapping[str, Field] = MappingProxyType(
    {
        "kind": Field(0x81, _read_kind, lambda kind: bytes((kind,))),
        "payer": Field(0x82, _account, str.encode),
        "payee": Field(0x83, _text(MOST_NAME), str.encode),
        "payee_account": Field(0x84, _account, str.encode),
        "amount": Field(0x85, _read_amount, _write_amount),
        "currency": Field(0x86, _read_currency, str.encode),
        "number": Field(
            0x87,
            _matching(_NUMBER, "is not 1 to 32 letters, digits and . / _ - after the first"),
            str.encode,
        ),
        "time": Field(0x88, _read_time, str.encode),
        "party": Field(0x89, _text(MOST_NAME), str.encode),
        "text": Field(0x8A, _text(MOST_TEXT), str.encode),
        "document": Field(0x8B, _bytes(32, 32), bytes),
        "challenge": Field(0x8C, _bytes(8, 32), bytes),
    }
)
"""The fields in the order of their tags, which is that of `Order`."""

_BY_TAG = {field.tag: name for name, field in FIELDS.items()}


def parse_order(data: bytes) -> Order:
    """Read an order; OrderError for anything that `build_order` would not have written."""
    try:
        template, end = read_tlv(data)
        if template.tag != TAG or end != len(data) or template.width:
            raise OrderError(0, "an order is one object 7F55 with a length as short as can be")
        start = end - len(template.value)
        values = _values(parse_tlvs(template.value), start)
    except TlvError as error:
        raise OrderError(error.offset, "the order is no BER-TLV") from None
    order = Order(**values) if "kind" in values else None
    if order is None:
        raise OrderError(start, "the order does not say its kind")
    _check_fields(order.kind, values.keys(), start)
    return order


def build_order(order: Order) -> bytes:
    """Write an order; OrderError when it is none that `parse_order` would read."""
    values = {name: value for name in FIELDS if (value := getattr(order, name)) is not None}
    tlvs = []
    for name, value in values.items():
        field = FIELDS[name]
        try:
            raw = field.write(value)
            field.read(raw)
        except (ValueError, TypeError, OverflowError, AttributeError) as error:
            raise OrderError(0, f"{shown(name)} {_why(error)}") from None
        tlvs.append(Tlv(field.tag, raw))
    _check_fields(order.kind, values.keys(), 0)
    return build_tlv(TAG, build_tlvs(*tlvs))


def shown(name: str) -> str:
    """A field as a sentence calls it."""
    return name.replace("_", " ")


def _why(error: Exception) -> str:
    plain = type(error) is ValueError
    return str(error) if plain else "has a value of the wrong sort"


def _values(tlvs: tuple[Tlv, ...], offset: int) -> dict[str, Any]:
    """The fields by their names; each known, in its place, and there once."""
    values: dict[str, Any] = {}
    last = 0
    for tlv in tlvs:
        name = _BY_TAG.get(tlv.tag)
        if name is None:
            raise OrderError(offset, f"the field {tlv.tag:X} is not known")
        if name in values:
            raise OrderError(offset, f"{shown(name)} is there twice")
        if tlv.tag < last or tlv.width:
            raise OrderError(offset, f"{shown(name)} is not where and how it has to be")
        try:
            values[name] = FIELDS[name].read(tlv.value)
        except ValueError as error:
            raise OrderError(offset, f"{shown(name)} {error}") from None
        last = tlv.tag
        offset += len(build_tlv(*tlv))
    return values


def _check_fields(kind: OrderKind, present: Any, offset: int) -> None:
    rule = RULES[kind]
    fields = set(present) - {"kind"}
    what = f"an order of kind {shown(kind.name.lower())}"
    for name in FIELDS:
        if name in rule.needs and name not in fields:
            raise OrderError(offset, f"{what} needs {shown(name)}")
        if name in fields and name not in rule.needs | rule.may:
            raise OrderError(offset, f"{what} has no {shown(name)}")
    if ("amount" in fields) != ("currency" in fields):
        raise OrderError(offset, "amount and currency go together")
