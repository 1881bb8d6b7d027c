"""Mutants of the life cycle: one row of its table is another (ISO 7816-4 §7.4.10, ISO 7816-9)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from apdu.edge import Phase
from apdu.status import SW
from applet.os.lifecycle import LIFE_CYCLE, Ability, Event
from tests.mutants.mutant import Mutant, Value

_TABLE = "applet.os.lifecycle:LIFE_CYCLE"
_FRESH = "applet.os.lifecycle:_FRESH"
"""The row of a card that nobody has touched: its memory has no phase yet."""


def _row(
    name: str, breaks: str, phase: Phase, seen_by: str, **changes: Callable[..., Any]
) -> Mutant:
    """The row of a phase, each field that is given made of what it was."""
    old = LIFE_CYCLE[phase]
    row = replace(old, **{field: made(getattr(old, field)) for field, made in changes.items()})
    if phase is Phase.MANUFACTURED:
        change = Value(_FRESH, lambda _: row)
    else:
        change = Value(_TABLE, lambda table: MappingProxyType({**table, phase: row}))
    return Mutant(name, breaks, change, tuple(seen_by.split()), "the table of the life cycle")


def _also(*abilities: Ability) -> Callable[[frozenset[Ability]], frozenset[Ability]]:
    return lambda allows: allows | set(abilities)


def _without(*abilities: Ability) -> Callable[[frozenset[Ability]], frozenset[Ability]]:
    return lambda allows: allows - set(abilities)


def _leads(event: Event, phase: Phase) -> Callable[[Mapping[Event, Phase]], Mapping[Event, Phase]]:
    return lambda after: {**after, event: phase}


def _status(sw: SW) -> Callable[[SW], SW]:
    return lambda _: sw


MUTANTS = (
    _row(
        "blocked-uses-keys",
        "with a blocked PIN no key works",
        Phase.PIN_BLOCKED,
        "life-pin-blocked-officer-key",
        allows=_also(Ability.USE_KEY),
    ),
    _row(
        "blocked-not-unblocked",
        "the PUK makes a blocked card active again",
        Phase.PIN_BLOCKED,
        "life-pin-blocked",
        after=_leads(Event.PIN_UNBLOCKED, Phase.PIN_BLOCKED),
    ),
    _row(
        "deactivated-uses-keys",
        "deactivated, no key works",
        Phase.DEACTIVATED,
        "life-deactivate",
        allows=_also(Ability.USE_KEY),
    ),
    _row(
        "deactivated-writes",
        "deactivated, no file changes",
        Phase.DEACTIVATED,
        "life-deactivated-unblock",
        allows=_also(Ability.MANAGE),
    ),
    _row(
        "deactivated-unblocks",
        "deactivated, no PIN is unblocked",
        Phase.DEACTIVATED,
        "life-deactivated-unblock",
        allows=_also(Ability.UNBLOCK),
    ),
    _row(
        "deactivated-blind",
        "a deactivated card can be looked at",
        Phase.DEACTIVATED,
        "life-deactivated-reads",
        allows=_without(Ability.READ),
    ),
    _row(
        "deactivated-for-good",
        "a deactivated card can be activated",
        Phase.DEACTIVATED,
        "life-deactivate life-deactivated-reset",
        allows=_without(Ability.ACTIVATE),
    ),
    _row(
        "deactivated-not-terminated",
        "a deactivated card can be terminated",
        Phase.DEACTIVATED,
        "life-terminate-deactivated",
        allows=_without(Ability.TERMINATE),
    ),
    _row(
        "deactivating-does-nothing",
        "DEACTIVATE leads to the phase 04",
        Phase.ACTIVATED,
        "life-deactivate life-deactivated-reset",
        after=_leads(Event.DEACTIVATED, Phase.ACTIVATED),
    ),
    _row(
        "terminating-deactivates",
        "TERMINATE leads to the phase 0C",
        Phase.ACTIVATED,
        "life-terminate life-terminated-reset",
        after=_leads(Event.TERMINATED, Phase.DEACTIVATED),
    ),
    _row(
        "terminated-verifies",
        "a terminated card takes no PIN",
        Phase.TERMINATED,
        "life-terminate life-terminated-reset",
        allows=_also(Ability.VERIFY),
    ),
    _row(
        "terminated-uses-keys",
        "a terminated card uses no key",
        Phase.TERMINATED,
        "life-terminated-keys",
        allows=_also(Ability.USE_KEY),
    ),
    _row(
        "terminated-comes-back",
        "a terminated card is so for good",
        Phase.TERMINATED,
        "life-terminate life-terminated-reset",
        allows=_also(Ability.ACTIVATE),
        after=_leads(Event.ACTIVATED, Phase.ACTIVATED),
    ),
    _row(
        "active-activates",
        "a card in use cannot be activated again",
        Phase.ACTIVATED,
        "life-activate-activated",
        allows=_also(Ability.ACTIVATE),
        after=_leads(Event.ACTIVATED, Phase.ACTIVATED),
    ),
    _row(
        "blank-verifies",
        "a blank card takes no PIN",
        Phase.MANUFACTURED,
        "blank-pin-verifies-after",
        allows=_also(Ability.VERIFY),
    ),
    _row(
        "blank-activates",
        "a blank card cannot be activated",
        Phase.MANUFACTURED,
        "blank-refuses",
        allows=_also(Ability.ACTIVATE),
        after=_leads(Event.ACTIVATED, Phase.ACTIVATED),
    ),
    _row(
        "blank-terminates",
        "a blank card cannot be terminated",
        Phase.MANUFACTURED,
        "blank-refuses",
        allows=_also(Ability.TERMINATE),
        after=_leads(Event.TERMINATED, Phase.TERMINATED),
    ),
    _row(
        "built-uses-keys",
        "no key works before activation",
        Phase.PERSONALISED,
        "blank-key-before-activation",
        allows=_also(Ability.USE_KEY),
    ),
    _row(
        "built-takes-one-pin",
        "until activation a PIN may be stored again",
        Phase.PERSONALISED,
        "blank-pin-stored-again blank-to-active",
        allows=_without(Ability.SET_PIN),
    ),
    _row(
        "pin-does-not-personalise",
        "a stored PIN makes a blank card a personalised one",
        Phase.MANUFACTURED,
        "blank-to-active blank-pin-verifies-after",
        after=_leads(Event.PIN_STORED, Phase.MANUFACTURED),
    ),
    _row(
        "erased-not-blank",
        "an erased card is as it was manufactured",
        Phase.ACTIVATED,
        "life-erase",
        after=_leads(Event.FORMATTED, Phase.PERSONALISED),
    ),
    _row(
        "blocked-not-deactivated",
        "the officer deactivates a card whose PIN is blocked",
        Phase.PIN_BLOCKED,
        "life-pin-blocked-officer",
        allows=_without(Ability.DEACTIVATE),
    ),
    _row(
        "blank-refuses-otherwise",
        "what a phase does not allow is answered 6985",
        Phase.MANUFACTURED,
        "blank-refuses blank-pin-verifies-after",
        refusal=_status(SW.SECURITY_STATUS),
    ),
)
