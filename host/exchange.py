"""What it takes to get one command over, in layers around the one `transmit`.

Each layer is a function that takes a `transmit` and gives one back. So what is above sees whole
commands and whole answers, and a layer that is not wanted costs nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager

from apdu.command import Command, build_command, parse_command
from apdu.instruction import INS
from host.errors import AnswerError

Transmit = Callable[[bytes], bytes]
"""A command APDU in, a response APDU out."""

SHORT = 255
"""Bytes of data that one short command carries."""

_MORE, _WRONG_LE = 0x61, 0x6C
_CHAIN = 0x10
_LONGEST = 65536
"""Bytes of the longest answer that an extended Le can ask for (ISO 7816-3 §12.1.3)."""


def continued(transmit: Transmit) -> Transmit:
    """Fetch long answers by GET RESPONSE (61xx), and ask again with the exact Le after 6Cxx.

    ISO 7816-4 §5.3.4; the answer comes back whole, with the last status word.
    """

    def layer(command: bytes) -> bytes:
        answer = transmit(command)
        hint = _hint(answer)
        if hint == _WRONG_LE:
            answer = transmit(_with_le(command, answer[-1]))
            hint = _hint(answer)
        return _collect(transmit, answer) if hint == _MORE else answer

    return layer


def chained(transmit: Transmit) -> Transmit:
    """Send an extended command as a chain of short ones (ISO 7816-4 §5.3.3).

    For cards and readers that know short lengths only. A piece that is refused ends the chain, and
    its status word is the answer.
    """

    def layer(command: bytes) -> bytes:
        if len(command) <= 5 or command[4]:
            return transmit(command)
        return _send_chain(transmit, parse_command(command))

    return layer


def undivided(
    transmit: Transmit, transaction: Callable[[], AbstractContextManager[None]]
) -> Transmit:
    """Keep other programs out while a command may take several APDUs, there and back.

    Else another's command could come between: it would end the chain, or take the rest of an
    answer, or get ours.
    """

    def layer(command: bytes) -> bytes:
        if _is_single(command):
            return transmit(command)
        with transaction():
            return transmit(command)

    return layer


def _is_single(command: bytes) -> bool:
    """Whether one APDU carries it, and its answer is no longer than its Le asks for."""
    if len(command) <= 5:
        return command[4:] != b"\x00"
    length = command[4]
    if len(command) == 5 + length:
        return True
    return bool(length) and command[-1] != 0


def _send_chain(transmit: Transmit, whole: Command) -> bytes:
    pieces = [whole.data[at : at + SHORT] for at in range(0, len(whole.data), SHORT)] or [b""]
    for piece in pieces[:-1]:
        part = whole._replace(cla=whole.cla | _CHAIN, data=piece, le=0, extended=False)
        answer = transmit(build_command(part))
        if answer[-2:] != b"\x90\x00":
            return answer
    last = whole._replace(data=pieces[-1], le=min(whole.le, SHORT + 1), extended=False)
    return transmit(build_command(last))


def _collect(transmit: Transmit, answer: bytes) -> bytes:
    parts = bytearray(answer[:-2])
    while _hint(answer) == _MORE:
        answer = transmit(bytes((0x00, INS.GET_RESPONSE, 0x00, 0x00, answer[-1])))
        stuck = len(answer) == 2 and answer[0] == _MORE
        if stuck or len(parts) > _LONGEST:
            raise AnswerError("the card promises more and more of an answer without end")
        parts += answer[:-2]
    return bytes(parts) + answer[-2:]


def _hint(answer: bytes) -> int:
    """SW1: whether the answer goes on, or wants another Le."""
    if len(answer) < 2:
        raise AnswerError("the card sent no status word")
    return answer[-2]


def _with_le(command: bytes, le: int) -> bytes:
    parsed = parse_command(command)
    return build_command(parsed._replace(le=le or SHORT + 1, extended=len(parsed.data) > SHORT))
