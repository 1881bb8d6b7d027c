"""BER-TLV data objects as ISO 7816-4 §6.3 uses them.

Tags have up to 3 bytes, length fields up to 5 (one that counts, and 4). An indefinite length is
not allowed there, nor are the tags 00 and FF, which mean padding. Objects keep their order, equal
tags too. For each width of tag and length there is one declaration; a plain function finds it.
"""

from collections.abc import Sequence
from functools import cache, lru_cache
from typing import Any, NamedTuple

from construct import Bytes, Const, Int8ub, Int16ub, Int24ub, Int32ub, Rebuild, len_, this

from apdu.compiled import Codec
from apdu.errors import TlvError

_NUMBERS = {1: Int8ub, 2: Int16ub, 3: Int24ub, 4: Int32ub}


class Tlv(NamedTuple):
    """One data object.

    `width` is the size of the length field in bytes when that is larger than it had to be, else 0:
    what was read is written again byte for byte. The value may be a key and has no place in the
    repr.
    """

    tag: int
    value: bytes
    width: int = 0

    @property
    def constructed(self) -> bool:
        """Whether the value is data objects again (b6 of the first tag byte)."""
        first = self.tag
        while first > 0xFF:
            first >>= 8
        return bool(first & 0x20)

    @property
    def children(self) -> "tuple[Tlv, ...]":
        """The data objects in the value, none in a primitive one. Errors count from its start."""
        return parse_tlvs(self.value) if self.constructed else ()

    def __repr__(self) -> str:
        return f"<Tlv {self.tag:02X}, {len(self.value)} bytes>"


def parse_tlvs(data: bytes) -> tuple[Tlv, ...]:
    """Read data objects that fill the bytes; none when there are no bytes."""
    found = []
    offset = 0
    while offset < len(data):
        tlv, offset = read_tlv(data, offset)
        found.append(tlv)
    return tuple(found)


def parse_tlv(data: bytes) -> Tlv:
    """Read the one data object that fills the bytes."""
    tlv, end = read_tlv(data)
    if end != len(data):
        raise TlvError(end, "more bytes after the data object")
    return tlv


def read_tlv(data: bytes, offset: int = 0) -> tuple[Tlv, int]:
    """Read the data object at an offset, and the offset after it."""
    tag_width = _tag_width(data, offset)
    start = offset + tag_width
    length_width, length = _length(data, start)
    end = start + length_width + length
    if end > len(data):
        raise TlvError(len(data), f"{end - len(data)} bytes of the value are missing")
    fields = _codec(tag_width, length_width).parse(data[offset:end])
    width = length_width if length_width > _needed(length) else 0
    return Tlv(fields["tag"], fields["value"], width), end


def build_tlv(tag: int, value: bytes, width: int = 0) -> bytes:
    """Write one data object, its length field as short as can be or `width` bytes wide."""
    needed = _needed(len(value))
    if width and not needed <= width <= 5:
        raise TlvError(0, f"a length field of {width} bytes cannot hold {len(value)}")
    return _codec(_width_of(tag), width or needed).build(tag=tag, value=value)


def build_tlvs(*tlvs: Tlv) -> bytes:
    """Write data objects one after the other."""
    return b"".join([build_tlv(*tlv) for tlv in tlvs])


def find(tlvs: Sequence[Tlv], tag: int) -> bytes | None:
    """The value of the first data object with this tag."""
    for tlv in tlvs:
        if tlv.tag == tag:
            return tlv.value
    return None


@cache
def _codec(tag_width: int, length_width: int) -> Codec:
    """The declaration for a tag and a length field of so many bytes."""
    count = length_width - 1
    form: tuple[Any, ...] = ("form" / Const(0x80 | count, Int8ub),) if count else ()
    return Codec(
        "tag" / _NUMBERS[tag_width],
        *form,
        "length" / Rebuild(_NUMBERS[count or 1], len_(this.value)),
        "value" / Bytes(this.length),
    )


def _tag_width(data: bytes, offset: int) -> int:
    """How many bytes the tag has: b5 to b1 of the first all set lead on, then b8 of each."""
    size = len(data)
    if offset >= size:
        raise TlvError(size, "a data object begins with a tag")
    first = data[offset]
    if first in (0x00, 0xFF):
        raise TlvError(offset, "00 and FF are padding, not a tag")
    if first & 0x1F != 0x1F:
        return 1
    if offset + 1 >= size:
        raise TlvError(size, "the second byte of the tag is missing")
    second = data[offset + 1]
    if second < 0x1F or second == 0x80:
        raise TlvError(offset + 1, "the tag is longer than it has to be")
    if second < 0x80:
        return 2
    if offset + 2 >= size:
        raise TlvError(size, "the third byte of the tag is missing")
    if data[offset + 2] & 0x80:
        raise TlvError(offset + 2, "a tag has 3 bytes at most")
    return 3


@lru_cache(maxsize=1024)
def _width_of(tag: int) -> int:
    """How many bytes a tag has that is given as a number."""
    raw = tag.to_bytes((tag.bit_length() + 7) // 8, "big") if 0 < tag <= 0xFFFFFF else b""
    if not raw or _tag_width(raw, 0) != len(raw):
        raise TlvError(0, f"{tag:#x} is no tag")
    return len(raw)


def _length(data: bytes, offset: int) -> tuple[int, int]:
    """The width of the length field in bytes, and the length that it holds."""
    size = len(data)
    if offset >= size:
        raise TlvError(size, "the length is missing")
    first = data[offset]
    if first < 0x80:
        return 1, first
    count = first & 0x7F
    if not 1 <= count <= 4:
        raise TlvError(offset, "the length is indefinite or has more than 4 bytes")
    if offset + count >= size:
        raise TlvError(size, "the length is cut short")
    return 1 + count, int.from_bytes(data[offset + 1 : offset + 1 + count], "big")


def _needed(length: int) -> int:
    """How wide the length field has to be, in bytes."""
    return 1 if length < 0x80 else 1 + (length.bit_length() + 7) // 8
