"""A readable record of what goes over the wire, without anything that could be a secret.

`record` is what it is made of, `redaction` decides what may be seen, `tracing` listens in, `file`
writes and reads, `decode` explains, `diff` compares, and `words` shows one record by itself.
docs/trace.md describes the files.

Files and explanations are loaded when they are used: a client that is not traced pays for neither.
"""

from host.trace.record import (
    CardEvent,
    Direction,
    Entry,
    Happening,
    TraceError,
    TraceHead,
    TraceRecord,
)
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
