"""One way to write down an example of a codec: the bytes, the value, and both directions."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import pytest

from apdu.errors import ApduError

T = TypeVar("T")


def check_sample(
    parse: Callable[[bytes], T], build: Callable[[T], bytes], text: str, value: T
) -> None:
    """The bytes read as the value, and the value is written as the bytes."""
    raw = bytes.fromhex(text)
    assert parse(raw) == value
    assert build(value) == raw


def check_refused(
    parse: Callable[[bytes], object], error: type[ApduError], text: str, offset: int
) -> None:
    """The bytes are refused at this offset."""
    with pytest.raises(error) as caught:
        parse(bytes.fromhex(text))
    assert caught.value.offset == offset, str(caught.value)
    assert str(caught.value) == f"byte {offset}: {caught.value.reason}"
