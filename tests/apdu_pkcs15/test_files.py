"""What is written is read back; what OpenSC wrote is understood; nonsense is refused properly."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apdu.errors import ApduError, TlvError
from apdu.pkcs15 import read, write
from apdu.pkcs15.entries import (
    BORN_ON_CARD,
    IMPORTED,
    CertificateEntry,
    PinEntry,
    PrivateKeyEntry,
    PublicKeyEntry,
    TokenInfo,
)
from tests.apdu_pkcs15 import opensc
from tests.apdu_pkcs15 import strategies as some

READERS: tuple[Callable[[bytes], Any], ...] = (
    read.read_certificates,
    read.read_odf,
    read.read_pins,
    read.read_private_keys,
    read.read_public_keys,
    read.read_token_info,
    read.entries_of,
    read.first_object,
)
WRITTEN = (opensc.AODF, opensc.TOKEN_INFO, opensc.ODF, opensc.PRKDF, opensc.CDF, opensc.PUKDF)


@given(st.lists(some.private_keys, max_size=4), some.unwritten)
def test_private_keys(entries: list[PrivateKeyEntry], rest: bytes) -> None:
    assert list(read.read_private_keys(write.build_private_keys(entries) + rest)) == entries


@given(st.lists(some.public_keys, max_size=4), some.unwritten)
def test_public_keys(entries: list[PublicKeyEntry], rest: bytes) -> None:
    assert list(read.read_public_keys(write.build_public_keys(entries) + rest)) == entries


@given(st.lists(some.certificates, max_size=4), some.unwritten)
def test_certificates(entries: list[CertificateEntry], rest: bytes) -> None:
    assert list(read.read_certificates(write.build_certificates(entries) + rest)) == entries


@given(st.lists(some.pins, max_size=4), some.unwritten)
def test_pins(entries: list[PinEntry], rest: bytes) -> None:
    assert list(read.read_pins(write.build_pins(entries) + rest)) == entries


@given(some.directories, some.unwritten)
def test_directories(paths: dict[str, bytes], rest: bytes) -> None:
    assert read.read_odf(write.build_odf(paths) + rest) == paths


@given(some.token_infos, some.unwritten)
def test_token_info(info: TokenInfo, rest: bytes) -> None:
    assert read.read_token_info(write.build_token_info(info) + rest) == info


@given(st.lists(some.certificates, max_size=4), some.unwritten)
def test_entries_come_apart_as_they_were(entries: list[CertificateEntry], rest: bytes) -> None:
    whole = write.build_certificates(entries)
    apart = read.entries_of(whole + rest)
    assert list(apart) == [write.build_certificates([entry]) for entry in entries]
    if entries:
        assert read.first_object(whole + rest) == apart[0]


@given(st.sampled_from(READERS), st.binary(max_size=200))
def test_arbitrary_bytes(reader: Callable[[bytes], Any], data: bytes) -> None:
    _only_apdu_errors(reader, data)


@given(st.sampled_from(READERS), st.sampled_from(WRITTEN), st.data())
def test_damaged_files(reader: Callable[[bytes], Any], written: bytes, data: st.DataObject) -> None:
    """One byte changed, or the end cut off."""
    damaged = bytearray(written)
    damaged[data.draw(st.integers(0, len(written) - 1))] = data.draw(st.integers(0, 255))
    _only_apdu_errors(reader, bytes(damaged))
    _only_apdu_errors(reader, written[: data.draw(st.integers(0, len(written)))])


def _only_apdu_errors(reader: Callable[[bytes], Any], data: bytes) -> None:
    offset = 0
    try:
        reader(data)
    except ApduError as error:
        offset = error.offset
    assert 0 <= offset <= len(data)


def test_dir_record() -> None:
    record = write.build_dir(bytes.fromhex("A000000063504B43532D3135"), "key", b"\x3f\x00\x50\x15")
    expected = "61 19 4F 0C A000000063504B43532D3135 50 03 6B6579 51 04 3F005015"
    assert record == bytes.fromhex(expected)


def test_unknown_directory_names() -> None:
    with pytest.raises(ValueError, match="postcards"):
        write.build_odf({"postcards": b"\x44\x01"})


def test_the_curve_is_named_where_it_is_known() -> None:
    p256 = bytes.fromhex("06082A8648CE3D030107")

    def entry(bits: int) -> bytes:
        key = PrivateKeyEntry("", b"\x01", b"\x4b\x01", 1, "ec", bits, frozenset({"sign"}))
        return write.build_private_keys([key])

    assert p256 in entry(256)
    assert bytes.fromhex("06052B81040022") in entry(384)
    assert b"\x06\x08" not in entry(521)


def test_offsets_count_from_the_beginning_of_the_file() -> None:
    cut = opensc.CDF[:-1]
    with pytest.raises(TlvError) as caught:
        read.read_certificates(cut)
    assert caught.value.offset == len(cut)


def test_unknown_kinds_of_objects_are_passed_over() -> None:
    foreign = bytes.fromhex("A403020100")
    assert len(read.read_private_keys(foreign + opensc.PRKDF)) == 3
    assert len(read.read_certificates(foreign + opensc.CDF)) == 2
    assert read.read_odf(bytes.fromhex("A403020100") + bytes.fromhex("8001AA")) == {}


# What OpenSC 0.23 wrote


def test_pins_of_opensc() -> None:
    officer, holder = read.read_pins(opensc.AODF)
    flags = frozenset({"initialized", "needs-padding"})
    assert officer == PinEntry("Security Officer PIN", b"\xff", 3, flags | {"soPin"}, min_length=4)
    assert holder == PinEntry("OpenSC-made", b"\x01", 1, flags, min_length=4)


def test_token_info_of_opensc() -> None:
    info = read.read_token_info(opensc.TOKEN_INFO)
    assert info == TokenInfo(bytes.fromhex("a92f1ded15bbe300df56"), "Aventra Ltd.", "OpenSC-made")


def test_directories_of_opensc_are_ours() -> None:
    paths = read.read_odf(opensc.ODF)
    assert paths["privateKeys"] == bytes.fromhex("3F0050154402")
    assert write.build_odf(paths) == opensc.ODF


def test_private_keys_of_opensc() -> None:
    first, second, third = read.read_private_keys(opensc.PRKDF)
    both = frozenset({"sign", "signRecover", "decrypt", "unwrap"})
    path = bytes.fromhex("3F0050154B01")
    assert first == PrivateKeyEntry("first", b"\x10", path, 1, "rsa", 1024, both, b"\x01")
    assert (second.kind, second.bits, second.access) == ("ec", 384, BORN_ON_CARD)
    assert second.usage == {"sign", "signRecover", "derive"}
    assert (third.label, third.access, third.reference) == ("mycert", IMPORTED, 3)


def test_public_keys_of_opensc() -> None:
    first, second, third = read.read_public_keys(opensc.PUKDF)
    assert (first.kind, first.bits, first.path[-2:]) == ("rsa", 1024, b"\x55\x01")
    assert (second.kind, second.bits, second.id) == ("ec", None, b"\x11")
    assert third.usage == {"encrypt", "wrap", "verify", "verifyRecover"}


def test_certificates_of_opensc() -> None:
    path = bytes.fromhex("3F0050154301")
    mine, authority = read.read_certificates(opensc.CDF)
    assert mine == CertificateEntry("mycert", b"\x12", path)
    assert authority.authority


def test_references_that_old_opensc_wrote_as_negative_numbers() -> None:
    data = bytearray(opensc.PRKDF[:0x34])
    at = data.index(bytes.fromhex("020101A1"))
    data[at + 2] = 0x82
    (key,) = read.read_private_keys(bytes(data))
    assert key.reference == 0x82


def test_an_explicit_label_is_read_too() -> None:
    data = bytes.fromhex("30 11 020100 0401AA 0C0155 A0040C026869 030204F0".replace(" ", ""))
    fixed = bytes((0x30, len(data) - 2)) + data[2:]
    assert read.read_token_info(fixed) == TokenInfo(b"\xaa", "U", "hi")
