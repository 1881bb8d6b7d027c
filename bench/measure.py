"""How things are timed: turn about, many short rounds, and the median of what each round says.

A machine that slows down for a while slows both sides of a ratio.
"""

from __future__ import annotations

import gc
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median
from time import perf_counter

Action = Callable[[], object]

_ROUNDS = 15
_ROUND_SECONDS = 0.04


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table: what was measured, against what, and what is wanted."""

    name: str
    value: str
    against: str = ""
    ratio: float | None = None
    wanted: str = ""
    met: bool | None = None


def microseconds(action: Action) -> float:
    """The time of one call, the median over the rounds."""
    count = _fitting_count(action)
    return median(_time(action, count) for _ in range(_ROUNDS)) * 1e6


def compare(name: str, action: Action, against: str, other: Action, least: float | None) -> Row:
    """The rate of `action` as a share of the rate of `other`; `least` is what is wanted."""
    counts = _fitting_count(action), _fitting_count(other)
    pairs = [(_time(action, counts[0]), _time(other, counts[1])) for _ in range(_ROUNDS)]
    ratio = median(theirs / ours for ours, theirs in pairs)
    ours, theirs = (median(pair[side] for pair in pairs) * 1e6 for side in (0, 1))
    return Row(
        name=name,
        value=f"{ours:,.1f} us",
        against=f"{against}: {theirs:,.1f} us",
        ratio=ratio,
        wanted="" if least is None else f"at least {least:.2f}",
        met=None if least is None else ratio >= least,
    )


def at_most(name: str, value: float, unit: str, most: float) -> Row:
    """A value that should not be larger than `most`."""
    digits = 1 if value >= 1 else 3
    return Row(
        name=name,
        value=f"{value:,.{digits}f} {unit}",
        wanted=f"under {most:g} {unit}",
        met=value < most,
    )


def _fitting_count(action: Action) -> int:
    """How many calls fill a round."""
    count = 1
    while (took := _time(action, count) * count) < _ROUND_SECONDS / 4:
        count *= 2
    return max(1, round(count * _ROUND_SECONDS / took))


def _time(action: Action, count: int) -> float:
    """Seconds of one call, over `count` calls in a row, without garbage collection between."""
    collecting = gc.isenabled()
    gc.disable()
    try:
        begin = perf_counter()
        for _ in range(count):
            action()
        return (perf_counter() - begin) / count
    finally:
        if collecting:
            gc.enable()
