"""A program that watches readers and cards by pyscard, and prints a line for each event.

Run as a script, by another Python too: watcher.py cards|readers|requests.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterable
from typing import Any

from smartcard.CardMonitoring import CardMonitor, CardObserver
from smartcard.CardRequest import CardRequest
from smartcard.Exceptions import CardRequestTimeoutException
from smartcard.ReaderMonitoring import ReaderMonitor, ReaderObserver

SELECT = [0x00, 0xA4, 0x04, 0x00, 0x0C, *bytes.fromhex("A000000063504B43532D3135")]
CHALLENGE = [0x00, 0x84, 0x00, 0x00, 0x08]


class Cards(CardObserver):  # type: ignore[misc]  # pyscard has no types
    """Says which reader a card was put into or pulled out of."""

    def update(self, observable: Any, handlers: tuple[Iterable[Any], Iterable[Any]]) -> None:
        """Called by pyscard's thread."""
        added, removed = handlers
        say("in", (card.reader for card in added))
        say("out", (card.reader for card in removed))


class Readers(ReaderObserver):  # type: ignore[misc]
    """Says which readers have come and gone."""

    def update(self, observable: Any, handlers: tuple[Iterable[Any], Iterable[Any]]) -> None:
        """Called by pyscard's thread."""
        added, removed = handlers
        say("new", added)
        say("gone", removed)


def say(word: str, things: Iterable[Any]) -> None:
    """Print a line for each thing, at once."""
    for thing in things:
        print(word, thing, flush=True)


def watch_cards() -> None:
    """Until killed."""
    CardMonitor().addObserver(Cards())
    # pyscard's thread does not tell when it has begun to look.
    time.sleep(0.3)
    say("ready", [""])
    threading.Event().wait()


def watch_readers() -> None:
    """Until killed."""
    ReaderMonitor(period=0.05).addObserver(Readers())
    threading.Event().wait()


def request_cards() -> None:
    """Ask for any card, for another one in vain, and for the next one when that is gone."""
    say("wanted:", ["any card"])
    use(CardRequest(timeout=10).waitforcard())
    assert not comes(CardRequest(timeout=0.2, newcardonly=True))
    say("wanted:", ["no card"])
    while comes(CardRequest(timeout=0.05)):
        pass
    say("wanted:", ["the next card"])
    use(CardRequest(timeout=10).waitforcard())


def comes(request: Any) -> bool:
    """Whether a card is there, or comes before the time is out."""
    try:
        request.waitforcard()
    except CardRequestTimeoutException:
        return False
    return True


def use(service: Any) -> None:
    """Two commands to a card, which is not held any longer."""
    service.connection.connect()
    for command in (SELECT, CHALLENGE):
        data, sw1, sw2 = service.connection.transmit(command)
        say("answer", [f"{len(data)} bytes, {sw1:02X}{sw2:02X}"])
    service.connection.disconnect()


if __name__ == "__main__":
    {"cards": watch_cards, "readers": watch_readers, "requests": request_cards}[sys.argv[1]]()
