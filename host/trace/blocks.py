"""The blocks of capture files: pcapng (IETF draft-ietf-opsawg-pcapng) and the older pcap.

Bytes in as they come, packets out. Blocks and options that are not known here are passed over.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple, Protocol

from construct import (
    Aligned,
    Bytes,
    Const,
    ConstructError,
    GreedyRange,
    Int16ub,
    Int16ul,
    Int32ub,
    Int32ul,
    Int64sb,
    Int64sl,
    Rebuild,
    Struct,
    len_,
    this,
)

from host.trace.record import TraceError

SECTION, INTERFACE, SIMPLE_PACKET, ENHANCED_PACKET = 0x0A0D0D0A, 1, 3, 6
COMMENT, IF_NAME, IF_TSRESOL, USER_APPLICATION = 1, 2, 9, 4
"""Options: of any block, of an interface, of a section."""

_MAGIC = 0x1A2B3C4D
_LONGEST_BLOCK = 1 << 24
_MICROSECONDS = 6


class Packet(NamedTuple):
    """One packet: when, in microseconds since 1970, on which interface, and what is said of it."""

    at: int
    link: int
    interface: str
    data: bytes
    comments: tuple[str, ...] = ()


class Blocks(Protocol):
    """A capture file that is being read. `by` is the program that wrote it, if it says so."""

    by: str

    def feed(self, data: bytes) -> Iterator[Packet]:
        """The packets that are complete now."""
        ...

    def end(self) -> str:
        """Nothing more comes. What is wrong with the end; empty if it is whole."""
        ...


class _Layout:
    """The declarations for one order of bytes."""

    def __init__(self, *, little: bool) -> None:
        u16, u32, i64 = (Int16ul, Int32ul, Int64sl) if little else (Int16ub, Int32ub, Int64sb)
        self.u32 = u32
        option = Struct(
            "code" / u16,
            "length" / Rebuild(u16, len_(this.value)),
            "value" / Aligned(4, Bytes(this.length)),
        )
        self.options = GreedyRange(option)
        self.section = Struct(
            "magic" / Const(_MAGIC, u32), "major" / Const(1, u16), "minor" / u16, "length" / i64
        )
        self.interface = Struct("link" / u16, "reserved" / u16, "snap" / u32)
        self.enhanced = Struct(
            "interface" / u32,
            "high" / u32,
            "low" / u32,
            "captured" / Rebuild(u32, len_(this.data)),
            "original" / Rebuild(u32, len_(this.data)),
            "data" / Aligned(4, Bytes(this.captured)),
        )
        self.simple = Struct("original" / u32)

    def block(self, kind: int, body: bytes) -> bytes:
        """A whole block: its type, its length, the body, its length again."""
        size = self.u32.build(len(body) + 12)
        return b"".join((self.u32.build(kind), size, body, size))


_LITTLE, _BIG = _Layout(little=True), _Layout(little=False)


def section_block(by: str) -> bytes:
    """What a pcapng file begins with; `by` is the program that writes it."""
    body = _LITTLE.section.build({"minor": 0, "length": -1})
    return _LITTLE.block(SECTION, body + _options({USER_APPLICATION: by.encode()}))


def interface_block(link: int, name: str) -> bytes:
    """Declare an interface, whose times are in microseconds."""
    body = _LITTLE.interface.build({"link": link, "reserved": 0, "snap": 0})
    options = {IF_NAME: name.encode(), IF_TSRESOL: bytes((_MICROSECONDS,))}
    return _LITTLE.block(INTERFACE, body + _options(options))


def packet_block(interface: int, at: int, data: bytes, comment: str = "") -> bytes:
    """A packet on an interface, by its number, at `at` microseconds since 1970."""
    high, low = divmod(at, 1 << 32)
    fields = {"interface": interface, "high": high, "low": low, "data": data}
    body: bytes = _LITTLE.enhanced.build(fields)
    options = _options({COMMENT: comment.encode()}) if comment else b""
    return _LITTLE.block(ENHANCED_PACKET, body + options)


def _options(values: Mapping[int, bytes]) -> bytes:
    options = [{"code": code, "value": value} for code, value in values.items()]
    built: bytes = _LITTLE.options.build([*options, {"code": 0, "value": b""}])
    return built


class _Interface(NamedTuple):
    link: int
    name: str
    ticks: int
    """In a second."""


class PcapngBlocks:
    """A pcapng file. TraceError when its first block is none."""

    def __init__(self) -> None:
        self.by = ""
        self._held = b""
        self._layout = _LITTLE
        self._interfaces: list[_Interface] = []
        self._damage = ""
        self._count = 0

    def feed(self, data: bytes) -> Iterator[Packet]:
        """The packets that are complete now."""
        self._held += data
        while not self._damage and (block := self._next()) is not None:
            kind, body = block
            self._count += 1
            try:
                packet = self._take(kind, body)
            except (ConstructError, ValueError, OverflowError, IndexError):
                self._damage = f"block {self._count} is damaged: what stands before it is whole"
                return
            if packet is not None:
                yield packet

    def end(self) -> str:
        """Nothing more comes. What is wrong with the end; empty if it is whole."""
        if not self._damage and self._held:
            self._damage = f"block {self._count + 1} is cut off: the end of the capture is missing"
        return self._damage

    def _next(self) -> tuple[int, bytes] | None:
        held = self._held
        if len(held) < 12:
            return None
        if held[:4] == b"\x0a\x0d\x0d\x0a":
            self._layout = _BIG if held[8:12] == _BIG.u32.build(_MAGIC) else _LITTLE
        kind, size = self._layout.u32.parse(held), self._layout.u32.parse(held[4:])
        if size < 12 or size % 4 or size > _LONGEST_BLOCK:
            self._damage = f"block {self._count + 1} has no length that a block can have"
            return None
        if len(held) < size:
            return None
        self._held = held[size:]
        return kind, held[8 : size - 4]

    def _take(self, kind: int, body: bytes) -> Packet | None:
        layout = self._layout
        if kind == SECTION:
            layout.section.parse(body)
            self.by = self._text(body[16:], USER_APPLICATION)
            self._interfaces.clear()
        elif kind == INTERFACE:
            self._interfaces.append(self._interface(body))
        elif kind == ENHANCED_PACKET:
            fields = layout.enhanced.parse(body)
            interface = self._interfaces[fields.interface]
            ticks = fields.high << 32 | fields.low
            rest = body[20 + -(-fields.captured // 4) * 4 :]
            comments = tuple(
                option.value.decode(errors="replace")
                for option in layout.options.parse(rest)
                if option.code == COMMENT
            )
            return Packet(
                ticks * 1_000_000 // interface.ticks,
                interface.link,
                interface.name,
                fields.data,
                comments,
            )
        elif kind == SIMPLE_PACKET:
            size = layout.simple.parse(body).original
            first = self._interfaces[0]
            return Packet(0, first.link, first.name, body[4 : 4 + size])
        return None

    def _interface(self, body: bytes) -> _Interface:
        fields = self._layout.interface.parse(body)
        resolution = _MICROSECONDS
        for option in self._layout.options.parse(body[8:]):
            if option.code == IF_TSRESOL and len(option.value) == 1:
                resolution = option.value[0]
        base, power = (2, resolution & 0x7F) if resolution & 0x80 else (10, resolution)
        return _Interface(fields.link, self._text(body[8:], IF_NAME), base**power)

    def _text(self, options: bytes, code: int) -> str:
        for option in self._layout.options.parse(options):
            if option.code == code:
                return str(option.value.decode(errors="replace"))
        return ""


_PCAP_MAGICS = {0xA1B2C3D4: 1_000_000, 0xA1B23C4D: 1_000_000_000}
"""How many ticks a second has."""


class PcapBlocks:
    """A pcap file: a head of 24 bytes, then packets with a head of 16."""

    by = ""

    def __init__(self) -> None:
        self._held = b""
        self._layout = _LITTLE
        self._ticks = 0
        self._link = 0
        self._damage = ""
        self._count = 0

    def feed(self, data: bytes) -> Iterator[Packet]:
        """The packets that are complete now. TraceError when it does not begin as one."""
        self._held += data
        if not self._ticks:
            if len(self._held) < 24:
                return
            self._begin()
        while not self._damage and len(self._held) >= 16:
            second, part, size, _ = (self._number(at) for at in (0, 4, 8, 12))
            if size > _LONGEST_BLOCK:
                self._damage = f"packet {self._count + 1} has no length that a packet can have"
            elif len(self._held) < 16 + size:
                return
            else:
                content, self._held = self._held[16 : 16 + size], self._held[16 + size :]
                self._count += 1
                at = second * 1_000_000 + part * 1_000_000 // self._ticks
                yield Packet(at, self._link, "", content)

    def end(self) -> str:
        """Nothing more comes. What is wrong with the end; empty if it is whole."""
        if not self._damage and (self._held or not self._ticks):
            self._damage = f"packet {self._count + 1} is cut off: the end of the capture is missing"
        return self._damage

    def _begin(self) -> None:
        for layout in (_LITTLE, _BIG):
            ticks = _PCAP_MAGICS.get(layout.u32.parse(self._held))
            if ticks:
                self._layout, self._ticks = layout, ticks
                self._link = self._number(20) & 0x0FFFFFFF
                self._held = self._held[24:]
                return
        raise TraceError("this is no capture file")

    def _number(self, at: int) -> int:
        number: Any = self._layout.u32.parse(self._held[at : at + 4])
        return int(number)
