"""The answer to reset (ISO 7816-3 §8.2): what a card says when it gets power."""

from dataclasses import asdict, dataclass
from functools import reduce
from operator import xor
from struct import error as FieldError

from construct import Bytes, If, Int8ub, this

from apdu.compiled import Codec
from apdu.errors import AtrError

_CONVENTIONS = (0x3B, 0x3F)
_LONGEST = 33
"""TS and at most 32 characters after it."""


@dataclass(frozen=True, slots=True)
class InterfaceBytes:
    """One group of interface bytes. TD names a protocol, and which bytes the next group has."""

    ta: int | None = None
    tb: int | None = None
    tc: int | None = None
    td: int | None = None

    @property
    def present(self) -> int:
        """The indicator Y of this group: b1 for TA to b4 for TD."""
        values = (self.ta, self.tb, self.tc, self.td)
        return sum(1 << place for place, value in enumerate(values) if value is not None)

    @property
    def next_present(self) -> int:
        """The indicator Y of the group after this one, in the upper half of TD."""
        return 0 if self.td is None else self.td >> 4


@dataclass(frozen=True, slots=True)
class Atr:
    """An answer to reset: convention (3B direct, 3F inverse), interface and historical bytes.

    T0 and the check byte follow from these.
    """

    convention: int
    groups: tuple[InterfaceBytes, ...] = ()
    historical: bytes = b""

    @property
    def protocols(self) -> tuple[int, ...]:
        """The protocols offered, T=0 when none is named; the first is the one to begin with.

        T=15 is no protocol: it says that what follows holds for all of them.
        """
        named = dict.fromkeys(protocol for protocol in self._named() if protocol != 15)
        return tuple(named) or (0,)

    @property
    def checked(self) -> bool:
        """Whether a check byte ends it: when anything but T=0 is named (ISO 7816-3 §8.2.5)."""
        return any(self._named())

    def _named(self) -> list[int]:
        return [group.td & 0x0F for group in self.groups if group.td is not None]


_HEAD = Codec("convention" / Int8ub, "format" / Int8ub)
_GROUP = Codec(
    "ta" / If(this.present & 1, Int8ub),
    "tb" / If(this.present & 2, Int8ub),
    "tc" / If(this.present & 4, Int8ub),
    "td" / If(this.present & 8, Int8ub),
)
_TAIL = Codec("historical" / Bytes(this.count), "check" / If(this.checked, Int8ub))
"""What the fields ask for is known from T0 and TD: `present`, `count`, `checked`."""


def parse_atr(raw: bytes) -> Atr:
    """Read an answer to reset; AtrError also when the check byte is wrong."""
    if len(raw) < 2:
        raise AtrError(len(raw), "an answer to reset begins with TS and T0")
    if len(raw) > _LONGEST:
        raise AtrError(_LONGEST, f"an answer to reset has {_LONGEST} bytes at most")
    head = _HEAD.parse(raw)
    if head["convention"] not in _CONVENTIONS:
        raise AtrError(0, "TS is neither 3B nor 3F")
    groups, offset = _read_groups(raw, head["format"] >> 4)
    count = head["format"] & 0x0F
    checked = Atr(head["convention"], groups).checked
    _check_end(raw, offset + count, checked=checked)
    tail = _TAIL.parse(raw[offset:], count=count, checked=checked)
    return Atr(head["convention"], groups, tail["historical"])


def _read_groups(raw: bytes, present: int) -> tuple[tuple[InterfaceBytes, ...], int]:
    """The groups of interface bytes after T0, and the offset after them."""
    groups = []
    offset = 2
    while present:
        end = offset + present.bit_count()
        if end > len(raw):
            raise AtrError(len(raw), "interface bytes are missing")
        fields = _GROUP.parse(raw[offset:end], present=present)
        group = InterfaceBytes(fields["ta"], fields["tb"], fields["tc"], fields["td"])
        groups.append(group)
        offset, present = end, group.next_present
    return tuple(groups), offset


def _check_end(raw: bytes, end: int, *, checked: bool) -> None:
    """Nothing is missing, nothing is left over, and all bytes from T0 on add up to zero."""
    if end > len(raw):
        raise AtrError(len(raw), "historical bytes are missing")
    if checked and end == len(raw):
        raise AtrError(end, "the check byte TCK is missing")
    if end + checked < len(raw):
        raise AtrError(end + checked, "more bytes after the end")
    if checked and reduce(xor, raw[1:]):
        raise AtrError(end, "the check byte TCK is wrong")


def build_atr(atr: Atr) -> bytes:
    """Write an answer to reset; AtrError when TD and the groups do not agree."""
    count = len(atr.historical)
    if atr.convention not in _CONVENTIONS:
        raise AtrError(0, "TS is neither 3B nor 3F")
    if count > 15:
        raise AtrError(1, "there are 15 historical bytes at most")
    first = atr.groups[0].present if atr.groups else 0
    built = _HEAD.build(convention=atr.convention, format=first << 4 | count)
    built += _write_groups(atr.groups, len(built))
    check = reduce(xor, built[1:] + atr.historical)
    built += _TAIL.build(historical=atr.historical, checked=atr.checked, check=check)
    if len(built) > _LONGEST:
        raise AtrError(_LONGEST, f"an answer to reset has {_LONGEST} bytes at most")
    return built


def _write_groups(groups: tuple[InterfaceBytes, ...], offset: int) -> bytes:
    built = b""
    for place, group in enumerate(groups):
        following = groups[place + 1].present if place + 1 < len(groups) else 0
        if not group.present or group.next_present != following:
            raise AtrError(offset + len(built), "TD does not name the interface bytes that follow")
        try:
            built += _GROUP.build(present=group.present, **asdict(group))
        except FieldError:
            raise AtrError(offset + len(built), "an interface byte is not a byte") from None
    return built
