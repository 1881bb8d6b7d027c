"""Every structure of the protocol against its declaration in C, and both ways for any value."""

from __future__ import annotations

import struct
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from smartcard import scard

from ushield.reader import codes
from ushield.reader.messages import (
    EMPTY_RECORD,
    MAX_ATR,
    MAX_ATTRIBUTE,
    RECORD_SIZE,
    Attribute,
    Begin,
    Cancel,
    Connect,
    ControlCode,
    Disconnect,
    End,
    Establish,
    Events,
    Header,
    MessageError,
    ReaderCount,
    ReaderRecord,
    Reconnect,
    Release,
    Request,
    Status,
    Transmit,
    Version,
    Wait,
    body_size,
    build_body,
    build_request,
    layout_of,
    parse_body,
    parse_header,
    parse_record,
)

NAMED = "I128sIIiII"
"""A connect: the only request with a text in it."""

IN_C: dict[type[Any], str] = {
    Version: "iiI",
    Establish: "III",
    Release: "II",
    Connect: NAMED,
    Reconnect: "iIIIII",
    Disconnect: "iII",
    Begin: "iI",
    End: "iII",
    Transmit: "iIIIIIII",
    ControlCode: "iIIIII",
    Status: "iI",
    Cancel: "II",
    Attribute: "iI264sII",
    Wait: "II",
    Events: "II",
    ReaderCount: "i",
}
RECORD_IN_C = "128sIIi33sII"

REQUESTS: dict[Request, type[Any]] = {
    Request.VERSION: Version,
    Request.ESTABLISH: Establish,
    Request.RELEASE: Release,
    Request.CONNECT: Connect,
    Request.RECONNECT: Reconnect,
    Request.DISCONNECT: Disconnect,
    Request.BEGIN: Begin,
    Request.END: End,
    Request.TRANSMIT: Transmit,
    Request.CONTROL: ControlCode,
    Request.STATUS: Status,
    Request.CANCEL: Cancel,
    Request.GET_ATTRIBUTE: Attribute,
    Request.SET_ATTRIBUTE: Attribute,
}
BARE = set(Request) - set(REQUESTS)

names = st.text(st.characters(exclude_characters="\0", codec="utf-8")).filter(
    lambda name: len(name.encode()) <= 127
)
FIELDS = {
    "i": st.integers(-(2**31), 2**31 - 1),
    "I": st.integers(0, 2**32 - 1),
    "128s": names,
    "264s": st.binary(min_size=MAX_ATTRIBUTE, max_size=MAX_ATTRIBUTE),
}


def split(declared: str) -> list[str]:
    """The fields of a structure in C, one by one."""
    parts = declared.replace("128s", "n").replace("264s", "b")
    return [{"n": "128s", "b": "264s"}.get(part, part) for part in parts]


def values(kind: type[Any]) -> st.SearchStrategy[Any]:
    return st.builds(kind, *(FIELDS[part] for part in split(IN_C[kind])))


any_value = st.sampled_from(sorted(IN_C, key=lambda kind: kind.__name__)).flatmap(values)
records = st.builds(
    ReaderRecord,
    names,
    FIELDS["I"],
    FIELDS["I"],
    FIELDS["i"],
    st.binary(max_size=MAX_ATR),
    FIELDS["I"],
)


def padded(value: Any) -> list[Any]:
    """The fields as `struct` takes them, which fills texts up with zeros."""
    return [field.encode() if isinstance(field, str) else field for field in value]


# --- as declared in C ----------------------------------------------------------------------


@given(any_value)
def test_a_structure_is_laid_out_as_in_c(value: Any) -> None:
    assert build_body(value) == struct.pack(IN_C[type(value)], *padded(value))


@given(any_value)
def test_what_is_built_is_parsed(value: Any) -> None:
    assert layout_of(type(value)).parse(build_body(value)) == value


@given(st.data())
def test_what_is_parsed_is_built(data: st.DataObject) -> None:
    kind = data.draw(st.sampled_from([kind for kind in IN_C if kind is not Connect]))
    size = struct.calcsize(IN_C[kind])
    raw = data.draw(st.binary(min_size=size, max_size=size))
    assert build_body(layout_of(kind).parse(raw)) == raw


