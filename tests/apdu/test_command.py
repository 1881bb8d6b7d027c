"""Command APDUs: the seven cases of ISO 7816-3 §12.1 in hand-written bytes."""

from __future__ import annotations

import pytest

from apdu.command import Case, Command, build_command, parse_command
from apdu.errors import CommandError
from tests.apdu.samples import check_refused, check_sample

AID = bytes.fromhex("A000000063504B43532D3135")
SELECT_AID = f"00A40400 0C {AID.hex()}"


@pytest.mark.parametrize(
    ("text", "command", "case"),
    [
        ("002E0001", Command(0x00, 0x2E, 0x00, 0x01), Case.CASE_1),
        ("00840000 08", Command(0x00, 0x84, 0x00, 0x00, le=8), Case.CASE_2S),
        ("00B00000 FF", Command(0x00, 0xB0, 0x00, 0x00, le=255), Case.CASE_2S),
        ("00CA01A0 00", Command(0x00, 0xCA, 0x01, 0xA0, le=256), Case.CASE_2S),
        (SELECT_AID, Command(0x00, 0xA4, 0x04, 0x00, AID), Case.CASE_3S),
        ("A0E40000 02 4401", Command(0xA0, 0xE4, 0x00, 0x00, b"\x44\x01"), Case.CASE_3S),
        (SELECT_AID + "00", Command(0x00, 0xA4, 0x04, 0x00, AID, 256), Case.CASE_4S),
        ("002A9E9A 01 00 01", Command(0x00, 0x2A, 0x9E, 0x9A, b"\x00", 1), Case.CASE_4S),
        ("00840000 00 0040", Command(0x00, 0x84, 0x00, 0x00, b"", 64, True), Case.CASE_2E),
        ("00840000 00 0000", Command(0x00, 0x84, 0x00, 0x00, b"", 65536, True), Case.CASE_2E),
        ("00D60000 00 0001 AA", Command(0, 0xD6, 0, 0, b"\xaa", 0, True), Case.CASE_3E),
        (
            "002A9E9A 00 0002 AABB 0100",
            Command(0, 0x2A, 0x9E, 0x9A, b"\xaa\xbb", 256, True),
            Case.CASE_4E,
        ),
        (
            "002A9E9A 00 0001 AA 0000",
            Command(0, 0x2A, 0x9E, 0x9A, b"\xaa", 65536, True),
            Case.CASE_4E,
        ),
    ],
)
def test_each_case(text: str, command: Command, case: Case) -> None:
    check_sample(parse_command, build_command, text, command)
    assert command.case is case


@pytest.mark.parametrize(
    ("header", "size", "tail"),
    [
        ("00D60000 FF", 255, ""),
        ("00D60000 FF", 255, "00"),
        ("00D60000 00FFFF", 65535, ""),
        ("00D60000 00FFFF", 65535, "0000"),
    ],
)
def test_the_longest_data(header: str, size: int, tail: str) -> None:
    raw = bytes.fromhex(header) + bytes(size) + bytes.fromhex(tail)
    command = parse_command(raw)
    assert len(command.data) == size
    assert build_command(command) == raw


@pytest.mark.parametrize(
    ("text", "offset"),
    [
        ("", 0),
        ("00A400", 3),
        ("00A40000 00 01", 6),
        ("00A40000 02 3F", 4),
        ("00A40000 02 3F00 00 00", 4),
        ("00A40000 01 3F 00 00", 4),
        ("00D60000 00 0000 AA", 5),
        ("00D60000 00 0002 AA", 5),
        ("00D60000 00 0001 AA 00", 5),
        ("00D60000 00 0001 AA 000000", 5),
    ],
)
def test_bytes_of_no_case(text: str, offset: int) -> None:
    check_refused(parse_command, CommandError, text, offset)


@pytest.mark.parametrize(
    ("command", "offset"),
    [
        (Command(0x100, 0, 0, 0), 0),
        (Command(0, -1, 0, 0), 1),
        (Command(0, 0, 256, 0, le=1), 2),
        (Command(0, 0, 0, 1000, b"\0"), 3),
        (Command(0, 0, 0, 1000, b"\0", 1, extended=True), 3),
        (Command(0, 0, 0, 0, le=257), 4),
        (Command(0, 0, 0, 0, le=-1), 4),
        (Command(0, 0, 0, 0, bytes(256)), 4),
        (Command(0, 0, 0, 0, bytes(256), 1), 4),
        (Command(0, 0, 0, 0, extended=True), 4),
        (Command(0, 0, 0, 0, le=65537, extended=True), 4),
        (Command(0, 0, 0, 0, bytes(65536), extended=True), 4),
        (Command(0, 0, 0, 0, bytes(65536), 1, extended=True), 4),
    ],
)
def test_values_that_fit_no_case(command: Command, offset: int) -> None:
    with pytest.raises(CommandError) as caught:
        build_command(command)
    assert caught.value.offset == offset


def test_what_the_header_says() -> None:
    command = Command(0x10, 0x2A, 0x80, 0x86)
    assert command.p1p2 == 0x8086
    assert command.chained
    assert not Command(0x0F, 0x2A, 0x80, 0x86).chained


def test_the_data_is_in_no_repr_and_in_no_error() -> None:
    secret = b"314159"
    command = Command(0x00, 0x20, 0x00, 0x01, secret)
    assert repr(command) == "<Command 00 20 00 01, 6 bytes of data, Le 0, short>"
    with pytest.raises(CommandError) as caught:
        build_command(command._replace(data=secret * 50))
    shown = f"{caught.value!r} {caught.value}"
    assert "3141" not in shown
    assert secret.hex() not in shown


def test_the_repr_of_a_command_that_cannot_be_built() -> None:
    assert "FF 00" in repr(Command(-1, 0x100, 0, 0))
