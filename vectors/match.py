"""Holding the data of an answer against a pattern of the language in `vectors.pattern`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import assert_never

from vectors.errors import MismatchError
from vectors.pattern import (
    AnyBytes,
    Capture,
    Ciphered,
    Group,
    Item,
    Items,
    Literal,
    Rest,
    Unlike,
    Use,
)


def match(items: Items, data: bytes, values: Mapping[str, bytes]) -> dict[str, bytes]:
    """What the pattern captures from the data of an answer; MismatchError when it does not fit."""
    matcher = _Matcher(data, values)
    end = matcher.sequence(items, 0, len(data))
    if end != len(data):
        raise MismatchError(end, f"{_bytes(len(data) - end)} more than expected")
    return matcher.captured


class _Matcher:
    """One answer being read from left to right; each method returns the place after its part."""

    def __init__(self, data: bytes, values: Mapping[str, bytes]) -> None:
        self._data = data
        self._values = values
        self.captured: dict[str, bytes] = {}

    def sequence(self, items: Items, at: int, end: int) -> int:
        """Items one after another, within the bytes before `end`."""
        for item in items:
            at = self._item(item, at, end)
        return at

    def _item(self, item: Item, at: int, end: int) -> int:
        match item:
            case Literal(value):
                return self._same(value, at, end)
            case Use(name):
                return self._same(self._known(name), at, end)
            case Unlike(name):
                return self._other(name, at, end)
            case Ciphered():
                return self._same(item.of({**self._values, **self.captured}), at, end)
            case AnyBytes(count):
                return _skip(count, at, end)
            case Rest():
                return end
            case Capture(name, wanted):
                after = end if wanted is None else _skip(wanted, at, end)
                self.captured[name] = self._data[at:after]
                return after
            case Group(inner):
                return self._group(inner, at, end)
            case _:
                assert_never(item)

    def _known(self, name: str) -> bytes:
        return self.captured[name] if name in self.captured else self._values[name]

    def _other(self, name: str, at: int, end: int) -> int:
        known = self._known(name)
        after = _skip(len(known), at, end)
        if self._data[at:after] == known:
            raise MismatchError(at, f"the same as {name!r}, expected something else")
        return after

    def _group(self, items: Items, at: int, end: int) -> int:
        start, length = self._length(at, end)
        inner_end = _skip(length, start, end)
        after = self.sequence(items, start, inner_end)
        if after != inner_end:
            more = _bytes(inner_end - after)
            raise MismatchError(after, f"{more} more than expected inside an object")
        return inner_end

    def _length(self, at: int, end: int) -> tuple[int, int]:
        """Where the content of a BER object begins, and its length (at most four length bytes)."""
        if at >= end:
            raise MismatchError(at, "ends, expected a length")
        first = self._data[at]
        if first < 0x80:
            return at + 1, first
        size = first & 0x7F
        if not 1 <= size <= 4:
            raise MismatchError(at, f"{first:02X}, expected a definite length")
        start = _skip(size, at + 1, end)
        return start, int.from_bytes(self._data[at + 1 : start], "big")

    def _same(self, wanted: bytes, at: int, end: int) -> int:
        part = self._data[at : min(end, at + len(wanted))]
        if part != wanted:
            same = _common(part, wanted)
            found = f"{part[same]:02X}" if same < len(part) else "ends"
            raise MismatchError(at + same, f"{found}, expected {wanted[same]:02X}")
        return at + len(wanted)


def _skip(count: int, at: int, end: int) -> int:
    if at + count > end:
        raise MismatchError(end, f"ends {_bytes(at + count - end)} too early")
    return at + count


def _common(one: bytes, other: bytes) -> int:
    """How many bytes at the beginning are the same."""
    pairs = zip(one, other, strict=False)
    return next((i for i, (a, b) in enumerate(pairs) if a != b), min(len(one), len(other)))


def _bytes(count: int) -> str:
    return f"{count} byte" if count == 1 else f"{count} bytes"