@given(any_value)
def test_compiled_and_declared_agree(value: Any) -> None:
    layout = layout_of(type(value))
    raw = layout.build(value)
    assert layout.record.build(value._asdict()) == raw
    declared = layout.record.parse(raw)
    assert tuple(declared[name] for name in value._fields) == layout.parse(raw)


@pytest.mark.parametrize("kind", IN_C)
def test_the_size_is_that_of_c(kind: type[Any]) -> None:
    size = struct.calcsize(IN_C[kind])
    assert layout_of(kind).size == size
    for wrong in (0, size - 1, size + 1):
        with pytest.raises(MessageError, match=f"has {size} bytes, not {wrong}"):
            layout_of(kind).parse(bytes(wrong))


@pytest.mark.parametrize("kind", IN_C)
def test_a_number_that_does_not_fit_is_refused(kind: type[Any]) -> None:
    fields = {"i": 0, "I": 0, "128s": "", "264s": b""}
    fitting = [fields[part] for part in split(IN_C[kind])]
    for at, part in enumerate(split(IN_C[kind])):
        if part in {"i", "I"}:
            wrong = kind(*fitting[:at], 2**32, *fitting[at + 1 :])
            with pytest.raises(MessageError, match="a number does not fit"):
                build_body(wrong)


# --- requests ------------------------------------------------------------------------------


@pytest.mark.parametrize(("command", "kind"), REQUESTS.items())
def test_the_structure_of_a_request(command: Request, kind: type[Any]) -> None:
    size = struct.calcsize(IN_C[kind])
    assert body_size(command) == size
    assert isinstance(parse_body(command, bytes(size)), kind)
    with pytest.raises(MessageError, match=f"{command.name} has {size} bytes"):
        parse_body(command, bytes(size + 1))


@pytest.mark.parametrize("command", sorted(BARE))
def test_a_request_without_a_structure(command: Request) -> None:
    assert body_size(command) == 0
    assert parse_body(command, b"") is None
    with pytest.raises(MessageError):
        parse_body(command, bytes(1))


@pytest.mark.parametrize("command", [Request.WAIT, Request.STOP_WAITING])
def test_a_wait_as_old_clients_send_it(command: Request) -> None:
    assert parse_body(command, struct.pack("II", 500, 0)) == Wait(500)


@pytest.mark.parametrize("command", [0x00, 0x03, 0x0C, 0x0E, 0x18, 0xFFFFFFFF])
def test_an_unknown_command(command: int) -> None:
    assert body_size(command) is None
    with pytest.raises(MessageError, match="no command"):
        parse_body(command, b"")


def test_all_commands_of_the_protocol_are_known() -> None:
    known = {command for command in range(0x20) if body_size(command) is not None}
    assert known == set(range(1, 0x18)) - {0x03, 0x0C, 0x0E}


@given(FIELDS["I"], FIELDS["I"])
def test_a_header(size: int, command: int) -> None:
    assert parse_header(struct.pack("II", size, command)) == Header(size, command)


def test_a_whole_request() -> None:
    value = Transmit(1, 2, 16, 3, 2, 16, 258)
    wire = struct.pack("IIiIIIIIII", 32, 9, 1, 2, 16, 3, 2, 16, 258, 0) + b"APD"
    assert build_request(Request.TRANSMIT, value, b"APD") == wire
    assert build_request(Request.READERS) == struct.pack("II", 0, 0x12)


# --- names, buffers and records --------------------------------------------------------------


@given(st.binary(min_size=128, max_size=128))
def test_any_bytes_are_a_name(raw: bytes) -> None:
    """The name ends at the first zero, or before the last byte; what follows is forgotten."""
    value = layout_of(Connect).parse(bytes(4) + raw + bytes(20))
    told = raw[:127].split(b"\0")[0]
    assert value.reader.encode("utf-8", "surrogateescape") == told
    assert build_body(value) == bytes(4) + told.ljust(128, b"\0") + bytes(20)


