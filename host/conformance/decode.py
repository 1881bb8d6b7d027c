"""The steps of a dialogue in words, as a report may show them.

What may be seen of a command and its answer is decided where it is for a trace, in
`host.trace.redaction`; of a command that may not, the text of the dialogue is shown, in which PINs
stand by their names.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from apdu.instruction import name_of
from apdu.status import describe
from host.conformance.holding import Held
from host.conformance.outcome import ShownStep
from host.conformance.reach import command_of
from host.trace import Redactor, TraceRecord
from vectors.loader import Dialogue, Reset, Step
from vectors.pattern import Status

_MALFORMED, _NO_DATA = "malformed command", "no data"
_MOST = 256
"""Bytes of a command, or of data, that are shown."""


def shown_steps(dialogue: Dialogue, held: Held, atr: bytes = b"") -> tuple[ShownStep, ...]:
    """Every step of the dialogue, and as far as it was held, the answers.

    The numbers are those of `dialogue`, whose steps may be more than those that were held.
    """
    return tuple(_shown_steps(dialogue, held, atr))


def _shown_steps(dialogue: Dialogue, held: Held, atr: bytes) -> Iterator[ShownStep]:
    exchanges = {id(exchange.step): exchange for exchange in held.exchanges}
    redactor = Redactor()
    redactor.started(atr)
    for number, step in enumerate(dialogue.steps, 1):
        if isinstance(step, Reset):
            redactor.started(atr)
            yield ShownStep(number, "reset of the card", step.note)
            continue
        fault = held.fault if step is held.step else ""
        planned = replace(_planned(number, step), fault=fault)
        exchange = exchanges.get(id(step))
        if exchange is None:
            yield planned
            continue
        sent, got = redactor.command(exchange.command), redactor.answer(exchange.answer)
        yield replace(
            planned,
            name=sent.name,
            sent=planned.sent if sent.data is None else _hex(exchange.command),
            got=_status_word(got),
            got_data=_data(got),
        )


def _planned(number: int, step: Step) -> ShownStep:
    """A step as it is written."""
    command = command_of(step)
    return ShownStep(
        number=number,
        name=_MALFORMED if command is None else name_of(command),
        note=step.note,
        sent=step.command_text,
        expected=" or ".join(map(_expected, step.statuses)),
        expected_data=step.data_text or _NO_DATA,
    )


def _expected(status: Status) -> str:
    if status.name is not None:
        return f"{status}, any second byte"
    first, last = describe(status.first), describe(status.last)
    return f"{status}, {first}" if first == last else f"{status}, from {first} to {last}"


def _status_word(record: TraceRecord) -> str:
    return "no status word" if record.malformed else f"{record.sw:04X}, {describe(record.sw)}"


def _data(record: TraceRecord) -> str:
    if not record.length:
        return _NO_DATA
    size = "1 byte" if record.length == 1 else f"{record.length} bytes"
    return f"{size}, not shown" if record.data is None else _hex(record.data)


def _hex(data: bytes) -> str:
    """Bytes in groups of four, the first so many."""
    more = f" … ({len(data)} bytes)" if len(data) > _MOST else ""
    return data[:_MOST].hex(" ", -4).upper() + more
