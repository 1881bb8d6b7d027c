"""Each layer around `transmit` by itself, with a card that plays a part."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apdu.command import Command, build_command, parse_command
from host.errors import AnswerError
from host.exchange import chained, continued, undivided


class Scripted:
    """Answers one after another; keeps what it was sent."""

    def __init__(self, *answers: str) -> None:
        self._answers = [bytes.fromhex(answer) for answer in answers]
        self.sent: list[str] = []

    def __call__(self, command: bytes) -> bytes:
        self.sent.append(command.hex().upper())
        return self._answers.pop(0)


@pytest.mark.parametrize(
    ("command", "alone"),
    [
        ("00200001", False),
        ("0020000108313233343536FFFF", False),
        ("0084000008", False),
        ("00820000 02 AABB 08", False),
        ("00200001 01 00", False),
        ("0084000000", True),
        ("002A9E9A 01 AA 00", True),
        ("002A9080 000001 AA", True),
        ("002A9080 000001 AA 0000", True),
        ("00840000 000000", True),
    ],
)
def test_others_are_kept_out_where_several_apdus_may_be_needed(command: str, alone: bool) -> None:
    happened: list[str] = []

    @contextmanager
    def transaction() -> Iterator[None]:
        happened.append("begin")
        yield
        happened.append("end")

    def transmit(_command: bytes) -> bytes:
        happened.append("command")
        return b"\x90\x00"

    undivided(transmit, transaction)(bytes.fromhex(command))
    assert happened == (["begin", "command", "end"] if alone else ["command"])


def test_a_plain_answer_passes() -> None:
    card = Scripted("01029000")
    assert continued(card)(b"\x00\xca\x00\x00\x00").hex() == "01029000"
    assert len(card.sent) == 1


def test_the_rest_of_an_answer_is_fetched() -> None:
    card = Scripted("AA6102", "BB6101", "CC9000")
    assert continued(card)(b"\x00\xca\x00\x00\x00").hex().upper() == "AABBCC9000"
    assert card.sent == ["00CA000000", "00C0000002", "00C0000001"]


def test_an_error_at_the_end_keeps_its_status_word() -> None:
    assert continued(Scripted("AA6102", "6F00"))(b"\x00\xca\x00\x00\x00").hex() == "aa6f00"


@pytest.mark.parametrize(
    ("command", "again"),
    [
        ("00CA01A000", "00CA01A014"),
        ("00CA01A0", "00CA01A014"),
        ("00CB3FFF015500", "00CB3FFF015514"),
        ("00CB3FFF0155", "00CB3FFF015514"),
    ],
)
def test_a_wrong_le_is_corrected_once(command: str, again: str) -> None:
    card = Scripted("6C14", "6C15")
    assert continued(card)(bytes.fromhex(command)).hex() == "6c15"
    assert card.sent == [command, again]


def test_6c00_means_256() -> None:
    card = Scripted("6C00", "9000")
    continued(card)(bytes.fromhex("00CA01A005"))
    assert card.sent[1] == "00CA01A000"


def test_more_after_a_corrected_le() -> None:
    assert continued(Scripted("6C01", "AA6101", "BB9000"))(b"\0\xca\0\0\x05").hex() == "aabb9000"


def test_an_answer_without_end_is_an_error() -> None:
    with pytest.raises(AnswerError):
        continued(Scripted("AA6101", "6101"))(b"\x00\xca\x00\x00\x00")
    with pytest.raises(AnswerError):
        continued(lambda _: bytes(256) + b"\x61\x00")(b"\x00\xca\x00\x00\x00")


def test_short_commands_are_not_touched() -> None:
    for command in ("00200001", "0084000008", "00A4040C0155", "00A404000155FF"):
        card = Scripted("9000")
        chained(card)(bytes.fromhex(command))
        assert card.sent == [command]


def test_a_refused_piece_ends_the_chain() -> None:
    card = Scripted("9000", "6884", "9000")
    whole = build_command(Command(0, 0x2A, 0x9E, 0x9A, bytes(600), 256, extended=True))
    assert chained(card)(whole).hex() == "6884"
    assert len(card.sent) == 2


def test_an_extended_command_without_data_becomes_short() -> None:
    card = Scripted("9000")
    chained(card)(bytes.fromhex("00840000000400"))
    assert card.sent == ["0084000000"]


@given(st.binary(min_size=1, max_size=1200), st.integers(0, 65536))
def test_the_pieces_are_the_whole(data: bytes, le: int) -> None:
    seen: list[Command] = []

    def card(command: bytes) -> bytes:
        seen.append(parse_command(command))
        return b"\x90\x00"

    chained(card)(build_command(Command(0x00, 0x2A, 0x90, 0x80, data, le, extended=True)))
    assert b"".join(piece.data for piece in seen) == data
    assert [piece.chained for piece in seen] == [True] * (len(seen) - 1) + [False]
    assert all(not piece.extended and piece[1:4] == (0x2A, 0x90, 0x80) for piece in seen)
    assert [piece.le for piece in seen] == [0] * (len(seen) - 1) + [min(le, 256)]
