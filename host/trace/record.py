"""What a trace is made of: commands, answers, what happens to the card, and when.

Nothing here holds a byte that `host.trace.redaction` does not let through.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import Enum, StrEnum
from typing import NamedTuple

from host.errors import HostError


class Direction(Enum):
    """Who is speaking."""

    TO_CARD = ">"
    FROM_CARD = "<"


class TraceRecord(NamedTuple):
    """One APDU. `data` is None when it is not shown; `length` counts its bytes all the same.

    `name` and `header` (CLA INS P1 P2) are the command's, also in the record of its answer. `le`
    and `extended` are those of `apdu.command.Command`. What is `malformed` is no APDU at all: of a
    command all after the first 4 bytes is its data, and an answer too short for a status word has
    `sw` 0.
    """

    direction: Direction
    name: str
    header: bytes
    length: int
    data: bytes | None
    le: int = 0
    sw: int = 0
    extended: bool = False
    malformed: bool = False


class Happening(StrEnum):
    """What happens to a card beside commands."""

    CONNECTED = "connected"
    """The card had power already; what was done with it before is not known."""
    POWER_ON = "power-on"
    RESET = "reset"
    POWER_OFF = "power-off"
    NO_ANSWER = "no-answer"
    """A command was sent, and no answer came: the card failed, or was pulled out."""


class CardEvent(NamedTuple):
    """Something happened to the card; `atr` is its answer to reset, if it gave one."""

    happening: Happening
    atr: bytes = b""


class Entry(NamedTuple):
    """One line of a trace: `at` is the time in microseconds since its beginning."""

    at: int
    reader: str
    what: TraceRecord | CardEvent


@dataclass(frozen=True, slots=True)
class TraceHead:
    """How a trace begins: when (with a time zone), by which program, at which card.

    What a foreign log does not tell is None or empty.
    """

    when: datetime | None = None
    by: str = ""
    reader: str = ""
    atr: bytes = b""


class TraceError(HostError):
    """A trace that cannot be written or read; one line that says why and what to do."""
