"""The objects of a PIV card, as bytes."""

from __future__ import annotations

import gzip
from datetime import date

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from apdu.errors import ApduError
from apdu.tlv import Tlv, build_tlvs, parse_tlvs
from host.piv.objects import (
    capabilities,
    certificate_in,
    certificate_object,
    chuid,
    fasc_n,
    guid_of,
    key_history,
)
from tests.host_piv import tokens

FASC_N = "D4E739DA739CED39CE739D836858210842108421C84210C3EB"
"""As yubico-piv-tool and ykman write it: 9999-9999-999999-0-1, person 0000000000300001."""


def test_a_federal_number() -> None:
    number = fasc_n("9999", "9999", "999999", "0", "1", "0000000000300001")
    assert number.hex().upper() == FASC_N


def test_the_federal_number_of_the_standards_example() -> None:
    """TIG SCEPACS §2.1: agency 0032, system 0001, credential 092446, series 0, issue 1."""
    number = fasc_n("0032", "0001", "092446", "0", "1", "1112223333112232")
    assert number.hex().upper() == "D0439458210C2C19A0846D83685A1082108CE73984108CA3FC"


def test_who_the_card_is() -> None:
    content = chuid(bytes(range(16)), date(2030, 2, 28))
    assert content.hex().upper() == (
        f"3019{FASC_N}3410000102030405060708090A0B0C0D0E0F3508" + b"20300228".hex() + "3E00FE00"
    )
    assert guid_of(content) == bytes(range(16))
    assert guid_of(b"") is None


def test_what_the_card_can_do() -> None:
    found = {tlv.tag: tlv.value for tlv in parse_tlvs(capabilities(bytes(14)))}
    assert found[0xF0] == bytes.fromhex("A000000116FF02") + bytes(14)
    assert list(found) == [*range(0xF0, 0xF8), *range(0xFA, 0xFF)]
    assert found[0xF5] == b"\x10"


def test_how_many_retired_keys() -> None:
    assert key_history(3).hex() == "c10103c20100fe00"


def test_a_certificate_comes_back_compressed_or_not() -> None:
    certificate = tokens.token().certificate(0x9A)
    assert certificate_in(certificate_object(certificate)) == certificate
    packed = gzip.compress(certificate.public_bytes(Encoding.DER))
    assert certificate_in(build_tlvs(Tlv(0x70, packed), Tlv(0x71, b"\x01"))) == certificate


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x70\x00",
        b"\x70",
        build_tlvs(Tlv(0x70, b"\x30\x00"), Tlv(0x71, b"\x00")),
        build_tlvs(Tlv(0x70, b"no gzip"), Tlv(0x71, b"\x01")),
        build_tlvs(Tlv(0x70, gzip.compress(bytes(10_000_000))), Tlv(0x71, b"\x01")),
    ],
)
def test_what_holds_no_certificate(content: bytes) -> None:
    with pytest.raises((ValueError, ApduError)):
        certificate_in(content)
