"""Recorded cards for tests: a bug that was seen with a real card, without that card."""

from __future__ import annotations

from pathlib import Path

from host.replay import ReplayCard, Tolerance, cards_of
from host.trace.file import read_trace
from host.transport import ClosedByWith
from ushield.testing.readers import Desk


class Replay:
    """The cards of one trace, in readers of a PC/SC service of their own. `ReplayFactory` makes it.

    A program that runs in `environment` finds them.
    """

    def __init__(self, trace: Path, tolerance: Tolerance) -> None:
        self.cards: dict[str, ReplayCard] = cards_of(read_trace(trace).entries, tolerance=tolerance)
        """By the reader's name, as it is in the trace."""
        self._desk = Desk(list(self.cards))
        for reader, card in self.cards.items():
            self._desk.service.insert(reader, card)

    @property
    def environment(self) -> dict[str, str]:
        """An environment in which a subprocess finds these cards, and nothing of the user's."""
        return self._desk.environment

    @property
    def departures(self) -> list[str]:
        """Where programs left the trace, in words; empty as long as none has."""
        return [
            f"{reader}: {card.departure}" for reader, card in self.cards.items() if card.departure
        ]

    @property
    def left(self) -> int:
        """Commands of the trace that nobody has come to yet."""
        return sum(card.left for card in self.cards.values())

    def close(self) -> None:
        """End the service."""
        self._desk.close()


class ReplayFactory(ClosedByWith):
    """Makes the replays of one test. At the end of the context their services end."""

    def __init__(self) -> None:
        self._replays: list[Replay] = []

    def __call__(self, trace: str | Path, *, random: bool = False, order: bool = False) -> Replay:
        """The cards of a trace. `random` and `order` are tolerated if told (docs/replay.md)."""
        tolerance = Tolerance.RANDOM if random else Tolerance.NONE
        tolerance |= Tolerance.ORDER if order else Tolerance.NONE
        replay = Replay(Path(trace), tolerance)
        self._replays.append(replay)
        return replay

    @property
    def departures(self) -> list[str]:
        """Where programs left their traces."""
        return [words for replay in self._replays for words in replay.departures]

    def close(self) -> None:
        """End the services."""
        for replay in self._replays:
            replay.close()
