"""A trace as a capture that Wireshark opens, and what other programs capture read as a trace.

Ours are pcapng. Each packet is a whole APDU for Wireshark's ISO 7816 dissector, in the wrapping by
which Wireshark itself exports such things; each reader is an interface. Bytes that are not shown
are zeros, and a comment says so. Other programs capture SIM cards as GSMTAP over UDP.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from apdu.atr import parse_atr
from apdu.command import Command, build_command, parse_command
from apdu.errors import ApduError
from apdu.instruction import name_of
from host.trace.blocks import (
    Blocks,
    Packet,
    PcapBlocks,
    PcapngBlocks,
    interface_block,
    packet_block,
    section_block,
)
from host.trace.gsmtap import SimPacket, sim_packet
from host.trace.record import CardEvent, Direction, Entry, Happening, TraceHead, TraceRecord
from host.trace.redaction import Redactor

_UPPER_PDU = 252
"""The link type of what Wireshark exports (LINKTYPE_WIRESHARK_UPPER_PDU)."""

_END, _DISSECTOR, _DIRECTION = 0, 12, 35
_SENT, _RECEIVED = 0, 1
"""Tags in that wrapping, and the values of the direction, as the interface sees it."""

_ISO_7816, _NO_APDU = b"iso7816", b"data"
_HIDDEN = "not shown: "
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Capture:
    """Writes: the bytes for each entry, with what has to stand before it. `when` is its time 0."""

    def __init__(self, when: datetime, by: str) -> None:
        self._begin = (when - _EPOCH) // timedelta(microseconds=1)
        self._by = by
        self._interfaces: dict[str, int] = {}

    def encode(self, entry: Entry) -> bytes:
        """One packet."""
        before = b"" if self._interfaces else section_block(self._by)
        number = self._interfaces.get(entry.reader)
        if number is None:
            number = self._interfaces[entry.reader] = len(self._interfaces)
            before += interface_block(_UPPER_PDU, entry.reader)
        data, comment = _packet_of(entry.what)
        return before + packet_block(number, self._begin + entry.at, data, comment)


def _packet_of(what: TraceRecord | CardEvent) -> tuple[bytes, str]:
    """The content of a packet, and its comment."""
    if isinstance(what, CardEvent):
        return _wrapped(_ISO_7816 if what.atr else _NO_APDU, _RECEIVED, what.atr), what.happening
    data = bytes(what.length) if what.data is None else what.data
    comment = ""
    if what.data is None:
        comment = f"{_HIDDEN}{what.length} bytes, zeros stand for them"
    dissector = _NO_APDU if what.malformed else _ISO_7816
    if what.direction is Direction.FROM_CARD:
        sw = b"" if what.malformed else what.sw.to_bytes(2, "big")
        return _wrapped(dissector, _RECEIVED, data + sw), comment
    raw = what.header + data
    if not what.malformed:
        cla, ins, p1, p2 = what.header
        raw = build_command(Command(cla, ins, p1, p2, data, what.le, what.extended))
    return _wrapped(dissector, _SENT, raw), comment


def _wrapped(dissector: bytes, direction: int, data: bytes) -> bytes:
    name = dissector + bytes(-len(dissector) % 4)
    return b"".join(
        (
            struct.pack(">HH", _DISSECTOR, len(name)),
            name,
            struct.pack(">HHI", _DIRECTION, 4, direction),
            struct.pack(">HH", _END, 0),
            data,
        )
    )


class CaptureParser:
    """Reads captures, ours and others': bytes in as they come, entries out."""

    def __init__(self, *, pcapng: bool) -> None:
        self.head = TraceHead()
        self._blocks: Blocks = PcapngBlocks() if pcapng else PcapBlocks()
        self._begin: int | None = None
        self._dialogues: dict[str, _Dialogue] = {}
        self._found = False

    def feed(self, data: bytes) -> list[Entry]:
        """The entries that are complete now."""
        return [entry for packet in self._blocks.feed(data) for entry in self._take(packet)]

    def end(self) -> str:
        """Nothing more comes. What is wrong with the end; empty if it is whole."""
        damage = self._blocks.end()
        # In one of ours it may be that nothing has happened.
        if not damage and not self._found and not self._blocks.by.startswith("ushield"):
            return "this capture holds no dialogue with a card (ISO 7816, or SIM in GSMTAP)"
        return damage

    def _take(self, packet: Packet) -> Iterator[Entry]:
        reader = packet.interface
        if reader not in self._dialogues:
            ours = self._blocks.by.startswith("ushield")
            self._dialogues[reader] = _Dialogue() if ours else _ForeignDialogue()
        dialogue = self._dialogues[reader]
        for what in dialogue.take(packet):
            if self._begin is None:
                self._begin = packet.at
                atr = what.atr if isinstance(what, CardEvent) else b""
                when = _EPOCH + timedelta(microseconds=packet.at) if packet.at else None
                self.head = TraceHead(when, self._blocks.by, reader, atr)
            self._found = True
            yield Entry(max(0, packet.at - self._begin), reader, what)


