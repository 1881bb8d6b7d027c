"""PINs on the wire: blocks, the record that makes one, a change, and the tries left."""

from dataclasses import astuple, dataclass, field
from typing import NamedTuple

from construct import Bytes, GreedyBytes, Int8ub, NullStripped, Padded

from apdu.errors import PayloadError
from apdu.layout import Layout

_BLOCK_SIZE = 8
_FILLER = b"\xff"
_BLOCK = Padded(_BLOCK_SIZE, NullStripped(GreedyBytes, pad=_FILLER), pattern=_FILLER)


def pad_pin(pin: bytes) -> bytes:
    """The block of 8 bytes for a PIN: filled up with FF, so a PIN cannot end in one."""
    if len(pin) > _BLOCK_SIZE:
        raise PayloadError(_BLOCK_SIZE, f"a PIN has {_BLOCK_SIZE} bytes at most")
    if pin.endswith(_FILLER):
        raise PayloadError(len(pin) - 1, "a PIN cannot end in the filler FF")
    block: bytes = _BLOCK.build(pin)
    return block


def unpad_pin(block: bytes) -> bytes:
    """The PIN in a block of 8 bytes."""
    if len(block) != _BLOCK_SIZE:
        raise PayloadError(min(len(block), _BLOCK_SIZE), f"a PIN block has {_BLOCK_SIZE} bytes")
    pin: bytes = _BLOCK.parse(block)
    return pin


@dataclass(frozen=True, slots=True)
class PinRecord:
    """A new PIN as PUT DATA 01nn brings it: both secrets as blocks, and the tries they have."""

    pin: bytes = field(repr=False)
    puk: bytes = field(repr=False)
    tries: int
    puk_tries: int
    flags: int = 0


_PIN_RECORD = Layout(
    PayloadError,
    "a PIN record",
    "pin" / Bytes(_BLOCK_SIZE),
    "puk" / Bytes(_BLOCK_SIZE),
    "tries" / Int8ub,
    "puk_tries" / Int8ub,
    "flags" / Int8ub,
)


def parse_pin_record(data: bytes) -> PinRecord:
    """Read the 19 bytes of a PIN record."""
    return PinRecord(**_PIN_RECORD.parse(data))


def build_pin_record(record: PinRecord) -> bytes:
    """Write a PIN record."""
    pin, puk, tries, puk_tries, flags = astuple(record)
    return _PIN_RECORD.build(pin=pin, puk=puk, tries=tries, puk_tries=puk_tries, flags=flags)


@dataclass(frozen=True, slots=True)
class PinChange:
    """The block that is known and the one that shall hold from now on.

    CHANGE REFERENCE DATA takes the old PIN first, RESET RETRY COUNTER the PUK.
    """

    old: bytes = field(repr=False)
    new: bytes = field(repr=False)


_PIN_CHANGE = Layout(
    PayloadError, "a PIN change", "old" / Bytes(_BLOCK_SIZE), "new" / Bytes(_BLOCK_SIZE)
)


def parse_pin_change(data: bytes) -> PinChange:
    """Read two blocks of 8 bytes."""
    return PinChange(**_PIN_CHANGE.parse(data))


def build_pin_change(change: PinChange) -> bytes:
    """Write two blocks."""
    return _PIN_CHANGE.build(old=change.old, new=change.new)


class PinStatus(NamedTuple):
    """The tries left, and how many there are at most, of a PIN and of its PUK."""

    reference: int
    pin_left: int
    pin_max: int
    puk_left: int
    puk_max: int


_PIN_STATUS = Layout(PayloadError, "a PIN status", *(name / Int8ub for name in PinStatus._fields))


def parse_pin_status(data: bytes) -> PinStatus:
    """Read the 5 bytes of one PIN's status."""
    return PinStatus(**_PIN_STATUS.parse(data))


def build_pin_status(status: PinStatus) -> bytes:
    """Write one PIN's status."""
    return _PIN_STATUS.build(**status._asdict())


def parse_pin_statuses(data: bytes) -> tuple[PinStatus, ...]:
    """Read the status of every PIN, one after the other."""
    size = _PIN_STATUS.size
    if len(data) % size:
        raise PayloadError(len(data), f"PIN statuses have {size} bytes each")
    return tuple(
        parse_pin_status(data[start : start + size]) for start in range(0, len(data), size)
    )
