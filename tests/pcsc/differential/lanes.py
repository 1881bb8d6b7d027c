"""Both sides beside each other, several times, so that scripts can be played at once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from queue import SimpleQueue
from typing import TypeVar

from tests.pcsc.differential.conversation import play
from tests.pcsc.differential.differences import compare
from tests.pcsc.differential.script import Script
from tests.pcsc.differential.sides import PcscdSide, ServiceSide, pcscd_side

T = TypeVar("T")

USUAL_SECONDS, PATIENT_SECONDS = 0.15, 1.0
"""How long a call is watched before it is said to wait. When the sides differ it is said only after
the longer time, so that a busy machine makes no difference."""


@dataclass
class Lane:
    """pcscd, and ours."""

    judge: PcscdSide
    ours: ServiceSide

    def differences(self, script: Script) -> list[str]:
        """What differs in the script, as a text with both sides; empty if nothing."""
        found = self._played(script, USUAL_SECONDS) and self._played(script, PATIENT_SECONDS)
        return [f"== {script.title}", *found] if found else []

    def _played(self, script: Script, patience: float) -> list[str]:
        sides = (self.judge, self.ours)
        return compare(*(play(side, script.card, script.steps, patience) for side in sides))


class Lanes:
    """Some lanes, each used by one script at a time."""

    def __init__(self, lanes: list[Lane], pool: ThreadPoolExecutor) -> None:
        self._free: SimpleQueue[Lane] = SimpleQueue()
        self._pool = pool
        for lane in lanes:
            self._free.put(lane)

    @contextmanager
    def one(self) -> Iterator[Lane]:
        """A lane that nobody else uses."""
        lane = self._free.get()
        try:
            yield lane
        finally:
            self._free.put(lane)

    def each(self, do: Callable[[Lane, T], list[str]], what: Iterable[T]) -> list[str]:
        """Do it with each, at once as far as there are lanes; all that was found."""

        def done(one: T) -> list[str]:
            with self.one() as lane:
                return do(lane, one)

        return [line for found in self._pool.map(done, what) for line in found]


@contextmanager
def open_lanes(count: int) -> Iterator[Lanes]:
    """Start so many of each."""
    # A pcscd lives as long as the thread that started it, and any of these may restart one.
    with ThreadPoolExecutor(count) as pool, ExitStack() as life:
        judges = [life.enter_context(pcscd_side()) for _ in range(count)]
        ours = [ServiceSide() for _ in judges]
        for side in ours:
            life.callback(side.close)
        yield Lanes([Lane(*pair) for pair in zip(judges, ours, strict=True)], pool)
