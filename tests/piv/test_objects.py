"""Data objects: certificates, CHUID and the like, up to sizes that break cards."""

from __future__ import annotations

import pytest

from apdu.piv import DataObject, build_object, build_object_request, parse_object_answer
from apdu.pivnames import PIN_PROTECTED
from apdu.tlv import build_tlv
from tests.piv.cards import PivChip, born, full

CERTIFICATES = (0x5FC105, 0x5FC10A, 0x5FC10B, 0x5FC101, *range(0x5FC10D, 0x5FC121))
"""Of 9A, 9C, 9D, 9E and the retired keys (part 1 table 3)."""
SIZES = (
    1,
    2,
    120,
    126,
    127,
    128,
    250,
    251,
    252,
    253,
    255,
    256,
    257,
    1857,
    4096,
    8192,
    12710,
    32767,
)


@pytest.fixture
def chip() -> PivChip:
    chip = born()
    chip.administer()
    return chip


def content(size: int) -> bytes:
    return bytes(at * 7 % 251 for at in range(size))


@pytest.mark.parametrize("size", SIZES)
def test_an_object_is_read_as_it_was_written(chip: PivChip, size: int) -> None:
    assert chip.put(0x5FC105, content(size)) == 0x9000
    assert chip.get(0x5FC105) == content(size)
    assert chip.copy().get(0x5FC105) == content(size)


def test_an_object_comes_in_one_extended_command_too(chip: PivChip) -> None:
    chip.ok("00 DB 3F FF [ {given} ]", given=build_object(DataObject(0x5FC105, content(8192))))
    answer = chip.ok("00 CB 3F FF 00 0005 {tag} 0000", tag=build_object_request(0x5FC105))
    assert parse_object_answer(0x5FC105, answer).content == content(8192)


@pytest.mark.parametrize("piece", [1, 100, 254])
def test_an_object_is_read_in_pieces(chip: PivChip, piece: int) -> None:
    chip.put(0x5FC105, content(600))
    request = build_object_request(0x5FC105)
    answer, sw = chip.send("00 CB 3F FF [ {tag} ] {le}", tag=request, le=bytes((piece,)))
    while sw >> 8 == 0x61:
        more, sw = chip.send("00 C0 00 00 {le}", le=bytes((min(piece, sw & 0xFF or 256),)))
        answer += more
    assert sw == 0x9000
    assert parse_object_answer(0x5FC105, answer).content == content(600)


def test_every_certificate_has_a_place_of_its_own(chip: PivChip) -> None:
    for tag in CERTIFICATES:
        assert chip.put(tag, build_tlv(0x70, tag.to_bytes(3, "big"))) == 0x9000
    again = chip.copy()
    for tag in CERTIFICATES:
        assert again.get(tag) == build_tlv(0x70, tag.to_bytes(3, "big"))


def test_new_content_takes_the_place_of_the_old(chip: PivChip) -> None:
    for size in (300, 5, 70):
        chip.put(0x5FC102, content(size))
        assert chip.get(0x5FC102) == content(size)
    chip.put(0x5FC102, b"")
    assert chip.sw("00 CB 3F FF [ 5C ( 5FC102 ) ] 00") == "6A82"


def test_a_refused_object_leaves_the_old_one(chip: PivChip) -> None:
    chip.put(0x5FC102, b"old")
    assert chip.put(0x5FC102, bytes(0x8000)) == 0x6A84
    assert chip.get(0x5FC102) == b"old"


def test_half_an_object_is_nothing(chip: PivChip) -> None:
    chip.put(0x5FC102, b"old")
    chip.ok("10 DB 3F FF [ 5C ( 5FC102 ) 53 06 6E65 ]")
    assert chip.get(0x5FC102) == b"old"
    assert chip.sw("00 DB 3F FF [ 77212121 ]") == "6A80"
    assert chip.get(0x5FC102) == b"old"


@pytest.mark.parametrize("tag", sorted(PIN_PROTECTED))
def test_what_is_private_asks_for_the_pin(chip: PivChip, tag: int) -> None:
    request = build_object_request(tag)
    for present in (False, True):
        assert chip.sw("00 CB 3F FF [ {tag} ] 00", tag=request) == "6982", present
        assert chip.put(tag, b"private") == 0x9000
    chip.verify()
    assert chip.get(tag) == b"private"
    chip.ok("00 20 FF 80")
    assert chip.sw("00 CB 3F FF [ {tag} ] 00", tag=request) == "6982"


def test_the_discovery_object_names_the_application_and_its_pin(chip: PivChip) -> None:
    answer = chip.ok("00 CB 3F FF [ 5C ( 7E ) ] 00")
    assert answer.hex().upper() == "7E124F0BA0000003080000100001005F2F024000"


def test_biometric_group_is_answered_under_its_own_tag() -> None:
    assert full().ok("00 CB 3F FF [ 5C ( 7F61 ) ] 00").hex().upper() == "7F6103000102"


def test_the_answer_of_select_names_the_application(chip: PivChip) -> None:
    for name in ("A000000308", "A000000308 00001000", "A000000308 00001000 0100"):
        answer = chip.ok(f"00 A4 04 00 [ {name} ] 00")
        assert answer.hex().upper() == "61114F0600001000010079074F05A000000308"


def test_the_version_is_one_that_lets_tools_make_keys_of_all_sizes(chip: PivChip) -> None:
    assert chip.ok("00 FD 00 00 00") == bytes((5, 7, 0))


def test_every_card_has_a_serial_number_of_its_own() -> None:
    serials = {PivChip().ok("00 F8 00 00 00") for _ in range(5)}
    assert len(serials) == 5 and {len(serial) for serial in serials} == {4}


def test_a_card_keeps_its_serial_number(chip: PivChip) -> None:
    serial = chip.ok("00 F8 00 00 00")
    chip.block_pin()
    chip.block_puk()
    chip.ok("00 FB 00 00")
    assert chip.copy().ok("00 F8 00 00 00") == serial
