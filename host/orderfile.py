"""Orders as people write them: JSON or YAML, one field a line, checked before anything is sent.

    kind: transfer
    payer: "6222021234567890123"
    payee: Li Lei
    payee_account: "6222029876543210"
    amount: 100.00
    currency: CNY
    number: A-2026/0017
    time: 2026-03-14T17:25:00+08:00
    text: Rent for March

Every value is text, as it is written: no number loses a zero. ``document`` and ``challenge`` are
hexadecimal. What the fields mean, and which an order of each kind has, is said in docs/order.md.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Any

from apdu.currency import format_sum, parse_sum
from apdu.errors import ApduError
from apdu.order import FIELDS, Order, OrderKind, build_order
from host.errors import HostError

_KINDS: Mapping[str, OrderKind] = MappingProxyType(
    {kind.name.lower().replace("_", "-"): kind for kind in OrderKind}
)
_BYTES = ("document", "challenge")


class OrderFileError(HostError, ValueError):
    """A file that is no order; the text says what is wrong, and names the field."""


def read_order(text: str) -> Order:
    """The order that JSON or YAML text describes, complete and right as far as a host can tell."""
    values = _mapping(text)
    for name in values:
        if name not in FIELDS:
            raise OrderFileError(f"there is no field {name!r}; there are {', '.join(FIELDS)}")
    if "kind" not in values:
        raise OrderFileError("the order does not say its kind")
    order = Order(**{name: _value(name, values) for name in FIELDS if name in values})
    try:
        build_order(order)
    except ApduError as error:
        raise OrderFileError(error.reason) from None
    return order


def describe(order: Order) -> list[tuple[str, str]]:
    """The fields of an order as `read_order` takes them."""
    return [
        (name, _written(name, value, order))
        for name in FIELDS
        if (value := getattr(order, name)) is not None
    ]


def _written(name: str, value: Any, order: Order) -> str:
    if name == "kind":
        return next(word for word, kind in _KINDS.items() if kind is value)
    if name == "amount":
        return format_sum(value, order.currency or "")
    if name == "time":
        written = datetime.strptime(value, "%Y%m%d%H%M%S%z").isoformat()
        return written.replace("+00:00", "Z") if value.endswith("Z") else written
    return value.hex() if name in _BYTES else str(value)


def _value(name: str, values: Mapping[str, str]) -> Any:
    text = values[name]
    if name == "kind":
        if text not in _KINDS:
            raise OrderFileError(f"there is no kind {text!r}; there are {', '.join(_KINDS)}")
        return _KINDS[text]
    if name == "amount":
        return _amount(text, values.get("currency"))
    if name == "time":
        return _time(text)
    if name in _BYTES:
        try:
            return bytes.fromhex(text)
        except ValueError:
            raise OrderFileError(f"{name} is not hexadecimal") from None
    return text


def _amount(text: str, currency: str | None) -> int:
    if currency is None:
        raise OrderFileError("amount and currency go together")
    try:
        return parse_sum(text, currency)
    except ApduError as error:
        raise OrderFileError(error.reason) from None


def _time(text: str) -> str:
    """ISO 8601 with seconds and an offset, as an order has it."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None or moment.microsecond:
        raise OrderFileError("time is not written like 2026-03-14T17:25:00+08:00")
    zone = "Z" if text.endswith("Z") else f"{moment:%z}"
    return f"{moment:%Y%m%d%H%M%S}".rjust(14, "0") + zone


def _mapping(text: str) -> dict[str, str]:
    """The fields of a file, each once and each one text."""
    try:
        given = _read(text)
    except RecursionError:
        raise OrderFileError("an order is a list of fields, not lists within lists") from None
    if not isinstance(given, dict):
        raise OrderFileError("an order is a list of fields, such as kind: transfer")
    for name, value in given.items():
        if not isinstance(name, str) or not isinstance(value, str):
            raise OrderFileError(f"{name} is not a single text or number")
    return given


def _read(text: str) -> Any:
    try:
        return json.loads(text, object_pairs_hook=_once, parse_int=str, parse_float=str)
    except json.JSONDecodeError:
        return _from_yaml(text)


def _from_yaml(text: str) -> Any:
    import yaml

    class Loader(yaml.BaseLoader):  # type: ignore[misc]  # PyYAML has no types
        """Every scalar is text; a field that is there twice is refused."""

    def fields(loader: Any, node: Any) -> dict[str, Any]:
        return _once(loader.construct_pairs(node, deep=True))

    Loader.add_constructor("tag:yaml.org,2002:map", fields)
    try:
        return yaml.load(text, Loader)  # noqa: S506 a loader that makes text only
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = "" if mark is None else f", line {mark.line + 1}"
        raise OrderFileError(f"this is neither JSON nor YAML{where}") from None


def _once(pairs: Iterable[tuple[Any, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in pairs:
        if not isinstance(name, str):
            raise OrderFileError("the name of a field is text")
        if name in found:
            raise OrderFileError(f"{name} is there twice")
        found[name] = value
    return found
