"""File control information (ISO 7816-4 §7.4), as OpenSC's driver writes and reads it."""

from __future__ import annotations

from typing import Any

import pytest

from apdu.errors import FileControlError
from apdu.filecontrol import (
    AccessRules,
    FileControl,
    FileKind,
    build_access,
    build_file_control,
    parse_access,
    parse_file_control,
)
from apdu.tlv import Tlv
from tests.apdu.samples import check_refused, check_sample

KEY_FILE = "62 17 81020400 820111 83024B01 8603000000 85028000 8A0100"
USAGE = "62 1C 81020400 820111 83024B02 86031111FF 85020000 8A0100 A503950102"
CONSENT = "62 1F 81020400 820111 83024B02 86031111FF 85020000 8A0100 A506950101960102"
DIRECTORY = "6F 23 81020000 820138 83025015 8603113FFF 8A0105 840C A000000063504B43532D3135 C100"


def test_the_key_file_that_the_driver_creates() -> None:
    control = FileControl.of(
        0x62,
        size_tag=0x81,
        size=1024,
        kind=FileKind.RSA_KEY,
        fid=0x4B01,
        access=b"\x00\x00\x00",
        proprietary=b"\x80\x00",
        life_cycle=0,
    )
    check_sample(parse_file_control, build_file_control, KEY_FILE, control)
    assert (control.size, control.kind, control.fid) == (1024, FileKind.RSA_KEY, 0x4B01)
    assert (control.access, control.proprietary) == (b"\x00\x00\x00", b"\x80\x00")
    assert (control.life_cycle, control.name, control.usage) == (0, None, None)


def test_the_usage_of_a_key() -> None:
    control = FileControl.of(
        0x62,
        size_tag=0x81,
        size=1024,
        kind=FileKind.RSA_KEY,
        fid=0x4B02,
        access=b"\x11\x11\xff",
        proprietary=b"\x00\x00",
        life_cycle=0,
        usage=0x02,
    )
    check_sample(parse_file_control, build_file_control, USAGE, control)
    assert control.usage == 0x02


def test_the_consent_rule_of_a_key() -> None:
    control = FileControl.of(
        0x62,
        size_tag=0x81,
        size=1024,
        kind=FileKind.RSA_KEY,
        fid=0x4B02,
        access=b"\x11\x11\xff",
        proprietary=b"\x00\x00",
        life_cycle=0,
        usage=0x01,
        consent=0x02,
    )
    check_sample(parse_file_control, build_file_control, CONSENT, control)
    assert (control.usage, control.consent) == (0x01, 0x02)
    assert parse_file_control(bytes.fromhex(USAGE)).consent is None


def test_a_directory_with_its_name_and_an_unknown_object() -> None:
    control = parse_file_control(bytes.fromhex(DIRECTORY))
    assert build_file_control(control) == bytes.fromhex(DIRECTORY)
    assert control.kind == FileKind.DF
    assert control.name == bytes.fromhex("A000000063504B43532D3135")
    assert control.life_cycle == 5
    assert control.objects[-1] == Tlv(0xC1, b"")


def test_nothing_is_known_of_an_empty_template() -> None:
    control = FileControl(0x64, ())
    check_sample(parse_file_control, build_file_control, "64 00", control)
    assert (control.size, control.kind, control.fid, control.name) == (None,) * 4
    assert (control.proprietary, control.access) == (None, None)
    assert (control.life_cycle, control.usage) == (None, None)


def test_a_proprietary_object_without_usage() -> None:
    assert parse_file_control(bytes.fromhex("6F 05 A503 910101")).usage is None
    assert parse_file_control(bytes.fromhex("6F 02 A500")).usage is None


def test_a_length_field_of_the_template_that_is_too_long() -> None:
    check_sample(
        parse_file_control,
        build_file_control,
        "6F 81 03 8A0107",
        FileControl(0x6F, (Tlv(0x8A, b"\x07"),), 2),
    )


@pytest.mark.parametrize(
    ("text", "offset"),
    [
        ("", 0),
        ("62", 1),
        ("30 00", 0),
        ("62 03 8A01", 4),
        ("62 00 00", 2),
        ("62 02 8A01", 4),
        ("62 03 830100", 2),
        ("62 06 8A0100 830100", 5),
        ("62 02 8200", 2),
        ("62 02 8000", 2),
        ("62 02 8400", 2),
        ("62 04 8A020000", 2),
        ("62 04 A5029501", 2),
        ("62 06 A50495020101", 2),
        ("62 04 A5029600", 2),
        ("62 09 A507950101 96020101", 2),
    ],
)
def test_bytes_that_are_refused(text: str, offset: int) -> None:
    check_refused(parse_file_control, FileControlError, text, offset)


@pytest.mark.parametrize(
    "control",
    [
        FileControl(0x30, ()),
        FileControl(0x62, (Tlv(0x83, b"\x00"),)),
        FileControl(0x62, (Tlv(0x00, b"\x00"),)),
        FileControl(0x62, (), 9),
        FileControl(0x62, (Tlv(0xA5, b"\x95"),)),
    ],
)
def test_values_that_are_refused(control: FileControl) -> None:
    with pytest.raises(FileControlError):
        build_file_control(control)


@pytest.mark.parametrize(
    "wrong",
    [
        {"size": 65536},
        {"kind": -1},
        {"fid": 65536},
        {"life_cycle": 256},
        {"usage": 256},
        {"consent": -1},
    ],
)
def test_numbers_that_do_not_fit(wrong: dict[str, int]) -> None:
    good: dict[str, Any] = {"size": 1, "kind": 1, "fid": 1, "life_cycle": 1, "usage": 1}
    with pytest.raises(FileControlError):
        FileControl.of(0x62, size_tag=0x80, access=b"", proprietary=b"", **(good | wrong))


def test_access_rules() -> None:
    check_sample(parse_access, build_access, "113FFF", AccessRules(1, 1, 3, 0xF))
    check_sample(parse_access, build_access, "012345", AccessRules(0, 1, 2, 3, 0x45))
    check_refused(parse_access, FileControlError, "113F", 2)
    check_refused(parse_access, FileControlError, "113FFFFF", 3)


@pytest.mark.parametrize(
    ("access", "offset"),
    [
        (AccessRules(16, 0, 0, 0), 0),
        (AccessRules(0, -1, 0, 0), 0),
        (AccessRules(0, 0, 0, 16), 1),
        (AccessRules(0, 0, 0, 0, 256), 2),
    ],
)
def test_rules_that_do_not_fit(access: AccessRules, offset: int) -> None:
    with pytest.raises(FileControlError) as caught:
        build_access(access)
    assert caught.value.offset == offset
