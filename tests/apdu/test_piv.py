"""Data fields of the PIV card edge: what holds for every codec, and hand-written bytes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apdu import piv
from apdu.errors import ApduError
from apdu.piv import (
    DataObject,
    DynamicAuthentication,
    ImportedKey,
    KeyTemplate,
    NewManagementKey,
    PublicKey,
)
from apdu.pivmetadata import Metadata, build_metadata, parse_metadata
from apdu.tlv import Tlv
from tests.apdu.samples import check_refused
from tests.apdu.strategies import byte, damaged, tags


class Case(NamedTuple):
    """A codec: both directions, and the values that it can write."""

    parse: Callable[[bytes], Any]
    build: Callable[[Any], bytes]
    values: st.SearchStrategy[Any]


def _case(name: str, values: st.SearchStrategy[Any]) -> Case:
    return Case(getattr(piv, f"parse_{name}"), getattr(piv, f"build_{name}"), values)


_block = st.binary(max_size=40) | st.sampled_from((127, 128, 255, 256, 512)).map(bytes)
_maybe = st.none() | byte
_objects = st.builds(DataObject, tags, _block)
_parts = st.dictionaries(st.integers(1, 6), _block).map(
    lambda parts: tuple(Tlv(tag, parts[tag]) for tag in sorted(parts))
)
_public_keys = st.builds(PublicKey, modulus=_block, exponent=_block) | st.builds(
    PublicKey, point=_block
)
_pairs = st.none() | st.tuples(byte, byte)
_facts = st.none() | st.booleans()

CODECS = {
    "dynamic_authentication": _case(
        "dynamic_authentication",
        st.builds(DynamicAuthentication, *[st.none() | _block] * 4),
    ),
    "key_template": _case(
        "key_template",
        st.builds(KeyTemplate, byte, st.none() | st.integers(1, 2**40), _maybe, _maybe),
    ),
    "public_key": _case("public_key", _public_keys),
    "public_key_parts": _case("public_key_parts", _public_keys),
    "object_request": _case("object_request", tags),
    "object": _case("object", _objects),
    "object_answer": Case(
        lambda raw: piv.parse_object_answer(0x5FC105, raw),
        piv.build_object_answer,
        st.builds(DataObject, st.just(0x5FC105), _block),
    ),
    "imported_key": _case("imported_key", st.builds(ImportedKey, _parts, _maybe, _maybe)),
    "new_management_key": _case(
        "new_management_key", st.builds(NewManagementKey, byte, st.binary(max_size=40))
    ),
    "metadata": Case(
        parse_metadata,
        build_metadata,
        st.builds(Metadata, byte, _pairs, _facts, st.none() | _public_keys, _facts, _pairs),
    ),
}

every_codec = pytest.mark.parametrize("codec", CODECS.values(), ids=CODECS.keys())


def _read_or_refuse(codec: Case, raw: bytes) -> None:
    """The bytes are refused at a place among them, or mean what their shortest form means."""
    refusal: ApduError | None = None
    try:
        value = codec.parse(raw)
    except ApduError as error:
        refusal = error
    else:
        assert codec.parse(codec.build(value)) == value
    if refusal is not None:
        assert 0 <= refusal.offset <= len(raw)
        assert refusal.reason


@every_codec
@given(data=st.data())
def test_a_value_is_read_as_it_was_written(codec: Case, data: st.DataObject) -> None:
    value = data.draw(codec.values)
    assert codec.parse(codec.build(value)) == value


@every_codec
@given(raw=st.binary(max_size=64))
def test_any_bytes_are_refused_or_read(codec: Case, raw: bytes) -> None:
    _read_or_refuse(codec, raw)


@every_codec
@given(data=st.data())
def test_damaged_bytes_are_refused_or_read(codec: Case, data: st.DataObject) -> None:
    raw = codec.build(data.draw(codec.values))
    _read_or_refuse(codec, data.draw(damaged(raw)))


@every_codec
@given(data=st.data())
def test_the_beginning_of_good_bytes_is_refused_or_read(codec: Case, data: st.DataObject) -> None:
    raw = codec.build(data.draw(codec.values))
    _read_or_refuse(codec, raw[: data.draw(st.integers(0, len(raw)))])


def test_every_codec_is_here() -> None:
    names = {name.removeprefix("parse_") for name in vars(piv) if name.startswith("parse_")}
    assert names - {"tlvs"} | {"metadata"} == CODECS.keys()


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("dynamic_authentication", "7C 02 8100", DynamicAuthentication(challenge=b"")),
        (
            "dynamic_authentication",
            "7C 08 8002AABB 8100 8200",
            DynamicAuthentication(b"\xaa\xbb", b"", b""),
        ),
        (
            "dynamic_authentication",
            "7C 05 8200 850104",
            DynamicAuthentication(response=b"", point=b"\x04"),
        ),
        ("dynamic_authentication", "7C 00", DynamicAuthentication()),
        ("key_template", "AC 03 800111", KeyTemplate(0x11)),
        (
            "key_template",
            "AC 0E 800107 8103010001 AA0103 AB0101",
            KeyTemplate(7, 65537, 3, 1),
        ),
        ("public_key", "7F49 04 86020401", PublicKey(point=b"\x04\x01")),
        ("public_key", "7F49 07 8102C001 820103", PublicKey(b"\xc0\x01", b"\x03")),
        ("object_request", "5C 03 5FC105", 0x5FC105),
        ("object_request", "5C 01 7E", 0x7E),
        ("object_request", "5C 02 7F61", 0x7F61),
        ("object", "5C 03 5FC102 53 01 AA", DataObject(0x5FC102, b"\xaa")),
        ("object", "5C 03 5FC102 53 00", DataObject(0x5FC102, b"")),
        ("object", "7F61 01 AA", DataObject(0x7F61, b"\xaa")),
        ("object", "7E 01 AA", DataObject(0x7E, b"\xaa")),
        ("object_answer", "53 01 AA", DataObject(0x5FC105, b"\xaa")),
        ("imported_key", "0601AA", ImportedKey((Tlv(6, b"\xaa"),))),
        (
            "imported_key",
            "0101AA 0201BB AA0102 AB0101",
            ImportedKey((Tlv(1, b"\xaa"), Tlv(2, b"\xbb")), 2, 1),
        ),
        ("new_management_key", "08 9B 02 AABB", NewManagementKey(8, b"\xaa\xbb")),
    ],
)
def test_samples(name: str, text: str, value: object) -> None:
    codec, raw = CODECS[name], bytes.fromhex(text)
    assert codec.parse(raw) == value
    assert codec.build(value) == raw


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        (
            "dynamic_authentication",
            "7C 8107 8200 8182 0001 AA",
            DynamicAuthentication(None, b"\xaa", b""),
        ),
        ("key_template", "AC 81 06 AA0101 800111", KeyTemplate(0x11, pin_policy=1)),
        (
            "imported_key",
            "AB0101 0201BB 0101AA",
            ImportedKey((Tlv(1, b"\xaa"), Tlv(2, b"\xbb")), touch_policy=1),
        ),
    ],
)
def test_objects_in_another_order_and_with_longer_length_fields(
    name: str, text: str, value: object
) -> None:
    assert CODECS[name].parse(bytes.fromhex(text)) == value


@pytest.mark.parametrize(
    ("name", "text", "offset"),
    [
        ("dynamic_authentication", "", 0),
        ("dynamic_authentication", "7D 00", 0),
        ("dynamic_authentication", "7C 00 7C 00", 0),
        ("dynamic_authentication", "7C 04 8100 8100", 0),
        ("dynamic_authentication", "7C 02 8300", 0),
        ("dynamic_authentication", "7C 03 8100", 4),
        ("key_template", "AC 00", 2),
        ("key_template", "AC 02 8000", 0),
        ("key_template", "AC 04 80020011", 0),
        ("key_template", "AC 05 800111 AA00", 0),
        ("key_template", "AC 07 800107 81020003", 2),
        ("key_template", "AC 05 800107 8100", 2),
        ("public_key", "7F49 00", 0),
        ("public_key", "7F49 03 8101AA", 0),
        ("public_key", "7F49 06 8101AA 860104", 0),
        ("object_request", "", 0),
        ("object_request", "5C 00", 0),
        ("object_request", "5C 02 007E", 2),
        ("object_request", "5C 04 5FC10501", 0),
        ("object_request", "5C 06 5FC105 5FC102", 0),
        ("object_request", "5C 03 5FC105 5C 03 5FC102", 0),
        ("object", "", 0),
        ("object", "5C 03 5FC105", 0),
        ("object", "53 00", 0),
        ("object", "53 00 5C 03 5FC105", 0),
        ("object", "5C 00 53 00", 0),
        ("object", "5C 01 7E 53 00", 0),
        ("object", "5C 02 7F61 53 00", 0),
        ("object", "7E 00 7E 00", 0),
        ("object_answer", "7E 00", 0),
        ("imported_key", "0701AA", 0),
        ("imported_key", "0101AA 0101AA", 0),
        ("imported_key", "0101AA AA020101", 0),
        ("new_management_key", "", 0),
        ("new_management_key", "03 9B", 1),
        ("new_management_key", "03 9A 01 AA", 1),
        ("new_management_key", "03 9B 02 AA", 1),
    ],
)
def test_refused(name: str, text: str, offset: int) -> None:
    check_refused(CODECS[name].parse, ApduError, text, offset)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("key_template", KeyTemplate(256)),
        ("key_template", KeyTemplate(7, exponent=0)),
        ("key_template", KeyTemplate(7, pin_policy=-1)),
        ("object_request", 0),
        ("object_request", 0x5FC10501),
        ("object", DataObject(0x1F, b"")),
        ("imported_key", ImportedKey((), touch_policy=256)),
        ("new_management_key", NewManagementKey(3, bytes(256))),
    ],
)
def test_values_that_do_not_fit(name: str, value: object) -> None:
    with pytest.raises(ApduError):
        CODECS[name].build(value)


def test_no_secret_is_in_a_repr() -> None:
    secret = b"\x31" * 24
    for value in (
        DynamicAuthentication(secret, secret, secret),
        DataObject(0x5FC109, secret),
        ImportedKey((Tlv(6, secret),)),
        NewManagementKey(3, secret),
    ):
        assert "1111" not in repr(value) and "3131" not in repr(value)
