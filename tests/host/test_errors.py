"""Status words become exceptions in one place."""

from __future__ import annotations

import pytest

from host import errors
from host.errors import CardError, HostError, WrongPin, card_error


@pytest.mark.parametrize(
    ("sw", "kind"),
    [
        (0x63C2, errors.WrongPin),
        (0x6983, errors.PinBlocked),
        (0x6982, errors.SecurityStatusError),
        (0x6985, errors.ConditionsError),
        (0x6A82, errors.NotFound),
        (0x6A88, errors.NotFound),
        (0x6A89, errors.FileExists),
        (0x6A84, errors.NoSpace),
        (0x6700, errors.WrongLength),
        (0x6A80, errors.WrongData),
        (0x6B00, errors.WrongData),
        (0x6D00, errors.NotSupported),
        (0x6E00, errors.NotSupported),
        (0x6884, errors.NotSupported),
        (0x6581, errors.CardFault),
        (0x6F00, errors.CardFault),
        (0x6FFF, errors.CardFault),
        (0x6300, CardError),
        (0x1234, CardError),
    ],
)
def test_kinds(sw: int, kind: type[CardError]) -> None:
    error = card_error(sw, "VERIFY")
    assert type(error) is kind
    assert isinstance(error, HostError)
    assert (error.sw, error.command) == (sw, "VERIFY")
    assert str(error).startswith(f"VERIFY: {sw:04X}, ")


def test_a_wrong_pin_carries_the_tries_left() -> None:
    error = card_error(0x63C1, "VERIFY")
    assert isinstance(error, WrongPin)
    assert error.tries_left == 1
    assert str(error) == "VERIFY: 63C1, verification failed, 1 try left"


def test_errors_can_be_caught_by_their_python_kind() -> None:
    assert issubclass(errors.PinFormatError, ValueError)
    assert issubclass(errors.KeyChoiceError, LookupError)
    assert issubclass(errors.DecipherError, ValueError)
