"""The length in front of each message, whatever TCP does to the borders."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ushield.reader.frames import LONGEST, Frames, build_frame

messages = st.lists(st.binary(max_size=300), max_size=8)


@given(messages, st.data())
def test_messages_survive_any_cut_and_any_glue(sent: list[bytes], data: st.DataObject) -> None:
    wire = b"".join(map(build_frame, sent))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(wire)), max_size=20)))
    frames = Frames()
    received = [
        message
        for begin, end in zip([0, *cuts], [*cuts, len(wire)], strict=True)
        for message in frames.feed(wire[begin:end])
    ]
    assert received == sent


@given(messages)
def test_a_message_comes_with_its_last_byte_and_not_before(sent: list[bytes]) -> None:
    frames = Frames()
    for message in sent:
        *before, last = build_frame(message)
        assert all(not frames.feed(bytes((byte,))) for byte in before)
        assert frames.feed(bytes((last,))) == [message]


@given(st.binary(max_size=2000))
def test_any_bytes_are_messages_and_a_rest(wire: bytes) -> None:
    whole = b"".join(map(build_frame, Frames().feed(wire)))
    assert wire.startswith(whole)
    rest = wire[len(whole) :]
    assert len(rest) < 2 or len(rest) < 2 + int.from_bytes(rest[:2], "big")


def test_the_longest_message_passes() -> None:
    message = bytes(LONGEST)
    assert Frames().feed(build_frame(message)) == [message]


def test_a_longer_message_is_refused() -> None:
    with pytest.raises(ValueError, match="65536 bytes"):
        build_frame(bytes(LONGEST + 1))
