"""Answers to reset (ISO 7816-3 §8.2)."""

from __future__ import annotations

import pytest

from apdu.atr import Atr, InterfaceBytes, build_atr, parse_atr
from apdu.errors import AtrError
from tests.apdu.samples import check_refused, check_sample

CONTACTLESS = Atr(0x3B, (InterfaceBytes(td=0x80), InterfaceBytes(td=0x01)))
MYEID = Atr(
    0x3B,
    (
        InterfaceBytes(0x18, 0x00, None, 0x81),
        InterfaceBytes(td=0x31),
        InterfaceBytes(ta=0xFE, tb=0x45),
    ),
    b"OsEID",
)


@pytest.mark.parametrize(
    ("text", "atr", "protocols"),
    [
        ("3B00", Atr(0x3B), (0,)),
        ("3F00", Atr(0x3F), (0,)),
        ("3B02 1450", Atr(0x3B, historical=b"\x14\x50"), (0,)),
        ("3B10 11", Atr(0x3B, (InterfaceBytes(ta=0x11),)), (0,)),
        ("3B80 80 01 01", CONTACTLESS, (0, 1)),
        ("3B80 01 81", Atr(0x3B, (InterfaceBytes(td=0x01),)), (1,)),
        ("3B80 00", Atr(0x3B, (InterfaceBytes(td=0x00),)), (0,)),
        (
            "3B80 80 1F 05 1A",
            Atr(0x3B, (InterfaceBytes(td=0x80), InterfaceBytes(td=0x1F), InterfaceBytes(ta=0x05))),
            (0,),
        ),
        ("3BB5 1800 81 31 FE45 4F73454944 D2", MYEID, (1,)),
    ],
)
def test_answers(text: str, atr: Atr, protocols: tuple[int, ...]) -> None:
    check_sample(parse_atr, build_atr, text, atr)
    assert atr.protocols == protocols


@pytest.mark.parametrize(
    ("text", "offset"),
    [
        ("", 0),
        ("3B", 1),
        ("3A00", 0),
        ("3B02 14", 3),
        ("3BF0 11", 3),
        ("3B80", 2),
        ("3B80 80", 3),
        ("3B80 80 01", 4),
        ("3B80 80 01 02", 4),
        ("3B80 80 01 00", 4),
        ("3B80 80 01 01 00", 5),
        ("3B00 00", 2),
        ("3B" + "00" * 33, 33),
    ],
)
def test_bytes_that_are_no_answer(text: str, offset: int) -> None:
    check_refused(parse_atr, AtrError, text, offset)


@pytest.mark.parametrize(
    ("atr", "offset"),
    [
        (Atr(0x3C), 0),
        (Atr(0x3B, historical=bytes(16)), 1),
        (Atr(0x3B, (InterfaceBytes(),)), 2),
        (Atr(0x3B, (InterfaceBytes(td=0x80),)), 2),
        (Atr(0x3B, (InterfaceBytes(td=0x01), InterfaceBytes(ta=0x00))), 2),
        (Atr(0x3B, (InterfaceBytes(ta=0x11), InterfaceBytes(ta=0x00))), 2),
        (Atr(0x3B, (InterfaceBytes(td=0x10), InterfaceBytes(ta=0x100))), 3),
        (Atr(0x3B, (InterfaceBytes(td=0x1001),)), 2),
        (Atr(0x3B, (InterfaceBytes(0, 0, 0, 0xF1),) * 8 + (InterfaceBytes(0, 0, 0, 0x01),)), 33),
    ],
)
def test_values_that_are_no_answer(atr: Atr, offset: int) -> None:
    with pytest.raises(AtrError) as caught:
        build_atr(atr)
    assert caught.value.offset == offset


def test_the_check_byte_is_made_when_a_protocol_needs_it() -> None:
    assert CONTACTLESS.checked
    assert not Atr(0x3B, (InterfaceBytes(td=0x00),)).checked
    raw = build_atr(MYEID)
    assert raw[-6:-1] == b"OsEID"
    total = 0
    for byte in raw[1:]:
        total ^= byte
    assert total == 0
