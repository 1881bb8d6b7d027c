"""BER-TLV data objects (ISO 7816-4 §6.3)."""

from __future__ import annotations

import pytest

from apdu.errors import TlvError
from apdu.tlv import Tlv, build_tlv, build_tlvs, find, parse_tlv, parse_tlvs, read_tlv
from tests.apdu.samples import check_refused, check_sample


def _build(tlv: Tlv) -> bytes:
    return build_tlv(*tlv)


@pytest.mark.parametrize(
    ("text", "tlv"),
    [
        ("8400", Tlv(0x84, b"")),
        ("80 02 0400", Tlv(0x80, b"\x04\x00")),
        ("7F21 03 300100", Tlv(0x7F21, b"\x30\x01\x00")),
        ("5FC105 01 AA", Tlv(0x5FC105, b"\xaa")),
        ("5F8100 00", Tlv(0x5F8100, b"")),
        ("1F1F 00", Tlv(0x1F1F, b"")),
        ("80 81 00", Tlv(0x80, b"", 2)),
        ("80 81 01 AA", Tlv(0x80, b"\xaa", 2)),
        ("80 82 0001 AA", Tlv(0x80, b"\xaa", 3)),
        ("80 84 00000001 AA", Tlv(0x80, b"\xaa", 5)),
    ],
)
def test_one_object(text: str, tlv: Tlv) -> None:
    check_sample(parse_tlv, _build, text, tlv)


@pytest.mark.parametrize(
    ("size", "length"),
    [(127, "7F"), (128, "8180"), (255, "81FF"), (256, "820100"), (65536, "83010000")],
)
def test_the_length_field_is_as_short_as_can_be(size: int, length: str) -> None:
    check_sample(parse_tlv, _build, f"53 {length} {bytes(size).hex()}", Tlv(0x53, bytes(size)))


def test_a_length_field_of_five_bytes() -> None:
    raw = build_tlv(0x53, bytes(0x1000000))
    assert raw[:6] == bytes.fromhex("53 84 01000000")
    assert parse_tlv(raw) == Tlv(0x53, bytes(0x1000000))


@pytest.mark.parametrize(
    ("text", "offset"),
    [
        ("", 0),
        ("80", 1),
        ("8002AA", 3),
        ("80 00 00", 2),
        ("00 00", 0),
        ("FF 00", 0),
        ("5F", 1),
        ("5F 00 00", 1),
        ("5F 1E 00", 1),
        ("5F 80 01 00", 1),
        ("5F C1", 2),
        ("5F C1 85 00", 2),
        ("80 80 00 00", 1),
        ("80 85 0000000001 AA", 1),
        ("80 82 01", 3),
        ("80 81", 2),
        ("80 84 FFFFFFFF 00", 7),
    ],
)
def test_bytes_that_are_no_object(text: str, offset: int) -> None:
    check_refused(parse_tlv, TlvError, text, offset)


@pytest.mark.parametrize("tag", [-1, 0, 0xFF, 0x5F, 0x5F00, 0x5FC1, 0x8002, 0x5FC185, 0x5FC10501])
def test_numbers_that_are_no_tag(tag: int) -> None:
    with pytest.raises(TlvError):
        build_tlv(tag, b"")


@pytest.mark.parametrize(
    ("value", "width"), [(bytes(128), 1), (bytes(256), 2), (b"", 6), (b"", -1)]
)
def test_widths_that_do_not_hold_the_length(value: bytes, width: int) -> None:
    with pytest.raises(TlvError):
        build_tlv(0x80, value, width)


def test_equal_tags_keep_their_order() -> None:
    text = "8001AA 810100 8001BB"
    objects = (Tlv(0x80, b"\xaa"), Tlv(0x81, b"\x00"), Tlv(0x80, b"\xbb"))
    assert parse_tlvs(bytes.fromhex(text)) == objects
    assert build_tlvs(*objects) == bytes.fromhex(text)
    assert find(objects, 0x80) == b"\xaa"
    assert find(objects, 0x84) is None
    assert parse_tlvs(b"") == ()


def test_the_offset_of_a_later_object() -> None:
    check_refused(parse_tlvs, TlvError, "800100 81", 4)
    check_refused(parse_tlvs, TlvError, "800100 00", 3)


def test_reading_on_from_an_offset() -> None:
    """As whoever reads a file does, where padding follows the last object."""
    data = bytes.fromhex("300100 300200AA 0000")
    first, offset = read_tlv(data)
    second, end = read_tlv(data, offset)
    assert (first.value, second.value, end) == (b"\x00", b"\x00\xaa", 7)


def test_objects_in_objects() -> None:
    template = parse_tlv(bytes.fromhex("7C 06 85 04 04 AA BB CC"))
    assert template.constructed
    assert template.children == (Tlv(0x85, b"\x04\xaa\xbb\xcc"),)
    assert not template.children[0].constructed
    assert template.children[0].children == ()
    assert [Tlv(tag, b"").constructed for tag in (0x7F21, 0x5FC105, 0x7F8101)] == [
        True,
        False,
        True,
    ]


def test_the_value_is_not_in_the_repr() -> None:
    assert repr(Tlv(0x7F21, b"secret")) == "<Tlv 7F21, 6 bytes>"
    assert repr(Tlv(0x04, b"")) == "<Tlv 04, 0 bytes>"
