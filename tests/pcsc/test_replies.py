"""What a service says is understood by who reads along, in every version and in any pieces."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ushield.reader.codes import Rv
from ushield.reader.messages import (
    EMPTY_RECORD,
    MAX_DATA,
    RECORDS,
    Connect,
    ControlCode,
    Events,
    Message,
    MessageError,
    ReaderCount,
    ReaderRecord,
    Replies,
    Reply,
    Request,
    Transmit,
    Version,
    Wait,
    build_body,
    build_record,
)

RECORD = ReaderRecord("ushield 00 00", 3, 4, 1, bytes.fromhex("3B80800101"), 2)
ALL = build_record(RECORD) + EMPTY_RECORD * (RECORDS - 1)
SIGNAL = build_body(Wait())


def version(minor: int) -> tuple[Message, bytes, Reply]:
    asked = Message(Request.VERSION, Version(4, minor))
    return asked, build_body(Version(4, minor)), Reply(asked, Version(4, minor))


def plain(
    command: Request, sent: object, received: object, data: bytes = b""
) -> tuple[Message, bytes, Reply]:
    asked = Message(command, sent, b"command" if data else b"")  # type: ignore[arg-type]
    return asked, build_body(received) + data, Reply(asked, received, data=data)  # type: ignore[arg-type]


TRANSMIT = Transmit(7, 2, 16, 7, 2, 16, MAX_DATA)
CONVERSATION = [
    plain(Request.CONNECT, Connect(1, "r", 2, 3), Connect(1, "r", 2, 3, 7, 2)),
    plain(Request.TRANSMIT, TRANSMIT, TRANSMIT._replace(room=2), b"\x90\x00"),
    plain(Request.TRANSMIT, TRANSMIT, TRANSMIT._replace(rv=int(Rv.REMOVED_CARD))),
    plain(Request.CONTROL, ControlCode(7, 1, 0, 9), ControlCode(7, 1, 0, 9, 3), b"abc"),
    plain(Request.CONTROL, ControlCode(7, 1, 0, 9), ControlCode(7, 1, 0, 9, 3, 0x8010001F)),
]


@given(order=st.lists(st.sampled_from(CONVERSATION), max_size=6), draw=st.data())
def test_answers_survive_any_cut_and_any_glue(
    order: list[tuple[Message, bytes, Reply]], draw: st.DataObject
) -> None:
    replies, heard = Replies(), []
    for asked, _, _ in order:
        replies.expect(asked)
    wire = b"".join(answer for _, answer, _ in order)
    while wire:
        size = draw.draw(st.integers(1, len(wire)))
        replies.feed(wire[:size])
        wire = wire[size:]
        while (reply := replies.next()) is not None:
            heard.append(reply)
    assert heard == [reply for _, _, reply in order]


def after_version(minor: int) -> Replies:
    replies = Replies()
    asked, answer, reply = version(minor)
    replies.expect(asked)
    replies.feed(answer)
    assert replies.next() == reply
    return replies


@pytest.mark.parametrize("minor", [4, 5])
def test_a_wait_with_records_and_then_an_event(minor: int) -> None:
    replies = after_version(minor)
    wait = Message(Request.WAIT, None)
    replies.expect(wait)
    replies.feed(ALL + SIGNAL)
    assert replies.next() == Reply(wait, records=(RECORD,))
    assert replies.next() == Reply(None, Wait())
    assert replies.next() is None


@pytest.mark.parametrize("minor", [3, 6])
def test_a_wait_without_records_that_is_stopped(minor: int) -> None:
    replies = after_version(minor)
    replies.expect(Message(Request.WAIT, None))
    assert replies.next() is None
    replies.expect(Message(Request.STOP_WAITING, None))
    replies.feed(SIGNAL)
    assert replies.next() == Reply(None, Wait())


def test_the_newest_clients_ask_for_the_records_before_the_event_comes() -> None:
    replies = after_version(6)
    for command in (Request.WAIT, Request.READER_COUNT, Request.READER_ARRAY):
        replies.expect(Message(command, None))
    replies.feed(build_body(ReaderCount(1)) + build_record(RECORD) + SIGNAL)
    heard = [replies.next() for _ in range(3)]
    assert [reply and reply.body for reply in heard] == [ReaderCount(1), None, Wait()]
    assert heard[1] is not None
    assert heard[1].records == (RECORD,)


def test_a_number_of_events() -> None:
    replies = after_version(5)
    asked = Message(Request.EVENTS, None)
    replies.expect(asked)
    replies.feed(build_body(Events(2)))
    assert replies.next() == Reply(asked, Events(2))


def test_a_stop_without_a_wait_has_no_answer() -> None:
    replies = after_version(4)
    replies.expect(Message(Request.STOP_WAITING, None))
    assert replies.next() is None


@pytest.mark.parametrize(
    ("asked", "answer"),
    [
        (None, b"x"),
        (Message(Request.READER_COUNT, None), build_body(ReaderCount(17))),
        (Message(Request.TRANSMIT, TRANSMIT), build_body(TRANSMIT._replace(room=MAX_DATA + 1))),
    ],
)
def test_what_no_service_says(asked: Message | None, answer: bytes) -> None:
    replies = Replies()
    if asked is not None:
        replies.expect(asked)
    replies.feed(answer)
    with pytest.raises(MessageError):
        replies.next()
