"""A trivial command through pcscd and vpcd: the chip against a card that does nothing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

from bench.measure import Row
from bench.service import find, ratio_row, turn_about
from bench.worker import Worker
from tests.pcscd import Pcscd, eventually

_COMMANDS = 300
_CARDS = {"chip": 0, "null": 1}
"""The slot of vpcd in which each is: it has two."""


def rows(pcscd: Pcscd) -> Iterator[Row]:
    """Each card is in a process of its own, in a reader of its own, with a client of its own."""
    with ExitStack() as stack:
        for kind, slot in _CARDS.items():
            stack.enter_context(Worker("bench.served", "vpcd", str(pcscd.port + slot), kind))
        eventually(lambda: all(reader.present for reader in pcscd.readers()), "both cards are in")
        env = find(str(pcscd.socket))
        chip, null = (
            stack.enter_context(Worker("bench.libpcsclite", pcscd.readers()[slot].name, env=env))
            for slot in _CARDS.values()
        )
        pairs = turn_about(chip, null, _COMMANDS)
        yield ratio_row("GET CHALLENGE through pcscd and vpcd", pairs, "a null card", 0.85)
    eventually(lambda: not any(one.present for one in pcscd.readers()), "both cards are out")
