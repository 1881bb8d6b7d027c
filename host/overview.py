"""A card whichever of the two applications it has: at a glance, or with a client for one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeVar

from apdu.status import SW
from host.client import TokenClient
from host.errors import NoApplication
from host.holder import ApplicationClient
from host.info import TokenInfo
from host.transport import Transport

if TYPE_CHECKING:
    from host.piv.client import PivClient
    from host.piv.info import PivInfo

T = TypeVar("T")

_EITHER = "PKCS#15 or PIV"


@dataclass(frozen=True, slots=True)
class CardInfo:
    """What each application says about itself; None for one that is not there."""

    pkcs15: TokenInfo | None
    piv: PivInfo | None


def open_application(
    transport: Transport, applet: Literal["pkcs15", "piv"] | None = None
) -> ApplicationClient:
    """A client for this application of the card; with None, for PKCS#15, or else for PIV.

    NoApplication: the card has it not, or has neither.
    """
    if applet == "piv":
        return _piv(transport)
    try:
        return TokenClient(transport)
    except NoApplication:
        if applet is not None:
            raise
    try:
        return _piv(transport)
    except NoApplication as refusal:
        raise NoApplication(refusal.sw, refusal.command, _EITHER) from None


def look_at(transport: Transport) -> CardInfo:
    """All that a card says of itself. NoApplication when it has neither of the two.

    PKCS#15 is asked last, and so stays selected: OpenSC, if it uses the card too, relies on that.
    """
    with transport.transaction():
        piv = _unless_absent(lambda: _piv(transport).info())
        pkcs15 = _unless_absent(lambda: TokenClient(transport).info())
    if piv is None and pkcs15 is None:
        raise NoApplication(SW.NOT_FOUND, "SELECT", _EITHER)
    return CardInfo(pkcs15, piv)


def _piv(transport: Transport) -> PivClient:
    # Its codecs take a while to load, which whoever has a PKCS#15 token need not wait for.
    from host.piv.client import PivClient

    return PivClient(transport)


def _unless_absent(ask: Callable[[], T]) -> T | None:
    try:
        return ask()
    except NoApplication:
        return None
