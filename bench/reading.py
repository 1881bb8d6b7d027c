"""A trivial command through pcscd and vpcd: the chip against a card that does nothing."""

from __future__ import annotations

from collections.abc import Iterator
from statistics import median
from time import perf_counter

from applet.os.store import MemoryStore
from bench.measure import Row
from host.pcsc import open_reader
from tests.pcscd import Pcscd
from ushield.device.assembly import assemble
from ushield.reader.card import CardPort

_CHALLENGE = bytes.fromhex("0084000008")
_ROUNDS, _COMMANDS = 9, 1500


class _NullCard:
    """Answers 9000 to everything."""

    def __init__(self, atr: bytes) -> None:
        self._atr = atr

    def power_on(self) -> bytes:
        return self._atr

    def reset(self) -> bytes:
        return self._atr

    def power_off(self) -> None:
        pass

    def transmit(self, _command: bytes, /) -> bytes:
        return b"\x90\x00"


def rows(pcscd: Pcscd) -> Iterator[Row]:
    """Both cards turn about, in one reader."""
    chip = assemble(MemoryStore())
    null = _NullCard(chip.power_on())
    pairs = [(_seconds(pcscd, chip), _seconds(pcscd, null)) for _ in range(_ROUNDS)]
    ratio = median(bare / ours for ours, bare in pairs)
    ours, bare = (median(pair[side] for pair in pairs) * 1e6 for side in (0, 1))
    yield Row(
        name="GET CHALLENGE through pcscd and vpcd",
        value=f"{ours:,.1f} us",
        against=f"a null card: {bare:,.1f} us",
        ratio=ratio,
        wanted="at least 0.85",
        met=ratio >= 0.85,
    )


def _seconds(pcscd: Pcscd, card: CardPort) -> float:
    """Seconds of one command."""
    with pcscd.plugged(card), open_reader() as transport:
        begin = perf_counter()
        for _ in range(_COMMANDS):
            transport.transmit(_CHALLENGE)
        return (perf_counter() - begin) / _COMMANDS
