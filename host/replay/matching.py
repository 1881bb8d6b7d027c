"""Whether a command is the one that a trace has, and what is different if it is not.

What the trace does not show matches anything of its length.
"""

from __future__ import annotations

from enum import Flag, auto

from apdu.command import Command, parse_command
from apdu.errors import ApduError
from host.trace import TraceRecord
from host.trace.diff import BY_CHANCE


class Tolerance(Flag):
    """What a program may do otherwise than in the trace."""

    NONE = 0
    RANDOM = auto()
    """Sign, decipher or answer other data of the same length: a challenge, a salt, a nonce."""
    ORDER = auto()
    """Read what it read in another order, again, or not at all, between the same changes."""


def difference(expected: TraceRecord, raw: bytes, tolerance: Tolerance = Tolerance.NONE) -> str:
    """How a command differs from the expected one, in words without its data; empty if not."""
    if raw[:4] != expected.header:
        return f"header {raw[:4].hex(' ').upper()} instead of {expected.header.hex(' ').upper()}"
    try:
        command = parse_command(raw)
    except ApduError:
        cla, ins, p1, p2 = raw[:4].ljust(4, b"\0")
        command = Command(cla, ins, p1, p2, raw[4:])
    if len(command.data) != expected.length:
        return f"{_bytes(len(command.data))} of data instead of {expected.length}"
    random = bool(tolerance & Tolerance.RANDOM) and command.ins in BY_CHANCE
    if expected.data not in (None, command.data) and not random:
        return f"other data, from byte {_first_difference(expected.data or b'', command.data)} on"
    if (command.le, command.extended) != (expected.le, expected.extended):
        return f"Le {command.le or 'absent'} instead of {expected.le or 'absent'}"
    return ""


def _bytes(count: int) -> str:
    return f"{count} byte" if count == 1 else f"{count} bytes"


def _first_difference(one: bytes, other: bytes) -> int:
    return next(
        at for at, (left, right) in enumerate(zip(one, other, strict=True)) if left != right
    )
