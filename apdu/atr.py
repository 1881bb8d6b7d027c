"""The answer to reset (ISO/IEC 7816-3 section 8.2): what a card says when it gets power."""

from dataclasses import asdict, dataclass
from functools import reduce
from io import BytesIO
from operator import xor

from construct import Bytes, Byte, If, StreamError, Struct, this

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
        """Whether a check byte ends it: when anything but T=0 is named (section 8.2.5)."""
        return any(self._named())

    def _named(self) -> list[int]:
        return [group.td & 0x0F for group in self.groups if group.td is not None]


_HEAD = Struct("convention" / Byte, "format" / Byte)
_GROUP = Struct(
    "ta" / If(lambda context: context.present & 1, Byte),
    "tb" / If(lambda context: context.present & 2, Byte),
    "tc" / If(lambda context: context.present & 4, Byte),
    "td" / If(lambda context: context.present & 8, Byte),
)
