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
from tests.trace.captures import (
    SIM_ATR,
    as_pcap,
    as_pcapng,
    big_endian,
    exported,
    gsmtap,
    ipv4,
    ipv6,
    sim_capture,
    udp,
)
from tests.trace.dialogues import everyday
from tests.trace.strategies import dialogues

WHEN = datetime(2026, 1, 31, 12, 0, 0, 123456, tzinfo=UTC)


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
