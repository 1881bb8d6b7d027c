"""A readable record of what goes over the wire, without anything that could be a secret.

`record` is what it is made of, `redaction` decides what may be seen, `tracing` listens in, `file`
writes and reads, `decode` explains, `diff` compares, and `words` shows one record by itself.
docs/trace.md describes the files.

Whatever listens, writes or explains is loaded when it is used: who is not traced pays for nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from host.trace.record import (
    CardEvent,
    Direction,
    Entry,
    Happening,
    TraceError,
    TraceHead,
    TraceRecord,
)

if TYPE_CHECKING:
    from host.trace.redaction import Redactor
    from host.trace.tracing import TracedCard, TracedTransport, Tracer, traced
    from host.trace.words import format_record

__all__ = [
    "CardEvent",
    "Direction",
    "Entry",
    "Happening",
    "Redactor",
    "TraceError",
    "TraceHead",
    "TraceRecord",
    "TracedCard",
    "TracedTransport",
    "Tracer",
    "format_record",
    "traced",
]

_ROOMS = {
    "Redactor": "redaction",
    **dict.fromkeys(("TracedCard", "TracedTransport", "Tracer", "traced"), "tracing"),
    "format_record": "words",
}


def __getattr__(name: str) -> Any:
    room = _ROOMS.get(name)
    if room is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{room}"), name)
