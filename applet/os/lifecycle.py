"""The life cycle of a card, as one table: what each phase allows and what leads out of it.

Absence refuses.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum, auto
from types import MappingProxyType

from apdu.edge import Phase
from apdu.status import SW
from applet.os.errors import CardError
from applet.os.store import Records, Store


class Ability(IntEnum):
    """What a command does, as far as the life cycle is concerned."""

    READ = auto()
    """Look at files, objects and the card's own state; take a challenge."""
    VERIFY = auto()
    """Present or change a PIN."""
    UNBLOCK = auto()
    """Give a PIN its tries back with the PUK."""
    USE_KEY = auto()
    """Sign, decipher, agree on a key, authenticate."""
    MANAGE = auto()
    """Create, write and delete files; make and import keys."""
    SET_PIN = auto()
    """Store a PIN that is not there yet."""
    FORMAT = auto()
    """Erase everything and begin again."""
    ACTIVATE = auto()
    DEACTIVATE = auto()
    TERMINATE = auto()


class Event(IntEnum):
    """What moves a card from one phase to the next."""

    FORMATTED = auto()
    PIN_STORED = auto()
    ACTIVATED = auto()
    PIN_BLOCKED = auto()
    PIN_UNBLOCKED = auto()
    DEACTIVATED = auto()
    TERMINATED = auto()


@dataclass(frozen=True, slots=True)
class Row:
    """One phase: what it allows, how it refuses the rest, and where each event leads."""

    phase: Phase
    allows: frozenset[Ability]
    refusal: SW
    after: Mapping[Event, Phase]


_BUILDING = frozenset({Ability.READ, Ability.MANAGE, Ability.SET_PIN, Ability.FORMAT})

_ROWS = (
    Row(
        phase=Phase.MANUFACTURED,
        allows=_BUILDING,
        refusal=SW.CONDITIONS,
        after={Event.FORMATTED: Phase.MANUFACTURED, Event.PIN_STORED: Phase.PERSONALISED},
    ),
    Row(
        phase=Phase.PERSONALISED,
        allows=_BUILDING | {Ability.VERIFY, Ability.UNBLOCK, Ability.ACTIVATE},
        refusal=SW.CONDITIONS,
        after={
            Event.FORMATTED: Phase.MANUFACTURED,
            Event.PIN_STORED: Phase.PERSONALISED,
            Event.PIN_BLOCKED: Phase.PERSONALISED,
            Event.PIN_UNBLOCKED: Phase.PERSONALISED,
            Event.ACTIVATED: Phase.ACTIVATED,
        },
    ),
    Row(
        phase=Phase.ACTIVATED,
        allows=frozenset(Ability) - {Ability.ACTIVATE},
        refusal=SW.CONDITIONS,
        after={
            Event.FORMATTED: Phase.MANUFACTURED,
            Event.PIN_STORED: Phase.ACTIVATED,
            Event.PIN_BLOCKED: Phase.PIN_BLOCKED,
            Event.PIN_UNBLOCKED: Phase.ACTIVATED,
            Event.DEACTIVATED: Phase.DEACTIVATED,
            Event.TERMINATED: Phase.TERMINATED,
        },
    ),
    Row(
        phase=Phase.PIN_BLOCKED,
        allows=frozenset(Ability) - {Ability.ACTIVATE, Ability.USE_KEY},
        refusal=SW.AUTH_BLOCKED,
        after={
            Event.FORMATTED: Phase.MANUFACTURED,
            Event.PIN_STORED: Phase.PIN_BLOCKED,
            Event.PIN_BLOCKED: Phase.PIN_BLOCKED,
            Event.PIN_UNBLOCKED: Phase.ACTIVATED,
            Event.DEACTIVATED: Phase.DEACTIVATED,
            Event.TERMINATED: Phase.TERMINATED,
        },
    ),
    Row(
        phase=Phase.DEACTIVATED,
        allows=frozenset({Ability.READ, Ability.VERIFY, Ability.ACTIVATE, Ability.TERMINATE}),
        refusal=SW.CONDITIONS,
        after={
            Event.ACTIVATED: Phase.ACTIVATED,
            Event.PIN_BLOCKED: Phase.DEACTIVATED,
            Event.PIN_UNBLOCKED: Phase.DEACTIVATED,
            Event.TERMINATED: Phase.TERMINATED,
        },
    ),
    Row(
        phase=Phase.TERMINATED,
        allows=frozenset({Ability.READ}),
        refusal=SW.CONDITIONS,
        after={},
    ),
)

LIFE_CYCLE: Mapping[Phase, Row] = MappingProxyType({row.phase: row for row in _ROWS})

_FRESH = LIFE_CYCLE[Phase.MANUFACTURED]
_CELL = "phase"

UNDER_CONSTRUCTION = frozenset({Phase.MANUFACTURED, Phase.PERSONALISED})
"""Phases in which access rules do not bind yet: the personaliser is at work (ISO 7816-9 §5)."""


class LifeCycle:
    """The phase of one card, kept in its memory and moved only along the table."""

    def __init__(self, store: Store, prefix: str) -> None:
        self._rows = Records(
            store, prefix, lambda raw: LIFE_CYCLE[Phase(raw[0])], lambda row: bytes((row.phase,))
        )

    @property
    def phase(self) -> Phase:
        """The phase now."""
        return self._row().phase

    @property
    def under_construction(self) -> bool:
        """True until activation."""
        return self.phase in UNDER_CONSTRUCTION

    def require(self, ability: Ability) -> None:
        """Refuse the command, with the phase's own status word, unless the phase allows it."""
        row = self._row()
        if ability not in row.allows:
            raise CardError(row.refusal)

    def move(self, event: Event) -> None:
        """Go where the table leads; an event that the phase does not know is refused (6985)."""
        row = self._row()
        phase = row.after.get(event)
        if phase is None:
            raise CardError(SW.CONDITIONS)
        if phase is not row.phase:
            self._rows.put(_CELL, LIFE_CYCLE[phase])

    def _row(self) -> Row:
        """A memory that holds no phase yet is a card fresh from the factory."""
        return self._rows.get(_CELL) or _FRESH
