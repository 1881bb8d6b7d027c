"""PINs and PUKs on their way to the card: checked here, because a try spent there is spent.

They are `str` (sent as UTF-8) or `bytes`, 8 bytes at most; none is ever part of a message.
"""

from __future__ import annotations

from apdu.payload import pad_pin
from host.errors import PinFormatError

SHORTEST, LONGEST = 6, 8
"""Bytes of a PIN when it is set. One that is only presented may be shorter."""


def pin_block(pin: str | bytes, *, what: str = "the PIN") -> bytes:
    """The block of 8 bytes for a PIN that is presented. PinFormatError for what cannot be one."""
    if not isinstance(pin, str | bytes | bytearray):
        raise TypeError(f"{what} is text or bytes, not {type(pin).__name__}")
    try:
        raw = pin.encode() if isinstance(pin, str) else bytes(pin)
    except UnicodeEncodeError:
        # Its message would show the character.
        raise PinFormatError(f"{what} is not text in UTF-8") from None
    if not raw:
        raise PinFormatError(f"{what} is empty")
    if len(raw) > LONGEST:
        raise PinFormatError(f"{what} has {len(raw)} bytes; this card takes {LONGEST} at most")
    if raw[-1] == 0xFF:
        raise PinFormatError(f"{what} ends in the byte FF, which is what fills shorter ones up")
    return pad_pin(raw)


def new_pin_block(pin: str | bytes, *, what: str = "the new PIN") -> bytes:
    """The block for a PIN that is being set: 6 to 8 bytes."""
    block = pin_block(pin, what=what)
    length = len(block.rstrip(b"\xff"))
    if length < SHORTEST:
        raise PinFormatError(f"{what} has {length} bytes; it needs {SHORTEST} to {LONGEST}")
    return block
