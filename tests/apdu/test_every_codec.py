"""What holds for every codec of the package, whatever the value and whatever the bytes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apdu import atr, command, errors, filecontrol, order, payload, response, tlv
from tests.apdu import strategies


class Case(NamedTuple):
    """A codec: both directions, its exception, and the values that it can write."""

    parse: Callable[[bytes], Any]
    build: Callable[[Any], bytes]
    error: type[errors.ApduError]
    values: st.SearchStrategy[Any]


def _of_payload(name: str, values: st.SearchStrategy[Any]) -> Case:
    parse, build = getattr(payload, f"parse_{name}"), getattr(payload, f"build_{name}")
    return Case(parse, build, errors.PayloadError, values)


CODECS = {
    "command": Case(
        command.parse_command, command.build_command, errors.CommandError, strategies.commands
    ),
    "response": Case(
        response.parse_response, response.build_response, errors.ResponseError, strategies.responses
    ),
    "tlv": Case(tlv.parse_tlv, lambda x: tlv.build_tlv(*x), errors.TlvError, strategies.tlv),
    "tlvs": Case(
        tlv.parse_tlvs, lambda x: tlv.build_tlvs(*x), errors.TlvError, strategies.tlv_lists
    ),
    "atr": Case(atr.parse_atr, atr.build_atr, errors.AtrError, strategies.atrs),
    "access": Case(
        filecontrol.parse_access,
        filecontrol.build_access,
        errors.FileControlError,
        strategies.access_rules,
    ),
    "file_control": Case(
        filecontrol.parse_file_control,
        filecontrol.build_file_control,
        errors.FileControlError,
        strategies.file_controls,
    ),
    "pin": Case(payload.unpad_pin, payload.pad_pin, errors.PayloadError, strategies.pins),
    "pin_statuses": Case(
        payload.parse_pin_statuses,
        lambda all_of_them: b"".join(map(payload.build_pin_status, all_of_them)),
        errors.PayloadError,
        st.lists(strategies.pin_statuses, max_size=4).map(tuple),
    ),
    "pin_record": _of_payload("pin_record", strategies.pin_records),
    "pin_change": _of_payload("pin_change", strategies.pin_changes),
    "pin_status": _of_payload("pin_status", strategies.pin_statuses),
    "format_card": _of_payload("format_card", strategies.format_cards),
    "applet_info": _of_payload("applet_info", strategies.applet_infos),
    "capabilities": _of_payload("capabilities", strategies.capabilities),
    "security_environment": _of_payload("security_environment", strategies.security_environments),
    "signature_input": _of_payload("signature_input", strategies.signature_inputs),
    "generate_key": _of_payload("generate_key", strategies.generate_keys),
    "cryptogram": _of_payload("cryptogram", strategies.cryptograms),
    "order": Case(order.parse_order, order.build_order, order.OrderError, strategies.orders),
    "consent_settings": _of_payload("consent_settings", strategies.consent_settings),
    "consent_report": _of_payload("consent_report", strategies.consent_reports),
    "ecdh_request": _of_payload("ecdh_request", strategies.ecdh_requests),
}

every_codec = pytest.mark.parametrize("codec", CODECS.values(), ids=CODECS.keys())


def _read_or_refuse(codec: Case, raw: bytes) -> None:
    """The bytes are refused at a place among them, or are what is written again."""
    refusal: errors.ApduError | None = None
    try:
        value = codec.parse(raw)
    except errors.ApduError as error:
        refusal = error
    else:
        assert codec.build(value) == raw
    if refusal is not None:
        assert type(refusal) is codec.error
        assert 0 <= refusal.offset <= len(raw)
        assert refusal.reason


@every_codec
@given(data=st.data())
def test_a_value_is_read_as_it_was_written(codec: Case, data: st.DataObject) -> None:
    value = data.draw(codec.values)
    assert codec.parse(codec.build(value)) == value


@every_codec
@given(raw=st.binary(max_size=64))
def test_any_bytes_are_refused_or_written_again(codec: Case, raw: bytes) -> None:
    _read_or_refuse(codec, raw)


@every_codec
@given(data=st.data())
def test_damaged_bytes_are_refused_or_written_again(codec: Case, data: st.DataObject) -> None:
    raw = codec.build(data.draw(codec.values))
    _read_or_refuse(codec, data.draw(strategies.damaged(raw)))


@every_codec
@given(data=st.data())
def test_the_beginning_of_good_bytes_is_refused_or_written_again(
    codec: Case, data: st.DataObject
) -> None:
    raw = codec.build(data.draw(codec.values))
    _read_or_refuse(codec, raw[: data.draw(st.integers(0, len(raw)))])


def test_every_codec_of_the_payloads_is_here() -> None:
    names = {name.removeprefix("parse_") for name in payload.__all__ if name.startswith("parse_")}
    assert names <= CODECS.keys()
