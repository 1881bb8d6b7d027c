"""The PINs of a card as people write them, and as dialogues use them."""

from __future__ import annotations

from apdu.pivedge import FACTORY_MANAGEMENT_KEY
from host.errors import UnsupportedError
from host.pin import pin_block
from vectors.cipher import MANAGEMENT_KEY


def card_values(
    *,
    pin: str | None = None,
    puk: str | None = None,
    so_pin: str | None = None,
    piv_pin: str | None = None,
    piv_puk: str | None = None,
    management_key: str | None = None,
) -> dict[str, bytes]:
    """The values of `{pin}`, `{puk}` and so on, as far as they are given; PinFormatError otherwise.

    PIV's PIN and PUK are the same unless they are given. Its management key, in hexadecimal digits,
    is the factory's unless it is given: a wrong one costs no try.
    """
    given = {
        "pin": pin,
        "puk": puk,
        "so-pin": so_pin,
        "piv-pin": piv_pin or pin,
        "piv-puk": piv_puk or puk,
    }
    values = {
        name: pin_block(value, what=f"the value for {name}")
        for name, value in given.items()
        if value is not None
    }
    return {**values, MANAGEMENT_KEY: _management_key(management_key)}


def _management_key(digits: str | None) -> bytes:
    if digits is None:
        return FACTORY_MANAGEMENT_KEY
    try:
        return bytes.fromhex(digits)
    except ValueError:
        raise UnsupportedError("PIV's management key is not in hexadecimal digits") from None
