"""Response APDUs, status words and the names of commands."""

from __future__ import annotations

import pytest

from apdu.command import Command
from apdu.errors import ResponseError
from apdu.instruction import INS, name_of
from apdu.response import Response, build_response, parse_response
from apdu.status import SW, bytes_left, describe, exact_length, tries_left
from tests.apdu.samples import check_refused, check_sample


@pytest.mark.parametrize(
    ("text", "response"),
    [
        ("9000", Response(b"", 0x9000)),
        ("63C5", Response(b"", 0x63C5)),
        ("0102030405060708 9000", Response(bytes(range(1, 9)), SW.OK)),
        ("90006A82", Response(b"\x90\x00", SW.NOT_FOUND)),
    ],
)
def test_responses(text: str, response: Response) -> None:
    check_sample(parse_response, build_response, text, response)
    assert response.ok == (response.sw == 0x9000)


@pytest.mark.parametrize(("text", "offset"), [("", 0), ("90", 1)])
def test_too_short_for_a_status_word(text: str, offset: int) -> None:
    check_refused(parse_response, ResponseError, text, offset)


@pytest.mark.parametrize("sw", [-1, 0x10000])
def test_no_status_word(sw: int) -> None:
    with pytest.raises(ResponseError) as caught:
        build_response(Response(b"abc", sw))
    assert caught.value.offset == 3


def test_the_answer_is_not_in_the_repr() -> None:
    assert repr(Response(b"plain text", 0x9000)) == "<Response 10 bytes of data, SW 9000>"


def test_status_words_with_a_number() -> None:
    assert [bytes_left(n) for n in (1, 255, 256, 5000)] == [0x6101, 0x61FF, 0x6100, 0x6100]
    assert [tries_left(n) for n in (0, 6, 15, 99)] == [0x63C0, 0x63C6, 0x63CF, 0x63CF]
    assert [exact_length(n) for n in (1, 20, 255, 256)] == [0x6C01, 0x6C14, 0x6CFF, 0x6C00]


@pytest.mark.parametrize(
    ("sw", "words"),
    [
        (0x9000, "no error"),
        (0x6A82, "file or application not found"),
        (0x6983, "authentication method blocked"),
        (0x6110, "16 bytes of the answer are left"),
        (0x6100, "256 bytes of the answer are left"),
        (0x6C14, "wrong Le, the answer has 20 bytes"),
        (0x63C1, "verification failed, 1 try left"),
        (0x63C0, "verification failed, 0 tries left"),
        (0x63C6, "verification failed, 6 tries left"),
        (0x6300, "verification failed"),
        (0x6282, "warning, nothing was changed"),
        (0x6381, "warning, something was changed"),
        (0x69FF, "command not allowed"),
        (0x1234, "unknown status"),
    ],
)
def test_status_words_in_words(sw: int, words: str) -> None:
    assert describe(sw) == words


def test_every_number_has_words() -> None:
    assert all(describe(sw) for sw in range(0x10000))
    assert len({describe(sw) for sw in SW}) == len(SW)


@pytest.mark.parametrize(
    ("header", "name"),
    [
        ("00A40400", "SELECT"),
        ("00200001", "VERIFY"),
        ("00CB3FFF", "GET DATA"),
        ("002A9E9A", "PSO SIGN"),
        ("002A00A8", "PSO VERIFY SIGNATURE"),
        ("002A1234", "PERFORM SECURITY OPERATION"),
        ("002241B6", "MANAGE SECURITY ENVIRONMENT"),
        ("00B20104", "READ RECORD"),
        ("0087079A", "GENERAL AUTHENTICATE"),
        ("80990000", "INS 99"),
    ],
)
def test_names_of_commands(header: str, name: str) -> None:
    assert name_of(Command(*bytes.fromhex(header))) == name


def test_every_instruction_has_a_name() -> None:
    names = [name_of(Command(0, instruction, 0, 0)) for instruction in INS]
    assert all("_" not in name and "INS" not in name for name in names)
