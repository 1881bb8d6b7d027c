"""A search over all that a card can be brought to, shortest way first.

A way is a list of acts. The card at its end is made by going the way again, so nothing of the card
has to be copied. Two ways that end in the same state, seen through a few values of the card and
those of the watcher beside it, are one; so the search ends.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass, field
from typing import Generic, Protocol, TypeVar

from applet.os.card import Card
from applet.os.store import MemoryStore


class Act(Protocol):
    """Something that a host may do with a card."""

    @property
    def leads_on(self) -> bool:
        """Whether what it leaves behind is searched too; else it is only judged."""
        ...

    def done(self, card: Card) -> int:
        """Do it; the status word of its last command."""
        ...


A = TypeVar("A", bound=Act)


class Watcher(Protocol[A]):
    """Who follows, from outside and by the rules alone, what a host is entitled to. Immutable."""

    def after(self, act: A, sw: int) -> Watcher[A]:
        """The watcher when the act was answered so; Broken when the rules forbid that."""
        ...


class Broken(Exception):
    """The card did what its rules forbid."""


@dataclass
class Found(Generic[A]):
    """What a search has come by.

    The watcher of each state, how many acts were tried, how often each succeeded; and a fault, if
    there is one, with the way to it.
    """

    watchers: list[Watcher[A]] = field(default_factory=list)
    tried: int = 0
    succeeded: Counter[A] = field(default_factory=Counter)
    way: tuple[A, ...] = ()
    fault: str = ""


def search(
    make: Callable[[], Card],
    acts: Iterable[A],
    watcher: Watcher[A],
    seen_as: Callable[[Card], Hashable],
) -> Found[A]:
    """Go every way; the first fault, on a shortest way, ends the search."""
    acts = tuple(acts)
    found = Found[A]()
    known: set[Hashable] = {(seen_as(make()), watcher)}
    waiting: deque[tuple[tuple[A, ...], Watcher[A]]] = deque([((), watcher)])
    while waiting:
        way, before = waiting.popleft()
        found.watchers.append(before)
        card = _went(make(), way)
        start = _all_of(card, seen_as)
        for act in acts:
            if _all_of(card, seen_as) != start:
                card = _went(make(), way)
            found.tried += 1
            sw = act.done(card)
            found.succeeded[act] += _succeeded(sw)
            try:
                after = before.after(act, sw)
            except Broken as fault:
                found.way, found.fault = (*way, act), str(fault)
                return found
            state = (seen_as(card), after)
            if act.leads_on and state not in known:
                known.add(state)
                waiting.append(((*way, act), after))
    return found


def _went(card: Card, way: Iterable[A]) -> Card:
    for act in way:
        act.done(card)
    return card


def _all_of(card: Card, seen_as: Callable[[Card], Hashable]) -> Hashable:
    """A card that an act has left as it was serves for the next one: its state and its memory."""
    memory: MemoryStore = card._store  # type: ignore[assignment]
    return seen_as(card), tuple(memory._cells.items())


def _succeeded(sw: int) -> bool:
    return sw >> 8 in (0x90, 0x61)
