"""Captures: ours are read again and Wireshark takes them; others' are read and redacted."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from host.trace import CardEvent, Direction, Entry, Happening, TraceError, TraceHead, TraceRecord
from host.trace.blocks import interface_block, packet_block, section_block
from host.trace.capture import Capture, CaptureParser
from host.trace.file import TraceParser
from host.trace.gsmtap import sim_packet
from tests.trace.dialogues import everyday
from tests.trace.strategies import dialogues

WHEN = datetime(2026, 1, 31, 12, 0, 0, 123456, tzinfo=UTC)
SIM_ATR = bytes.fromhex("3B9F96801FC78031A073BE21136743200718000001A5")


def written(entries: tuple[Entry, ...] | list[Entry]) -> bytes:
    writer = Capture(WHEN, "ushield 1.0")
    return b"".join(writer.encode(entry) for entry in entries)


def read(data: bytes) -> tuple[TraceHead, list[Entry], str]:
    parser = TraceParser()
    entries = parser.feed(data)
    damage = parser.end()
    return parser.head, entries, damage


def normalised(entries: list[Entry]) -> list[Entry]:
    """As a capture has it: times since the first packet, and no data of no bytes that is hidden."""
    begin = entries[0].at if entries else 0
    return [entry._replace(at=max(0, entry.at - begin)) for entry in entries]


# --- ours ---------------------------------------------------------------------------------------


@given(dialogues(least=1))
def test_what_is_written_is_read_again(entries: list[Entry]) -> None:
    head, again, damage = read(written(entries))
    assert again == normalised(entries)
    assert not damage
    assert head.by == "ushield 1.0" and head.when is not None
    assert (head.when - WHEN).total_seconds() * 1e6 == pytest.approx(entries[0].at, abs=50)


def test_an_everyday_dialogue_with_what_is_no_apdu() -> None:
    entries = list(everyday())
    assert any(isinstance(e.what, TraceRecord) and e.what.malformed for e in entries)
    assert read(written(entries))[1] == normalised(entries)


@given(dialogues(least=1), st.data())
def test_of_a_capture_that_is_cut_all_that_is_whole_is_read(
    entries: list[Entry], data: st.DataObject
) -> None:
    whole = written(entries)
    cut = data.draw(st.integers(4, len(whole)))
    _, again, damage = read(whole[:cut])
    assert again == normalised(entries)[: len(again)]
    assert damage or cut == len(whole) or not len(whole[cut:]) % 4
    assert "\n" not in damage


@given(dialogues(least=1), st.data())
def test_it_may_come_in_any_pieces(entries: list[Entry], data: st.DataObject) -> None:
    whole = written(entries)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(whole)), max_size=5)))
    parser = TraceParser()
    found: list[Entry] = []
    for begin, end in zip([0, *cuts], [*cuts, len(whole)], strict=True):
        found += parser.feed(whole[begin:end])
    assert found == normalised(entries) and not parser.end()


# --- others' ------------------------------------------------------------------------------------


def udp(payload: bytes, port: int = 4729) -> bytes:
    return struct.pack(">HHHH", 40000, port, 8 + len(payload), 0) + payload


def ipv4(payload: bytes, protocol: int = 17, fragment: int = 0) -> bytes:
    size = 20 + len(payload)
    return struct.pack(">BBHHHBBH8x", 0x45, 0, size, 0, fragment, 64, protocol, 0) + payload


def ipv6(payload: bytes) -> bytes:
    return struct.pack(">IHBB32x", 6 << 28, len(payload), 17, 64) + payload


def gsmtap(payload: bytes, sub_type: int = 0, kind: int = 4) -> bytes:
    return struct.pack(">BBBBHbBIBBBB", 2, 4, kind, 0, 0, 0, 0, 0, sub_type, 0, 0, 0) + payload


APDU = bytes.fromhex("A0A40000023F009F22")
SELECT = (bytes.fromhex("A0A40000023F00"), bytes.fromhex("9F22"))
LINKS: dict[int, Callable[[bytes], bytes]] = {
    0: lambda packet: struct.pack("<I", 2) + packet,
    1: lambda packet: bytes(12) + b"\x08\x00" + packet,
    101: lambda packet: packet,
    113: lambda packet: bytes(14) + b"\x08\x00" + packet,
    228: lambda packet: packet,
    276: lambda packet: b"\x08\x00" + bytes(18) + packet,
}


@pytest.mark.parametrize("link", LINKS)
def test_a_sim_packet_on_every_link(link: int) -> None:
    found = sim_packet(link, LINKS[link](ipv4(udp(gsmtap(APDU)))))
    assert found is not None and (found.command, found.answer) == SELECT


def test_other_ways_to_a_sim_packet() -> None:
    tagged = bytes(12) + b"\x81\x00\x00\x05" + b"\x86\xdd" + ipv6(udp(gsmtap(APDU)))
    found = sim_packet(1, tagged)
    assert found is not None and found.command == SELECT[0]
    found = sim_packet(101, ipv4(udp(gsmtap(SIM_ATR, sub_type=1))))
    assert found is not None and found.atr == SIM_ATR


@pytest.mark.parametrize(
    "packet",
    [
        ipv4(udp(gsmtap(APDU), port=53)),
        ipv4(udp(gsmtap(APDU)), protocol=6),
        ipv4(udp(gsmtap(APDU)), fragment=0x2000),
        ipv4(udp(gsmtap(APDU, kind=1))),
        ipv4(udp(gsmtap(APDU, sub_type=2))),
        ipv4(udp(gsmtap(b"\xa0"))),
        ipv4(udp(b"")),
        b"\x45",
        b"",
    ],
)
def test_what_is_no_sim_packet(packet: bytes) -> None:
    assert sim_packet(101, packet) is None


@pytest.mark.parametrize(
    ("whole", "command", "answer"),
    [
        ("00A4030000 9000", "00A40300", "9000"),
        ("00B0000010 6982", "00B0000010", "6982"),
        ("00B0000002 AABB9000", "00B0000002", "AABB9000"),
        ("00B0000000" + "AA" * 256 + "9000", "00B0000000", "AA" * 256 + "9000"),
        ("00B0000010 AABB6282", "00B0000010", "AABB6282"),
        ("0020000108" + "FF" * 8 + "9000", "0020000108" + "FF" * 8, "9000"),
        ("002000010831 6F00", "002000010131", "6F00"),
        ("00A4040002 3F00 6F009000", "00A40400023F0000", "6F009000"),
        ("00C0000002 AABB9000", "00C0000002", "AABB9000"),
    ],
)
def test_what_went_which_way(whole: str, command: str, answer: str) -> None:
    packet = ipv4(udp(gsmtap(bytes.fromhex(whole))))
    found = sim_packet(101, packet)
    assert found is not None
    assert (found.command, found.answer) == (bytes.fromhex(command), bytes.fromhex(answer))


def sim_capture() -> list[bytes]:
    """The packets of a telephone that starts: ATR, master file, PIN, a file after the PIN."""
    pin = "A020000108" + "31323334FFFFFFFF" + "9000"
    contents = [
        gsmtap(SIM_ATR, sub_type=1),
        *(
            gsmtap(bytes.fromhex(apdu))
            for apdu in ("A0A40000023F009F22", pin, "A0B0000004DEADBEEF9000")
        ),
    ]
    return [ipv4(udp(content)) for content in contents]


def as_pcapng(packets: list[bytes]) -> bytes:
    blocks = [section_block("Wireshark"), interface_block(101, "lo")]
    return b"".join(blocks + [packet_block(0, 10**15 + at, p) for at, p in enumerate(packets)])


def as_pcap(packets: list[bytes], order: str = "<", magic: int = 0xA1B2C3D4) -> bytes:
    head = struct.pack(order + "IHHiIII", magic, 2, 4, 0, 0, 65535, 101)
    part = 1000 if magic == 0xA1B23C4D else 1
    records = [
        struct.pack(order + "IIII", 10**9, at * part, len(packet), len(packet)) + packet
        for at, packet in enumerate(packets)
    ]
    return head + b"".join(records)


def big_endian(packets: list[bytes]) -> bytes:
    def block(kind: int, body: bytes) -> bytes:
        size = struct.pack(">I", 12 + len(body))
        return struct.pack(">I", kind) + size + body + size

    def packet(at: int, data: bytes) -> bytes:
        head = struct.pack(">IIIII", 0, 0, at, len(data), len(data))
        return block(6, head + data + bytes(-len(data) % 4))

    section = block(0x0A0D0D0A, struct.pack(">IHHq", 0x1A2B3C4D, 1, 0, -1))
    unknown = block(0x0BAD, b"abcd")
    # Times in units of 2^-20 seconds.
    resolution = struct.pack(">HHB3xHH", 9, 1, 0x94, 0, 0)
    interface = block(1, struct.pack(">HHI", 101, 0, 0) + resolution)
    return section + unknown + interface + b"".join(packet(*each) for each in enumerate(packets))


@pytest.mark.parametrize(
    "form",
    [
        as_pcapng,
        as_pcap,
        big_endian,
        lambda packets: as_pcap(packets, ">"),
        lambda packets: as_pcap(packets, magic=0xA1B23C4D),
    ],
    ids=["pcapng", "pcap", "pcapng, other order", "pcap, other order", "pcap, nanoseconds"],
)
def test_a_sim_card_in_every_kind_of_capture(form: Callable[[list[bytes]], bytes]) -> None:
    _, entries, damage = read(form(sim_capture()))
    assert not damage
    assert entries[0].what == CardEvent(Happening.RESET, SIM_ATR)
    records = [entry.what for entry in entries[1:]]
    assert [r.data for r in records if isinstance(r, TraceRecord) and r.length] == [
        b"\x3f\x00",
        None,
        None,
    ], "the file, not the PIN, and not what was read after it"
    if form is not big_endian:
        assert [entry.at for entry in entries] == [0, 1, 1, 2, 2, 3, 3]


def exported(*packets: tuple[int, str], by: str = "Wireshark") -> bytes:
    """ISO 7816 as Wireshark exports it."""
    tags = struct.pack(">HH8s", 12, 8, b"iso7816")
    data = section_block(by) + interface_block(252, "usb")
    for direction, content in packets:
        head = tags + struct.pack(">HHI", 35, 4, direction) + bytes(4)
        data += packet_block(0, 10**15, head + bytes.fromhex(content))
    return data


def test_what_wireshark_has_exported_is_redacted() -> None:
    dialogue = (
        (1, SIM_ATR.hex()),
        (0, "00A4040005A000000308"),
        (1, "61009000"),
        (0, "0020008008313233343536FFFF"),
        (1, "9000"),
    )
    _, entries, damage = read(exported(*dialogue))
    assert not damage
    assert entries[0].what == CardEvent(Happening.RESET, SIM_ATR)
    _, select, _, verify, _ = (entry.what for entry in entries)
    assert isinstance(select, TraceRecord) and select.data
    assert isinstance(verify, TraceRecord)
    assert (verify.direction, verify.length, verify.data) == (Direction.TO_CARD, 8, None)


@pytest.mark.parametrize("data", [as_pcapng([]), as_pcapng([ipv4(udp(b"x"))]), as_pcap([])])
def test_a_capture_of_something_else(data: bytes) -> None:
    _, entries, damage = read(data)
    assert not entries
    assert "no dialogue with a card" in damage


def pieces() -> Iterator[bytes]:
    yield section_block("x")
    yield interface_block(101, "lo")
    yield packet_block(0, 1, sim_capture()[1])
    yield packet_block(7, 1, b"no such interface")
    yield exported((0, "00A4"))


@given(st.sampled_from([0, 1]), st.lists(st.binary(max_size=40) | st.sampled_from([*pieces()])))
def test_any_bytes_are_read_or_refused(pcapng: int, parts: list[bytes]) -> None:
    parser = CaptureParser(pcapng=bool(pcapng))
    with suppress(TraceError):
        parser.feed((section_block("x") if pcapng else as_pcap([])) + b"".join(parts))
        assert "\n" not in parser.end()