def test_a_name_with_bytes_behind_its_end() -> None:
    raw = bytes(4) + b"reader\0leftover".ljust(128, b"x") + bytes(20)
    assert layout_of(Connect).parse(raw).reader == "reader"


@pytest.mark.parametrize("name", ["a" * 127, "й" * 63 + "a", "汉" * 42])
def test_the_longest_names(name: str) -> None:
    value = Connect(0, name, 2, 3)
    assert layout_of(Connect).parse(build_body(value)) == value


@pytest.mark.parametrize("name", ["a" * 128, "й" * 64, "a\0b", "\0", "\ud800"])
def test_a_name_that_cannot_be_written(name: str) -> None:
    with pytest.raises(MessageError, match="reader's name"):
        build_body(Connect(0, name, 2, 3))
    with pytest.raises(MessageError, match="reader's name"):
        build_body(ReaderRecord(name))


def test_a_shorter_attribute_is_filled_up() -> None:
    raw = build_body(Attribute(1, 2, b"ATR", 3))
    assert layout_of(Attribute).parse(raw).data == b"ATR".ljust(MAX_ATTRIBUTE, b"\0")


def test_an_attribute_too_long_for_its_buffer() -> None:
    with pytest.raises(MessageError, match="265 bytes do not fit a buffer of 264"):
        build_body(Attribute(1, 2, bytes(265), 265))


@given(records)
def test_a_record_is_laid_out_as_in_c(record: ReaderRecord) -> None:
    name, events, state, sharing, atr, protocol = record
    row = (name.encode(), events, state, sharing, atr, len(atr), protocol)
    raw = struct.pack(RECORD_IN_C, *row)
    assert build_body(record) == raw
    assert parse_record(raw) == record
    assert len(raw) == RECORD_SIZE == 184


@given(st.binary(min_size=RECORD_SIZE, max_size=RECORD_SIZE), st.integers(0, MAX_ATR + 1))
def test_any_bytes_are_a_record(raw: bytes, length: int) -> None:
    """What is built again means the same, with zeros where nothing is meant."""
    raw = raw[:176] + struct.pack("I", length) + raw[180:]
    record = parse_record(raw)
    assert parse_record(build_body(record)) == record


def test_the_empty_record() -> None:
    assert build_body(ReaderRecord()) == EMPTY_RECORD == bytes(184)


def test_a_reader_that_pcscd_has_not_looked_at() -> None:
    raw = struct.pack(RECORD_IN_C, b"reader", 0, 0, 0, b"", 34, 0)
    assert parse_record(raw).atr == b""


def test_an_answer_to_reset_that_is_too_long() -> None:
    with pytest.raises(MessageError, match="35 bytes"):
        parse_record(struct.pack(RECORD_IN_C, b"reader", 0, 0, 0, b"", 35, 0))
    with pytest.raises(MessageError, match="34 bytes do not fit"):
        build_body(ReaderRecord("reader", atr=bytes(34)))
    with pytest.raises(MessageError, match="a number does not fit"):
        build_body(ReaderRecord("reader", events=-1))


# --- numbers -------------------------------------------------------------------------------

THEIRS = {
    codes.Rv: ("SCARD_S_", "SCARD_E_", "SCARD_W_", "SCARD_F_"),
    codes.Share: ("SCARD_SHARE_",),
    codes.Protocol: ("SCARD_PROTOCOL_",),
    codes.Attribute: ("SCARD_ATTR_",),
}


@pytest.mark.parametrize(
    "ours",
    [code for kind in THEIRS for code in kind if code is not codes.Protocol.ANY_OLD],
    ids=lambda code: f"{type(code).__name__}-{code.name}",
)
def test_a_number_is_that_of_the_library(ours: Any) -> None:
    theirs = [getattr(scard, prefix + ours.name, None) for prefix in THEIRS[type(ours)]]
    assert [number for number in theirs if number is not None] == [ours]


def test_numbers_with_other_names() -> None:
    for disposition in codes.Disposition:
        assert getattr(scard, f"SCARD_{disposition.name}_CARD") == disposition
    assert scard.SCARD_CTL_CODE(3400) == codes.GET_FEATURE_REQUEST
