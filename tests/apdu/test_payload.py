"""Data fields of the commands on the PKCS#15 card edge, in hand-written bytes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from apdu import payload
from apdu.errors import PayloadError
from apdu.payload import (
    AppletInfo,
    Capabilities,
    Cryptogram,
    EcdhRequest,
    FormatCard,
    GenerateKey,
    PinChange,
    PinRecord,
    PinStatus,
    SecurityEnvironment,
    SignatureInput,
    pad_pin,
    unpad_pin,
)
from tests.apdu.samples import check_refused, check_sample

PIN, PUK = "31323334 3536FFFF", "3837363534333231"


def _codec(name: str) -> tuple[Callable[[bytes], Any], Callable[[Any], bytes]]:
    return getattr(payload, f"parse_{name}"), getattr(payload, f"build_{name}")


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        (
            "pin_record",
            f"{PIN} {PUK} 06 0A 00",
            PinRecord(b"123456\xff\xff", b"87654321", 6, 10),
        ),
        ("pin_change", PIN + PUK, PinChange(b"123456\xff\xff", b"87654321")),
        ("pin_status", "01 06 06 0A 0A", PinStatus(1, 6, 6, 10, 10)),
        ("format_card", "7F00 113FFF 111FFF", FormatCard(0x7F00, b"\x11\x3f\xff", b"\x11\x1f\xff")),
        (
            "applet_info",
            "0000000000 04 05 00 00010203040506070809 0102",
            AppletInfo(4, 5, 0, bytes(range(10)), 0x0102),
        ),
        ("capabilities", "01 0009 1000 0000 0000 0180", Capabilities(9, 4096, 0, 0, 384)),
        ("security_environment", "", SecurityEnvironment()),
        ("security_environment", "800102 81024B01 840100", SecurityEnvironment(2, 0x4B01, 0)),
        ("security_environment", "81024B01", SecurityEnvironment(key_file=0x4B01)),
        (
            "security_environment",
            "840100 81024B01 800102",
            SecurityEnvironment(2, 0x4B01, 0, (0x84, 0x81, 0x80)),
        ),
        (
            "security_environment",
            "800100 830101",
            SecurityEnvironment(0, None, 1, (0x80, 0x83)),
        ),
        ("signature_input", "9E02AABB 9A01CC", SignatureInput(b"\xaa\xbb", b"\xcc")),
        ("signature_input", "9E02AABB", SignatureInput(b"\xaa\xbb")),
        (
            "signature_input",
            "9A01CC 9E02AABB",
            SignatureInput(b"\xaa\xbb", b"\xcc", (0x9A, 0x9E)),
        ),
        ("generate_key", "", GenerateKey()),
        ("generate_key", "30 05 81 03 010001", GenerateKey(65537)),
        ("cryptogram", "00 AABB", Cryptogram(0, b"\xaa\xbb")),
        ("cryptogram", "81", Cryptogram(0x81, b"")),
        ("ecdh_request", "7C 05 85 03 04AABB", EcdhRequest(b"\x04\xaa\xbb")),
    ],
)
def test_samples(name: str, text: str, value: object) -> None:
    parse, build = _codec(name)
    check_sample(parse, build, text, value)


def test_the_point_of_a_longer_curve() -> None:
    point = b"\x04" + bytes(132)
    text = f"7C 8188 85 8185 {point.hex()}"
    check_sample(payload.parse_ecdh_request, payload.build_ecdh_request, text, EcdhRequest(point))


@pytest.mark.parametrize(
    ("name", "text", "offset"),
    [
        ("pin_record", "", 0),
        ("pin_record", f"{PIN} {PUK} 06 0A", 18),
        ("pin_record", f"{PIN} {PUK} 06 0A 00 00", 19),
        ("pin_change", PIN, 8),
        ("pin_status", "0106060A", 4),
        ("pin_statuses", "01 06 06 0A 0A 03", 6),
        ("format_card", "7F00 113FFF", 5),
        ("applet_info", "00", 1),
        ("capabilities", "02 0009 1000 0000 0000 0180", 0),
        ("security_environment", "800102 81", 4),
        ("security_environment", "80020000", 0),
        ("security_environment", "81014B", 0),
        ("security_environment", "800100 800100", 3),
        ("security_environment", "800100 830100 840100", 0),
        ("security_environment", "800100 850100", 3),
        ("security_environment", "800100 81820002 4B01", 3),
        ("signature_input", "", 0),
        ("signature_input", "9A01CC", 3),
        ("generate_key", "30 00", 2),
        ("generate_key", "30 02 81 00", 4),
        ("generate_key", "30 04 81 02 0001", 4),
        ("generate_key", "31 03 81 01 03", 0),
        ("generate_key", "30 03 80 01 03", 2),
        ("generate_key", "30 06 810103 810103", 2),
        ("generate_key", "30 03 81 02 03", 5),
        ("cryptogram", "", 0),
        ("ecdh_request", "", 0),
        ("ecdh_request", "7C 05 85 03 04AA", 6),
        ("ecdh_request", "7C 04 85 8101 04", 2),
    ],
)
def test_refused(name: str, text: str, offset: int) -> None:
    parse = getattr(payload, f"parse_{name}")
    check_refused(parse, PayloadError, text, offset)


@pytest.mark.parametrize(
    ("name", "value", "offset"),
    [
        ("pin_record", PinRecord(b"1234567", b"123456789", 6, 10), 0),
        ("pin_record", PinRecord(b"12345678", b"1234567", 6, 10), 8),
        ("pin_record", PinRecord(b"12345678", b"12345678", 6, 256), 17),
        ("pin_change", PinChange(b"12345678", b"1234567890"), 8),
        ("pin_status", PinStatus(1, 6, -1, 10, 10), 2),
        ("format_card", FormatCard(65536, bytes(3), bytes(3)), 0),
        ("format_card", FormatCard(0, bytes(3), bytes(2)), 5),
        ("applet_info", AppletInfo(4, 5, 0, bytes(9), 0), 8),
        ("capabilities", Capabilities(9, 65536, 0, 0, 384), 3),
        ("capabilities", Capabilities(9, 4096, 0, 0, 384, version=2), 0),
        ("security_environment", SecurityEnvironment(256), 0),
        ("security_environment", SecurityEnvironment(1, order=(0x81,)), 0),
        ("security_environment", SecurityEnvironment(1, order=(0x80, 0x80)), 0),
        ("signature_input", SignatureInput(b"", None, (0x9A, 0x9E)), 0),
        ("generate_key", GenerateKey(0), 4),
        ("generate_key", GenerateKey(-3), 4),
        ("cryptogram", Cryptogram(256, b""), 0),
    ],
)
def test_values_that_do_not_fit(name: str, value: object, offset: int) -> None:
    build = getattr(payload, f"build_{name}")
    with pytest.raises(PayloadError) as caught:
        build(value)
    assert caught.value.offset == offset


def test_pins_are_filled_up() -> None:
    assert pad_pin(b"123456") == b"123456\xff\xff"
    assert pad_pin(b"12345678") == b"12345678"
    assert pad_pin(b"") == b"\xff" * 8
    assert unpad_pin(b"12\xff45\xff\xff\xff") == b"12\xff45"


@pytest.mark.parametrize(("pin", "offset"), [(b"123456789", 8), (b"12345\xff", 5)])
def test_pins_that_have_no_block(pin: bytes, offset: int) -> None:
    with pytest.raises(PayloadError) as caught:
        pad_pin(pin)
    assert caught.value.offset == offset


@pytest.mark.parametrize(("block", "offset"), [(b"", 0), (b"1234", 4), (b"123456789", 8)])
def test_blocks_of_another_size(block: bytes, offset: int) -> None:
    check_refused(unpad_pin, PayloadError, block.hex(), offset)


def test_no_secret_is_in_a_repr() -> None:
    shown = repr(PinRecord(b"11111111", b"22222222", 6, 10)) + repr(PinChange(b"3" * 8, b"4" * 8))
    assert not any(secret in shown for secret in ("1111", "2222", "3333", "4444"))


def test_no_secret_is_in_an_error() -> None:
    with pytest.raises(PayloadError) as caught:
        payload.build_pin_record(PinRecord(b"11111", b"22222222", 6, 10))
    assert "1111" not in f"{caught.value!r} {caught.value} {caught.value.__context__!r}"
    assert str(caught.value) == "byte 0: pin does not fit its field"
