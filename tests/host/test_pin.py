"""PINs are checked before they cost a try, and are never part of a message."""

from __future__ import annotations

import pytest

from host.errors import PinFormatError
from host.pin import new_pin_block, pin_block


@pytest.mark.parametrize(
    ("pin", "block"),
    [
        ("123456", b"123456\xff\xff"),
        (b"12345678", b"12345678"),
        ("1", b"1" + b"\xff" * 7),
        ("密码", "密码".encode() + b"\xff\xff"),
        (b"\xff1", b"\xff1" + b"\xff" * 6),
    ],
)
def test_blocks(pin: str | bytes, block: bytes) -> None:
    assert pin_block(pin) == block


@pytest.mark.parametrize("pin", ["", b"", "123456789", "密码密", b"12345\xff", b"\xff" * 8])
def test_what_cannot_be_a_pin(pin: str | bytes) -> None:
    with pytest.raises(PinFormatError):
        pin_block(pin)
    with pytest.raises(PinFormatError):
        new_pin_block(pin)


@pytest.mark.parametrize("pin", [6, True, 123456, None, ["1"] * 6])
def test_what_is_no_text_is_no_pin_and_costs_no_try(pin: object) -> None:
    with pytest.raises(TypeError, match="the PIN is text or bytes, not"):
        pin_block(pin)  # type: ignore[arg-type]


def test_a_new_pin_has_six_bytes_at_least() -> None:
    assert new_pin_block("123456") == b"123456\xff\xff"
    with pytest.raises(PinFormatError, match="6 to 8"):
        new_pin_block("12345")


def test_the_message_names_the_pin_but_does_not_tell_it() -> None:
    with pytest.raises(PinFormatError) as caught:
        new_pin_block("987654321", what="the new PUK")
    assert "the new PUK has 9 bytes" in str(caught.value)
    assert "987654321" not in repr(caught.value)
