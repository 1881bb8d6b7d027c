"""Command APDUs: the seven cases of ISO 7816-3 §12.1, read and written.

Each case is one declaration. Which case some bytes are is decided by their length and the byte
after the header, in one plain function, which also sees to it that nothing is missing.
"""

from enum import Enum
from struct import error as FieldError
from typing import NamedTuple

from construct import Bytes, Const, Int8ub, Int16ub, Rebuild, len_, this

from apdu.compiled import Codec
from apdu.errors import CommandError

_CHAINING = 0x10
_MOST_SHORT, _MOST_EXTENDED = 256, 65536
"""Le of one byte 00 asks for 256 bytes, of two bytes 0000 for 65,536."""


class Case(Enum):
    """What a command carries: nothing, Le, data, or both; with short or extended lengths."""

    CASE_1 = "1"
    CASE_2S = "2S"
    CASE_3S = "3S"
    CASE_4S = "4S"
    CASE_2E = "2E"
    CASE_3E = "3E"
    CASE_4E = "4E"


class Command(NamedTuple):
    """One command APDU.

    `le` is the greatest number of bytes wanted in the answer: 0 without an Le field, else 1 to
    256, or to 65,536 when `extended`, which makes Lc and Le fields extended. A command with neither
    field cannot be extended. The data may be a PIN or a key and has no place in the repr.
    """

    cla: int
    ins: int
    p1: int
    p2: int
    data: bytes = b""
    le: int = 0
    extended: bool = False

    @property
    def case(self) -> Case:
        """The case by what the command carries."""
        if not self.data:
            if not self.le:
                return Case.CASE_1
            return Case.CASE_2E if self.extended else Case.CASE_2S
        if not self.le:
            return Case.CASE_3E if self.extended else Case.CASE_3S
        return Case.CASE_4E if self.extended else Case.CASE_4S

    @property
    def p1p2(self) -> int:
        """P1 and P2 as one number."""
        return self.p1 << 8 | self.p2

    @property
    def chained(self) -> bool:
        """Whether more commands of the same chain follow (CLA b5, ISO 7816-4 §5.4.1)."""
        return bool(self.cla & _CHAINING)

    def __repr__(self) -> str:
        header = bytes(byte & 0xFF for byte in self[:4]).hex(" ").upper()
        size = "extended" if self.extended else "short"
        return f"<Command {header}, {len(self.data)} bytes of data, Le {self.le}, {size}>"


_HEADER = ("cla" / Int8ub, "ins" / Int8ub, "p1" / Int8ub, "p2" / Int8ub)
_SHORT_DATA = ("lc" / Rebuild(Int8ub, len_(this.data)), "data" / Bytes(this.lc))
_SHORT_LE = ("le" / Int8ub,)
_EXTENDED = ("extended" / Const(0, Int8ub),)
_EXTENDED_DATA = ("lc" / Rebuild(Int16ub, len_(this.data)), "data" / Bytes(this.lc))
_EXTENDED_LE = ("le" / Int16ub,)

_CASE_1 = Codec(*_HEADER)
_CASE_2S = Codec(*_HEADER, *_SHORT_LE)
_CASE_3S = Codec(*_HEADER, *_SHORT_DATA)
_CASE_4S = Codec(*_HEADER, *_SHORT_DATA, *_SHORT_LE)
_CASE_2E = Codec(*_HEADER, *_EXTENDED, *_EXTENDED_LE)
_CASE_3E = Codec(*_HEADER, *_EXTENDED, *_EXTENDED_DATA)
_CASE_4E = Codec(*_HEADER, *_EXTENDED, *_EXTENDED_DATA, *_EXTENDED_LE)


def parse_command(raw: bytes) -> Command:
    """Read one command APDU; CommandError when the bytes are none of the seven cases."""
    codec, most = _find(raw)
    fields = codec.parse(raw)
    le = fields.get("le")
    return Command(
        fields["cla"],
        fields["ins"],
        fields["p1"],
        fields["p2"],
        fields.get("data", b""),
        0 if le is None else le or most,
        most == _MOST_EXTENDED,
    )


def _find(raw: bytes) -> tuple[Codec, int]:
    """The declaration that fits these bytes, and what an Le of zero means in it."""
    size = len(raw)
    if size < 4:
        raise CommandError(size, "a command begins with 4 bytes")
    if size == 4:
        return _CASE_1, _MOST_SHORT
    if size == 5:
        return _CASE_2S, _MOST_SHORT
    lc = raw[4]
    if lc:
        if size == 5 + lc:
            return _CASE_3S, _MOST_SHORT
        if size == 6 + lc:
            return _CASE_4S, _MOST_SHORT
        raise CommandError(4, f"Lc is {lc}, but {size - 5} bytes follow")
    return _find_extended(raw, size)


def _find_extended(raw: bytes, size: int) -> tuple[Codec, int]:
    if size < 7:
        raise CommandError(size, "an extended length has 2 bytes")
    if size == 7:
        return _CASE_2E, _MOST_EXTENDED
    lc = raw[5] << 8 | raw[6]
    if lc and size == 7 + lc:
        return _CASE_3E, _MOST_EXTENDED
    if lc and size == 9 + lc:
        return _CASE_4E, _MOST_EXTENDED
    raise CommandError(5, f"extended Lc is {lc}, but {size - 7} bytes follow")


def build_command(command: Command) -> bytes:
    """Write a command APDU; CommandError when a field does not fit the command's form."""
    cla, ins, p1, p2, data, le, extended = command
    try:
        if extended:
            return _build_extended(cla, ins, p1, p2, data, le)
        if not 0 <= le <= _MOST_SHORT:
            raise CommandError(4, f"a short Le cannot be {le}")
        if not data:
            if not le:
                return _CASE_1.build(cla=cla, ins=ins, p1=p1, p2=p2)
            return _CASE_2S.build(cla=cla, ins=ins, p1=p1, p2=p2, le=le & 0xFF)
        if not le:
            return _CASE_3S.build(cla=cla, ins=ins, p1=p1, p2=p2, data=data)
        return _CASE_4S.build(cla=cla, ins=ins, p1=p1, p2=p2, data=data, le=le & 0xFF)
    except FieldError:
        raise _misfit(command) from None


def _build_extended(cla: int, ins: int, p1: int, p2: int, data: bytes, le: int) -> bytes:
    if not 0 <= le <= _MOST_EXTENDED:
        raise CommandError(4, f"an extended Le cannot be {le}")
    if not data:
        if not le:
            raise CommandError(4, "a command without data and Le has no extended form")
        return _CASE_2E.build(cla=cla, ins=ins, p1=p1, p2=p2, le=le & 0xFFFF)
    if not le:
        return _CASE_3E.build(cla=cla, ins=ins, p1=p1, p2=p2, data=data)
    return _CASE_4E.build(cla=cla, ins=ins, p1=p1, p2=p2, data=data, le=le & 0xFFFF)


def _misfit(command: Command) -> CommandError:
    """Which field was too large for its place."""
    header = {"CLA": command.cla, "INS": command.ins, "P1": command.p1, "P2": command.p2}
    for offset, (name, value) in enumerate(header.items()):
        if not 0 <= value <= 0xFF:
            return CommandError(offset, f"{name} cannot be {value}")
    form = "an extended" if command.extended else "a short"
    return CommandError(4, f"{len(command.data)} bytes of data do not fit {form} command")
