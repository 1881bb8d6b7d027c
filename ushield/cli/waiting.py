"""Commands that a key with a display keeps waiting until its holder has pressed a button."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from host.aside import begin_aside

if TYPE_CHECKING:
    from apdu.edge import Consent
    from apdu.payload import Asked, ConsentSettings
    from host.holder import ApplicationClient

T = TypeVar("T")

_INTERRUPTED = 130
_LAST_TRIES = 2


def with_key(client: ApplicationClient, consent: Consent, act: Callable[[], T]) -> T:
    """Use a key that has this rule; who has one that asks is told to look at it."""
    return _with(client, act, asks=bool(consent))


def with_consent(client: ApplicationClient, what: Asked, act: Callable[[], T]) -> T:
    """Do what the token may want Confirm for; who has one that asks is told to look at it."""
    return _with(client, act, what=what)


def with_pin(client: ApplicationClient, act: Callable[[], T]) -> T:
    """Present a PIN, and do nothing else that the token may want Confirm for."""
    return _with(client, act)


def _with(
    client: ApplicationClient,
    act: Callable[[], T],
    *,
    asks: bool = False,
    what: Asked | None = None,
) -> T:
    # In memory a token has no display, and refuses at once what it would have to ask.
    if client.link.transport.exclusive:
        return act()
    settings = _settings(client)
    if not asks and settings is not None:
        wanted = what is not None and bool(what & settings.asked)
        asks = wanted or _is_short_of_tries(client, settings)
    return _waited(settings, act) if asks else act()


def _settings(client: ApplicationClient) -> ConsentSettings | None:
    """How the token asks; None for one of another make, which does not say."""
    from host.errors import CardError

    try:
        return client.consent_settings()
    except CardError:
        return None


def _is_short_of_tries(client: ApplicationClient, settings: ConsentSettings) -> bool:
    """Whether the token asks before the next try of its PIN."""
    from apdu.payload import Asked

    if not settings.asked & Asked.LAST_TRIES:
        return False
    left = client.pin_tries_left()
    return left is not None and left <= _LAST_TRIES


def _waited(settings: ConsentSettings | None, act: Callable[[], T]) -> T:
    """Wait for an act in a thread of its own: Ctrl-C finds nobody while a driver is at work.

    Then the program ends at once, and with it the connection to the reader; so the key asks no
    more.
    """
    limit = "" if settings is None else f" {settings.seconds} s"
    _say(f"look at the key: it waits{limit} for Confirm or Cancel")
    try:
        # Within: it may be at the key before this thread knows that it has started.
        return begin_aside(act, name="ushield-waiting").result()
    except KeyboardInterrupt:
        _say("cancelled: nothing was done")
        os._exit(_INTERRUPTED)


def _say(line: str) -> None:
    sys.stderr.write(f"ushield: {line}\n")
    sys.stderr.flush()
