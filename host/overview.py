"""A card at a glance, whichever of the two applications it has."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from apdu.status import SW
from host.client import TokenClient
from host.errors import NoApplication
from host.info import TokenInfo
from host.piv.client import PivClient
from host.piv.info import PivInfo
from host.transport import Transport

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class CardInfo:
    """What each application says about itself; None for one that is not there."""

    pkcs15: TokenInfo | None
    piv: PivInfo | None


def look_at(transport: Transport) -> CardInfo:
    """All that a card says of itself. NoApplication when it has neither of the two.

    PKCS#15 is asked last, and so stays selected: OpenSC, if it uses the card too, relies on that.
    """
    with transport.transaction():
        piv = _unless_absent(lambda: PivClient(transport).info())
        pkcs15 = _unless_absent(lambda: TokenClient(transport).info())
    if piv is None and pkcs15 is None:
        raise NoApplication(SW.NOT_FOUND, "SELECT", "PKCS#15 or PIV")
    return CardInfo(pkcs15, piv)


def _unless_absent(ask: Callable[[], T]) -> T | None:
    try:
        return ask()
    except NoApplication:
        return None
