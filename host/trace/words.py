"""A record in one line, by itself: for a dialogue as it happens. `host.trace.decode` says more."""

from __future__ import annotations

from apdu.status import describe
from host.trace.record import Direction, TraceRecord


def format_record(record: TraceRecord, *, most: int = 32) -> str:
    """One line for one APDU; of shown data the first `most` bytes.

    A command gives its name, header, and Lc and Le where it has them; an answer its status word,
    in words too.
    """
    if record.direction is Direction.TO_CARD:
        lengths = f" Lc {record.length}" if record.length else ""
        lengths += f" Le {record.le}" if record.le else ""
        head = f"> {record.name:<28} {record.header.hex(' ').upper()}{lengths}"
    else:
        unit = "byte" if record.length == 1 else "bytes"
        size = f", {record.length} {unit}" if record.length else ""
        head = f"< {record.sw:04X} {describe(record.sw)}{size}"
    return f"{head}{_data_words(record, most)}"


def _data_words(record: TraceRecord, most: int) -> str:
    if not record.length:
        return ""
    if record.data is None:
        return ", not shown"
    more = " ..." if len(record.data) > most else ""
    return f": {record.data[:most].hex().upper()}{more}"
