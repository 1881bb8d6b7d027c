"""Requests out of a stream: the same whatever its pieces, and nothing but requests."""

from __future__ import annotations

import struct
import tracemalloc
from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ushield.reader.messages import (
    MAX_ATTRIBUTE,
    MAX_DATA,
    Attribute,
    Begin,
    Body,
    Connect,
    ControlCode,
    Establish,
    Inbox,
    Message,
    MessageError,
    Request,
    Transmit,
    Version,
    Wait,
    body_size,
    build_request,
)

APDU = bytes.fromhex("00A4040007A0000000031010")


def transmit(data: bytes) -> Message:
    return Message(Request.TRANSMIT, Transmit(1, 2, 16, len(data), 3, 16, MAX_DATA), data)


def control(data: bytes) -> Message:
    return Message(Request.CONTROL, ControlCode(1, 0x42000D48, len(data), 264), data)


numbers = st.integers(0, 2**31 - 1)
data = st.binary(max_size=300)
requests = st.one_of(
    st.builds(lambda *two: Message(Request.VERSION, Version(*two)), numbers, numbers),
    st.builds(lambda scope: Message(Request.ESTABLISH, Establish(scope)), numbers),
    st.builds(lambda card: Message(Request.BEGIN, Begin(card)), numbers),
    st.builds(lambda card: Message(Request.CONNECT, Connect(1, "ушилд", 2, 3, card)), numbers),
    st.builds(
        lambda length: Message(Request.GET_ATTRIBUTE, Attribute(1, 2, bytes(264), length)),
        st.integers(0, MAX_ATTRIBUTE),
    ),
    st.sampled_from(
        [
            Message(Request.READERS, None),
            Message(Request.WAIT, None),
            Message(Request.WAIT, Wait(500)),
            Message(Request.STOP_WAITING, Wait()),
        ]
    ),
    st.builds(transmit, data),
    st.builds(control, data),
)


def on_the_wire(messages: Iterable[Message]) -> bytes:
    return b"".join(build_request(*message) for message in messages)


def read(pieces: Iterable[bytes]) -> tuple[list[Message], str]:
    """All that comes out, and the fault that ended it."""
    inbox = Inbox()
    messages = []
    try:
        for piece in pieces:
            inbox.feed(piece)
            while message := inbox.next():
                messages.append(message)
            assert len(inbox._held) < 8 + 32 + MAX_DATA
    except MessageError as error:
        return messages, str(error)
    return messages, ""


def cut(wire: bytes, draw: st.DataObject) -> list[bytes]:
    cuts = sorted(draw.draw(st.lists(st.integers(0, len(wire)), max_size=20)))
    return [wire[begin:end] for begin, end in zip([0, *cuts], [*cuts, len(wire)], strict=True)]


def header(size: int, command: int) -> bytes:
    return struct.pack("II", size, command)


@given(st.lists(requests, max_size=8), st.data())
def test_messages_survive_any_cut_and_any_glue(sent: list[Message], draw: st.DataObject) -> None:
    assert read(cut(on_the_wire(sent), draw)) == (sent, "")


@given(requests)
def test_a_message_comes_with_its_last_byte_and_not_before(sent: Message) -> None:
    inbox = Inbox()
    *before, last = on_the_wire([sent])
    for byte in before:
        inbox.feed(bytes((byte,)))
        assert inbox.next() is None
    inbox.feed(bytes((last,)))
    assert inbox.next() == sent
    assert inbox.next() is None


known = st.sampled_from(list(Request)).map(lambda one: header(body_size(one) or 0, one))
"""Headers that begin a request, so that random bytes get further than the first eight."""


@given(st.lists(known | st.binary(max_size=60), max_size=20).map(b"".join), st.data())
def test_any_bytes_mean_the_same_however_they_are_cut(wire: bytes, draw: st.DataObject) -> None:
    whole = read([wire])
    assert read(cut(wire, draw)) == whole
    assert read(bytes((byte,)) for byte in wire) == whole


# --- faults are seen at once, and are for good ---------------------------------------------


@pytest.mark.parametrize(
    ("wire", "why"),
    [
        pytest.param(header(0, 0), "no command", id="command 0"),
        pytest.param(header(0, 0x18), "no command", id="command after the last"),
        pytest.param(header(8, 0x03), "no command", id="command without meaning"),
        pytest.param(header(0, 2**32 - 1), "no command", id="greatest command"),
        pytest.param(header(2**32 - 1, 0x09), "32 bytes, not 4294967295", id="4 GiB"),
        pytest.param(header(31, 0x09), "32 bytes, not 31", id="too short"),
        pytest.param(header(0, 0x09), "32 bytes, not 0", id="nothing"),
        pytest.param(header(1, 0x12), "0 bytes, not 1", id="more than nothing"),
        pytest.param(header(9, 0x13), "8 bytes, not 9", id="longer than an old wait"),
    ],
)
def test_a_header_that_begins_no_request(wire: bytes, why: str) -> None:
    inbox = Inbox()
    inbox.feed(wire)
    for _ in range(2):
        with pytest.raises(MessageError, match=why):
            inbox.next()
        inbox.feed(on_the_wire([transmit(APDU)]))


@pytest.mark.parametrize("size", [MAX_DATA + 1, 2**31, 2**32 - 1])
def test_data_that_are_too_long_are_refused_before_they_come(size: int) -> None:
    long_transmit = Transmit(1, 2, 16, size, 3, 16, MAX_DATA)
    long_control = ControlCode(1, 0x42000D48, size, 264)
    both: list[tuple[Request, Body]] = [
        (Request.TRANSMIT, long_transmit),
        (Request.CONTROL, long_control),
    ]
    for command, body in both:
        assert read([build_request(command, body)]) == (
            [],
            f"{size} bytes of data are over {MAX_DATA}",
        )


@pytest.mark.parametrize("command", [Request.GET_ATTRIBUTE, Request.SET_ATTRIBUTE])
def test_an_attribute_longer_than_its_buffer(command: Request) -> None:
    wire = build_request(command, Attribute(1, 2, b"", MAX_ATTRIBUTE + 1))
    assert read([wire]) == ([], "an attribute of 265 bytes is over 264")


def test_the_longest_data_pass() -> None:
    assert MAX_DATA == 65548
    for sent in (transmit(bytes(MAX_DATA)), control(bytes(MAX_DATA)), transmit(b"")):
        assert read([on_the_wire([sent])]) == ([sent], "")


def test_messages_before_a_fault_are_read() -> None:
    sent = [transmit(APDU), Message(Request.READERS, None)]
    messages, fault = read([on_the_wire(sent) + header(0, 0)])
    assert messages == sent
    assert fault


# --- what is held, and what is shown -------------------------------------------------------


def test_memory_stays_flat() -> None:
    """A thousand of the longest messages, in pieces that never end where a message does."""
    wire = on_the_wire([transmit(bytes(MAX_DATA))])
    inbox = Inbox()
    tracemalloc.start()
    try:
        for _ in range(1000):
            for piece in (wire[:5000], wire[5000:50_000], wire[50_000:]):
                inbox.feed(piece)
                inbox.next()
        now, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most < 8 * len(wire)
    assert now < len(wire)


def test_many_small_messages_in_one_piece() -> None:
    sent = [Message(Request.READERS, None)] * 10_000
    assert read([on_the_wire(sent)]) == (sent, "")


def test_data_are_not_shown() -> None:
    shown = repr(transmit(b"\0\x20\0\1\x08123456"))
    assert "123456" not in shown
    assert "TRANSMIT" in shown
    assert "11 bytes of data" in shown
