"""What one check has found, and how to mend it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class State(StrEnum):
    """How well it is."""

    OK = "ok"
    WARNING = "warning"
    """It works, or is not wanted by everybody; but somebody will miss it, or soon."""
    FAULT = "fault"
    """Something that is wanted does not work."""
    NOT_NEEDED = "not needed"


@dataclass(frozen=True, slots=True)
class Finding:
    """The outcome of a check. `mend` is one line; empty where there is nothing to mend."""

    name: str
    state: State
    found: str
    mend: str = ""


def ok(name: str, found: str) -> Finding:
    """All is well."""
    return Finding(name, State.OK, found)


def not_needed(name: str, found: str) -> Finding:
    """Nobody asks for it here."""
    return Finding(name, State.NOT_NEEDED, found)


def warning(name: str, found: str, mend: str) -> Finding:
    """To be looked after."""
    return Finding(name, State.WARNING, found, mend)


def fault(name: str, found: str, mend: str) -> Finding:
    """To be mended."""
    return Finding(name, State.FAULT, found, mend)
