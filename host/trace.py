"""A readable record of what goes over the wire, without anything that could be a secret.

What may be shown is an allow-list. Everything else, PINs, keys, cryptograms and what comes out of
them, the content of files, and any command that is not known here, shows its header and lengths
only; no setting changes that.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from types import MappingProxyType
from typing import NamedTuple

from apdu.command import Command, parse_command
from apdu.edge import CERTIFICATE, Data, Operation
from apdu.errors import ApduError
from apdu.instruction import INS, name_of
from apdu.status import describe
from apdu.tlv import build_tlv
from host.exchange import Transmit


class Direction(Enum):
    """Who is speaking."""

    TO_CARD = ">"
    FROM_CARD = "<"


@dataclass(frozen=True, slots=True)
class TraceRecord:
    """One APDU. `data` is None when it is not shown; `length` counts its bytes all the same.

    `name` and `header` (CLA INS P1 P2) are the command's, also in the record of its answer.
    """

    direction: Direction
    name: str
    header: bytes
    length: int
    data: bytes | None
    le: int = 0
    sw: int = 0


class _Shown(NamedTuple):
    """Whether the data of a command, and of its answer, may be seen by everybody."""

    command: bool
    answer: bool


_NOTHING = _Shown(command=False, answer=False)
_BOTH = _Shown(command=True, answer=True)
_COMMAND = _Shown(command=True, answer=False)
_ANSWER = _Shown(command=False, answer=True)

_ANY_PARAMETERS: Mapping[int, _Shown] = MappingProxyType(
    {
        INS.SELECT: _BOTH,
        INS.MSE: _COMMAND,
        INS.GENERATE_KEY: _BOTH,
        INS.INTERNAL_AUTHENTICATE: _BOTH,
        INS.GENERAL_AUTHENTICATE: _COMMAND,
        INS.CREATE_FILE: _COMMAND,
        INS.DELETE_FILE: _COMMAND,
        INS.ACTIVATE: _COMMAND,
    }
)
"""Paths, control parameters, public points, challenges and signatures over them."""

_PUBLIC_OBJECTS = (
    *(Data.MODULUS, Data.EXPONENT, Data.POINT),
    *(Data.APPLET_INFO, Data.FILES, Data.CAPABILITIES),
    *(Data.SERIAL, Data.LABEL, Data.PHASE, Data.TRIES),
)

_BY_PARAMETERS: Mapping[tuple[int, int], _Shown] = MappingProxyType(
    {
        (INS.PSO, Operation.VERIFY): _COMMAND,
        (INS.PSO, Operation.ENCIPHER): _ANSWER,
        (INS.PUT_DATA, Data.FORMAT): _COMMAND,
        **{(INS.GET_DATA, tag): _ANSWER for tag in _PUBLIC_OBJECTS},
    }
)
"""Signatures to verify, what was enciphered, access rules, public keys and the card's state."""

_LONGEST_DIGEST_INFO = 19 + 64
"""Bytes of a DigestInfo of SHA-512; a longer input of PSO SIGN may be a cryptogram."""

_NO_CLASS = 0xFF
"""A class that no command has (ISO 7816-4 §5.4.1): for bytes that are none."""

_CERTIFICATE_REQUEST = build_tlv(0x5C, CERTIFICATE.to_bytes(2, "big"))


def _shown(command: Command, *, in_chain: bool) -> _Shown:
    if command.cla not in (0x00, 0xA0) or in_chain:
        return _NOTHING
    if (command.ins, command.p1p2) == (INS.PSO, Operation.SIGN):
        return _BOTH if len(command.data) <= _LONGEST_DIGEST_INFO else _NOTHING
    if (command.ins, command.p1p2) == (INS.GET_DATA_ODD, Data.BY_TAG_LIST):
        return _BOTH if command.data.startswith(_CERTIFICATE_REQUEST) else _NOTHING
    known = _BY_PARAMETERS.get((command.ins, command.p1p2))
    return known or _ANY_PARAMETERS.get(command.ins, _NOTHING)


def traced(transmit: Transmit, sink: Callable[[TraceRecord], None]) -> Transmit:
    """A layer that hands a record of each command, and then of each answer, to `sink`."""
    shown, in_chain, name = _NOTHING, False, ""

    def layer(raw: bytes) -> bytes:
        nonlocal shown, in_chain, name
        try:
            command = parse_command(raw)
        except ApduError:
            ins, p1, p2 = raw[1:4].ljust(3, b"\x00")
            command = Command(_NO_CLASS, ins, p1, p2, raw[4:])
        if command.ins != INS.GET_RESPONSE:
            shown = _shown(command, in_chain=in_chain)
            in_chain = command.chained
        name, header = name_of(command), raw[:4]
        sink(_record(Direction.TO_CARD, name, header, command.data, shown.command, le=command.le))
        answer = transmit(raw)
        data, sw = answer[:-2], int.from_bytes(answer[-2:], "big")
        sink(_record(Direction.FROM_CARD, name, header, data, shown.answer, sw=sw))
        return answer

    return layer


def _record(
    direction: Direction,
    name: str,
    header: bytes,
    data: bytes,
    shown: bool,
    *,
    le: int = 0,
    sw: int = 0,
) -> TraceRecord:
    seen = data if shown or not data else None
    return TraceRecord(direction, name, header, len(data), seen, le, sw)


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