class _Dialogue:
    """What one interface of a capture of ours has: the bytes that it shows may be shown."""

    def __init__(self) -> None:
        self._command = TraceRecord(Direction.TO_CARD, "", b"", 0, b"")

    def take(self, packet: Packet) -> Iterator[TraceRecord | CardEvent]:
        """What a packet says, if it is one of an APDU."""
        unwrapped = _unwrapped(packet)
        if unwrapped is None:
            return
        direction, data = unwrapped
        hidden = any(comment.startswith(_HIDDEN) for comment in packet.comments)
        known = [comment for comment in packet.comments if comment in list(Happening)]
        if known:
            yield CardEvent(Happening(known[0]), data)
        elif direction == _SENT:
            self._command = _command_record(data, hidden=hidden)
            yield self._command
        else:
            yield _answer_record(data, self._command, hidden=hidden)


def _command_record(raw: bytes, *, hidden: bool) -> TraceRecord:
    try:
        command, malformed = parse_command(raw), False
    except ApduError:
        ins, p1, p2 = raw[1:4].ljust(3, b"\0")
        command, malformed = Command(0, ins, p1, p2, raw[4:]), True
    return TraceRecord(
        Direction.TO_CARD,
        name_of(command),
        raw[:4],
        len(command.data),
        None if hidden and command.data else command.data,
        le=command.le,
        extended=command.extended,
        malformed=malformed,
    )


def _answer_record(raw: bytes, command: TraceRecord, *, hidden: bool) -> TraceRecord:
    malformed = len(raw) < 2
    data, sw = (raw, 0) if malformed else (raw[:-2], int.from_bytes(raw[-2:], "big"))
    return TraceRecord(
        Direction.FROM_CARD,
        command.name,
        command.header,
        len(data),
        None if hidden and data else data,
        sw=sw,
        malformed=malformed,
    )


class _ForeignDialogue(_Dialogue):
    """What one interface of another program's capture has, redacted here."""

    def __init__(self) -> None:
        super().__init__()
        self._redactor = Redactor()
        self._redactor.started()

    def take(self, packet: Packet) -> Iterator[TraceRecord | CardEvent]:
        """What a packet says, if it is one of an APDU, or of a SIM card's."""
        found = sim_packet(packet.link, packet.data)
        unwrapped = _unwrapped(packet)
        if found is not None:
            yield from self._of_sim(found)
        elif unwrapped is not None:
            yield from self._of_apdu(*unwrapped)

    def _of_sim(self, found: SimPacket) -> Iterator[TraceRecord | CardEvent]:
        if found.atr:
            yield self._reset(found.atr)
            return
        yield self._redactor.command(found.command)
        yield self._redactor.answer(found.answer)

    def _of_apdu(self, direction: int, data: bytes) -> Iterator[TraceRecord | CardEvent]:
        if direction == _SENT:
            yield self._redactor.command(data)
        elif _is_atr(data):
            yield self._reset(data)
        else:
            yield self._redactor.answer(data)

    def _reset(self, atr: bytes) -> CardEvent:
        self._redactor.started(atr)
        return CardEvent(Happening.RESET, atr)


def _unwrapped(packet: Packet) -> tuple[int, bytes] | None:
    """The direction and the bytes of an APDU that Wireshark, or we, exported."""
    if packet.link != _UPPER_PDU:
        return None
    data, values = packet.data, dict[int, bytes]()
    while len(data) >= 4:
        tag, size = struct.unpack(">HH", data[:4])
        values[tag], data = data[4 : 4 + size], data[4 + size :]
        if tag == _END:
            break
    direction = values.get(_DIRECTION, b"")
    dissector = values.get(_DISSECTOR, b"").rstrip(b"\0")
    if dissector not in (_ISO_7816, _NO_APDU) or len(direction) != 4 or _END not in values:
        return None
    return int.from_bytes(direction, "big"), data


def _is_atr(data: bytes) -> bool:
    try:
        parse_atr(data)
    except ApduError:
        return False
    return True
