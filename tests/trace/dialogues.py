"""Dialogues with a token, listened to, for the tests of whatever is done with a trace."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from itertools import count

from host.client import TokenClient
from host.memory import MemoryTransport
from host.trace import Direction, Entry, Redactor, TracedCard, Tracer, TraceRecord
from tests.host import tokens


@contextmanager
def listened(reader: str = "reader") -> Iterator[tuple[TokenClient, list[Entry]]]:
    """A client of a personalised token, and what is heard of its dialogue."""
    entries: list[Entry] = []
    card = TracedCard(tokens.token_card(), Tracer(entries.append, reader, ticking()))
    with MemoryTransport(card) as transport:
        yield TokenClient(transport), entries


def ticking(step: int = 1000) -> Callable[[], int]:
    """A clock that goes on by so many microseconds each time that it is looked at."""
    times = count(0, step)
    return lambda: next(times)


@cache
def everyday() -> tuple[Entry, ...]:
    """What a holder does: look around, verify the PIN, sign, decipher; and what is no APDU."""
    with listened() as (client, entries):
        client.info()
        client.verify_pin(tokens.PIN)
        client.sign(b"message")
        client.sign(b"message", tokens.P256)
        client.certificate()
        client.decipher(client.encipher(b"secret"))
        client.reset()
        for odd in ("", "00", "00A404", "00A40400FF00", "00840000000010", "10DA018302AABB"):
            client.link.transport.transmit(bytes.fromhex(odd))
    return tuple(entries)


def records_of(
    *exchanges: tuple[str, str], atr: bytes | None = b""
) -> list[tuple[TraceRecord, TraceRecord]]:
    """The records of a dialogue in hexadecimal; None for an answer to reset leaves it out."""
    redactor = Redactor()
    if atr is not None:
        redactor.started(atr)
    return [
        (redactor.command(bytes.fromhex(there)), redactor.answer(bytes.fromhex(back)))
        for there, back in exchanges
    ]


def commands(entries: tuple[Entry, ...]) -> list[TraceRecord]:
    """The commands of a dialogue."""
    records = [entry.what for entry in entries if isinstance(entry.what, TraceRecord)]
    return [record for record in records if record.direction is Direction.TO_CARD]
