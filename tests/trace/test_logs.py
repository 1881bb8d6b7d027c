"""Logs of OpenSC and pcscd: odd cases, literally. tests/cli/test_trace.py makes real ones."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from host.trace import CardEvent, Direction, Entry, Happening, TraceHead, TraceRecord
from host.trace.file import TraceParser
from host.trace.logs import LogParser

OPENSC = """\
P:1; T:0x1 23:59:59.998 [opensc-tool] card.c:1234:match_atr_table: ATR     : 3b:00
P:1; T:0x1 23:59:59.998 [opensc-tool] card.c:1245:match_atr_table: ATR try : 3B:80:80:01:01
P:1; T:0x1 23:59:59.999 [opensc-tool] reader-pcsc.c:325:pcsc_transmit: reader 'Left 00'
P:1; T:0x1 23:59:59.999 [opensc-tool] reader-pcsc.c:326:pcsc_transmit:{blank}
Outgoing APDU (18 bytes):
00 A4 04 00 0C A0 00 00 00 63 50 4B 43 53 2D 31 .........cPKCS-1
35 00                                           5.

P:1; T:0x1 12:00:00.001 [opensc-tool] reader-pcsc.c:335:pcsc_transmit:{blank}
Incoming APDU (2 bytes):
6A 82 j.
""".format(blank=" ")
OLD_OPENSC = """\
0x7f0 12:00:00.000 [opensc-tool] apdu.c:187:sc_apdu_log:
Outgoing APDU data [    5 bytes] =====================================
00 CA 01 B0 00 .....
======================================================================
0x7f0 12:00:00.002 [opensc-tool] apdu.c:187:sc_apdu_log:
Incoming APDU data [    3 bytes] =====================================
AA 90 00 ...
"""
PCSCD = """\
00000010 debuglog.c:411:DebugLogSetCategory() Debug options: APDU
00000200 [140024] eventhandler.c:423:EHStatusHandlerThread() Card inserted into Virtual PCD 00 00
00000003 [140024] Card ATR: 3B 00{blank}
\x1b[35m00001000 [140025] APDU: 00 20 00 01 08 31 32 33 34 35 36 FF FF \x1b[0m
00000500 [140025] SW: 63 C5{blank}
00000100 [140024] eventhandler.c:353:EHStatusHandlerThread() Card Removed From Virtual PCD 00 00
""".format(blank=" ")


def read(text: str) -> tuple[TraceHead, list[Entry], str]:
    parser = TraceParser()
    entries = parser.feed(text.encode())
    damage = parser.end()
    return parser.head, entries, damage


def data_of(entries: list[Entry]) -> list[str | None]:
    records = [entry.what for entry in entries if isinstance(entry.what, TraceRecord)]
    return [None if record.data is None else record.data.hex() for record in records]


def test_a_log_of_opensc() -> None:
    head, entries, damage = read(OPENSC)
    assert not damage
    assert (head.by, head.reader, head.atr) == ("OpenSC", "Left 00", b"\x3b\x00")
    assert entries[0] == Entry(0, "Left 00", CardEvent(Happening.CONNECTED, b"\x3b\x00"))
    assert data_of(entries) == ["a000000063504b43532d3135", ""]
    assert [entry.at for entry in entries] == [0, 0, 0], "midnight is no time before the beginning"


def test_a_log_of_an_older_opensc() -> None:
    _, entries, damage = read(OLD_OPENSC)
    assert not damage
    assert data_of(entries) == ["", "aa"]
    assert [entry.at for entry in entries] == [0, 2000]


def test_a_log_of_pcscd() -> None:
    head, entries, damage = read(PCSCD)
    assert not damage
    assert (head.by, head.reader, head.atr) == ("pcscd", "Virtual PCD 00 00", b"\x3b\x00")
    power, verify, refused, removed = (entry.what for entry in entries)
    assert power == CardEvent(Happening.POWER_ON, b"\x3b\x00")
    assert isinstance(verify, TraceRecord) and (verify.length, verify.data) == (8, None)
    assert isinstance(refused, TraceRecord) and refused.sw == 0x63C5
    assert removed == CardEvent(Happening.POWER_OFF)
    assert [entry.at for entry in entries] == [0, 1000, 1500, 1600]


def test_lines_with_carriage_returns() -> None:
    assert read(OPENSC.replace("\n", "\r\n"))[1] == read(OPENSC)[1]


def test_a_log_that_ends_within_an_apdu() -> None:
    _, entries, damage = read(OPENSC.rpartition("35 00")[0])
    assert not data_of(entries)
    assert damage == "the log ends within an APDU: 2 bytes of it are missing"


def test_a_dump_that_something_interrupts() -> None:
    first, _, rest = OPENSC.partition("35 00")
    _, entries, damage = read(f"{first}an error of another thread\n35 00{rest}")
    assert data_of(entries) == [""], "the answer"
    assert not damage


def test_an_apdu_longer_than_any() -> None:
    _, entries, _ = read(OPENSC.replace("(18 bytes)", "(180000000 bytes)"))
    assert data_of(entries) == [""]


def test_a_log_without_apdus() -> None:
    _, entries, damage = read("".join(OPENSC.splitlines(keepends=True)[:3]))
    assert not entries
    assert "no log with APDUs in it" in damage


_LINES = st.sampled_from([*OPENSC.splitlines(), *OLD_OPENSC.splitlines(), *PCSCD.splitlines()])


@given(st.lists(_LINES | st.text(max_size=40)), st.booleans())
def test_any_lines_are_read(lines: list[str], ended: bool) -> None:
    parser = LogParser()
    entries = parser.feed(("\n".join(lines) + "\n" * ended).encode(errors="surrogatepass"))
    damage = parser.end()
    assert "\n" not in damage
    for entry in entries:
        if isinstance(entry.what, TraceRecord) and entry.what.direction is Direction.TO_CARD:
            assert entry.what.header[1:2] != b"\x20" or not entry.what.data


@given(st.binary(max_size=400))
def test_any_bytes_are_read(data: bytes) -> None:
    parser = LogParser()
    parser.feed(data)
    assert "\n" not in parser.end()
