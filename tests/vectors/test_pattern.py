"""The language of commands and answers: what is built matches, and what was changed does not."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vectors.errors import MismatchError, PatternError
from vectors.match import match
from vectors.pattern import (
    DEEPEST,
    MOST_BYTES,
    AnyBytes,
    Capture,
    Group,
    Items,
    Literal,
    Rest,
    Use,
    ber_length,
    fill,
    parse_command,
    parse_pattern,
    parse_status,
)


@pytest.mark.parametrize(
    ("text", "values", "built"),
    [
        ("00A4 04 00", {}, "00a40400"),
        ("00*3 FF*2", {}, "000000ffff"),
        ("{a}{b}{a}", {"a": b"\x01", "b": b"\x02\x03"}, "01020301"),
        ("[ 01 02 ]", {}, "020102"),
        ("[ ]", {}, "00"),
        ("[ 00*255 ] 00", {}, "ff" + "00" * 255 + "00"),
        ("[ 00*256 ]", {}, "000100" + "00" * 256),
        ("9E ( 00*127 )", {}, "9e7f" + "00" * 127),
        ("9E ( 00*128 )", {}, "9e8180" + "00" * 128),
        ("9E ( 00*256 )", {}, "9e820100" + "00" * 256),
        ("[ 30 ( 02 ( {a} ) ) ]", {"a": b"\x05"}, "05300302010 5".replace(" ", "")),
        ("( ( ( ) ) )", {}, "020100"),
    ],
)
def test_commands(text: str, values: dict[str, bytes], built: str) -> None:
    assert fill(parse_command(text), values).hex() == built


@pytest.mark.parametrize(
    ("text", "at", "reason"),
    [
        ("0", 0, "begins nothing"),
        ("00 zz", 3, "begins nothing"),
        ("0a", 0, "begins nothing"),
        ("00*0", 3, "begins nothing"),
        ("00*65537", 0, "more than 65536"),
        ("( 00", 0, "'(' is not closed"),
        ("00 )", 3, "')' closes nothing"),
        ("( 00 ]", 5, "']' closes nothing"),
        ("(" * (DEEPEST + 1), DEEPEST, "groups inside each other"),
        ("* 00", 2, "nothing can follow"),
        ("{a:*} 00", 6, "nothing can follow"),
        ("{A}", 0, "begins nothing"),
        ("{a:0}", 0, "begins nothing"),
        ("{a:99999}", 0, "more than 65536"),
        ("?", 0, "begins nothing"),
        ("\t00", 0, "begins nothing"),
    ],
)
def test_what_is_no_pattern(text: str, at: int, reason: str) -> None:
    with pytest.raises(PatternError) as caught:
        parse_pattern(text)
    assert reason in caught.value.reason
    assert caught.value.at == at


@pytest.mark.parametrize("text", ["", " ", "??", "*", "{a:1}", "00 [ ?? ]", "{not a}"])
def test_what_is_no_command(text: str) -> None:
    with pytest.raises(PatternError):
        parse_command(text)


@pytest.mark.parametrize(
    ("text", "data", "captured"),
    [
        ("", "", {}),
        ("6F00", "6f00", {}),
        ("??", "00", {}),
        ("??*3", "000102", {}),
        ("*", "", {}),
        ("6F *", "6f", {}),
        ("6F *", "6f010203", {}),
        ("{x:2} *", "0102", {"x": "0102"}),
        ("{x:1} {y:*}", "010203", {"x": "01", "y": "0203"}),
        ("{x:1} {x}", "0101", {"x": "01"}),
        ("{known}", "abcd", {}),
        ("{not known}", "abce", {}),
        ("{x:1} {not x}", "0102", {"x": "01"}),
        ("6F ( 84 ( {name:*} ) * )", "6f0684020102" + "a500", {"name": "0102"}),
        ("30 ( * )", "308103aabbcc", {}),
        ("30 ( * )", "3084000000" + "01aa", {}),
    ],
)
def test_answers_that_match(text: str, data: str, captured: dict[str, str]) -> None:
    found = match(parse_pattern(text), bytes.fromhex(data), {"known": b"\xab\xcd"})
    assert {name: value.hex() for name, value in found.items()} == captured


@pytest.mark.parametrize(
    ("text", "data", "offset", "reason"),
    [
        ("", "00", 0, "1 byte more than expected"),
        ("6F00", "6f01", 1, "01, expected 00"),
        ("6F00", "6f", 1, "ends, expected 00"),
        ("00 ??*3", "0001", 2, "ends 2 bytes too early"),
        ("{x:2}", "00", 1, "ends 1 byte too early"),
        ("{x:1} {x}", "0102", 1, "02, expected 01"),
        ("{known}", "abce", 1, "CE, expected CD"),
        ("00 {not known}", "00abcd", 1, "the same as 'known', expected something else"),
        ("{not known}", "ab", 1, "ends 1 byte too early"),
        ("{not known}", "abceef", 2, "1 byte more than expected"),
        ("30 ( 01 )", "3002" + "0102", 3, "1 byte more than expected inside an object"),
        ("30 ( 0102 )", "3001" + "0102", 3, "ends, expected 02"),
        ("30 ( * )", "300200", 3, "ends 1 byte too early"),
        ("30 ( * )", "3080" + "0000", 1, "80, expected a definite length"),
        ("30 ( * )", "3085" + "0000000000", 1, "85, expected a definite length"),
        ("30 ( * )", "30", 1, "ends, expected a length"),
        ("30 ( * )", "308201", 3, "ends 1 byte too early"),
        ("30 ( * )", "300000", 2, "1 byte more than expected"),
        ("30 ( ( ) )", "30020100", 3, "1 byte more than expected inside an object"),
    ],
)
def test_answers_that_do_not(text: str, data: str, offset: int, reason: str) -> None:
    with pytest.raises(MismatchError) as caught:
        match(parse_pattern(text), bytes.fromhex(data), {"known": b"\xab\xcd"})
    assert (caught.value.offset, caught.value.reason) == (offset, reason)


def test_status_words() -> None:
    assert 0x9000 in parse_status("9000") and 0x9001 not in parse_status("9000")
    tries = parse_status("63C0-63CF")
    assert 0x63C0 in tries and 0x63CF in tries and 0x63D0 not in tries and 0x63BF not in tries
    more = parse_status("61{more}")
    assert 0x6100 in more and 0x61FF in more and 0x6200 not in more and more.name == "more"
    assert [str(status) for status in (tries, more)] == ["63C0-63CF", "61{more}"]


@pytest.mark.parametrize("text", ["", "900", "90000", "9000-", "9001-9000", "61{}", "6{a}", "9o00"])
def test_what_is_no_status_word(text: str) -> None:
    with pytest.raises(PatternError):
        parse_status(text)


@given(st.text(alphabet="0123456789ABCDEF?*{}:[]() abx", max_size=30))
def test_any_text_is_parsed_or_refused(text: str) -> None:
    for parse in (parse_command, parse_pattern, parse_status):
        at = 0
        try:
            parse(text)
        except PatternError as error:
            at = error.at
        assert 0 <= at <= len(text)


# A tree of items whose bytes are known: from it, the text, the bytes and the captures.

NAMES = ("one", "two", "three")
ATOMS = st.one_of(
    st.binary(min_size=1, max_size=6).map(Literal),
    st.integers(1, 300).map(AnyBytes),
    st.sampled_from(["pin", "puk"]).map(Use),
)
TREES = st.recursive(
    st.lists(ATOMS, max_size=4).map(tuple),
    lambda inner: st.lists(ATOMS | inner.map(Group), max_size=4).map(tuple),
    max_leaves=6,
)
VALUES = {"pin": b"123456\xff\xff", "puk": b"12345678"}


def _text(items: Items) -> str:
    def one(item: object) -> str:
        match item:
            case Literal(value):
                return value.hex().upper()
            case AnyBytes(count):
                return f"??*{count}"
            case Use(name):
                return "{" + name + "}"
            case Capture(name, count):
                return "{" + f"{name}:{'*' if count is None else count}" + "}"
            case Group(inner):
                return "( " + _text(inner) + " )"
            case _:
                assert isinstance(item, Rest)
                return "*"

    return " ".join(one(item) for item in items)


def _bytes(items: Items) -> bytes:
    """An answer that the items match: what is free is filled with 5A."""
    return fill(_fixed(items), VALUES)


def _fixed(items: Items) -> Items:
    def one(item: object) -> Literal | Use | Group:
        match item:
            case AnyBytes(count):
                return Literal(b"\x5a" * count)
            case Group(inner):
                return Group(_fixed(inner))
            case Literal() | Use():
                return item
            case _:
                raise AssertionError(item)

    return tuple(one(item) for item in items)


@given(TREES)
def test_what_is_built_from_a_pattern_matches_it(items: Items) -> None:
    data = _bytes(items)
    assert match(parse_pattern(_text(items)), data, VALUES) == {}


@given(TREES, st.binary(min_size=1, max_size=3))
def test_more_bytes_do_not_match_unless_a_rest_takes_them(items: Items, more: bytes) -> None:
    data = _bytes(items) + more
    pattern = parse_pattern(_text(items))
    with pytest.raises(MismatchError) as caught:
        match(pattern, data, VALUES)
    assert caught.value.offset == len(data) - len(more)
    match((*pattern, Rest()), data, VALUES)
    assert match((*pattern, Capture("more", None)), data, VALUES) == {"more": more}


@given(TREES, st.data())
def test_a_shorter_answer_never_matches(items: Items, data: st.DataObject) -> None:
    whole = _bytes(items)
    cut = data.draw(st.integers(0, max(0, len(whole) - 1)))
    if cut < len(whole):
        with pytest.raises(MismatchError):
            match(parse_pattern(_text(items)), whole[:cut], VALUES)


@given(st.lists(st.binary(min_size=1, max_size=8), min_size=1, max_size=5), st.data())
def test_one_changed_byte_is_found_where_it_is(parts: list[bytes], data: st.DataObject) -> None:
    whole = b"".join(parts)
    at = data.draw(st.integers(0, len(whole) - 1))
    changed = bytearray(whole)
    changed[at] ^= data.draw(st.integers(1, 255))
    with pytest.raises(MismatchError) as caught:
        match(parse_pattern(whole.hex().upper()), bytes(changed), {})
    assert caught.value.offset == at


@given(st.binary(max_size=400), st.lists(st.integers(1, 50), max_size=4))
def test_captures_cut_the_answer_into_its_parts(data: bytes, counts: list[int]) -> None:
    counts = [count for count in counts if count <= len(data)]
    while sum(counts) > len(data):
        counts.pop()
    text = "".join(f"{{part-{index}:{count}}}" for index, count in enumerate(counts)) + "{rest:*}"
    captured = match(parse_pattern(text), data, {})
    assert b"".join(captured.values()) == data
    assert [len(value) for value in captured.values()][:-1] == counts
    again = re.sub(r":[0-9*]+", "", text)
    assert match(parse_pattern(again), data, captured) == {}
    if data:
        assert fill(parse_command(again), captured) == data


@given(st.binary(max_size=300))
def test_a_pattern_never_raises_anything_else_on_any_answer(data: bytes) -> None:
    for text in (
        "6F ( 84 ( {a:*} ) * )",
        "30 ( 02 ( * ) 02 ( * ) )",
        "7F21 ( 30 ( * ) )",
        "( * ) *",
    ):
        offset = 0
        try:
            match(parse_pattern(text), data, {})
        except MismatchError as error:
            offset = error.offset
        assert 0 <= offset <= len(data)


@given(st.integers(0, MOST_BYTES))
def test_ber_lengths_are_read_back(count: int) -> None:
    length = ber_length(count)
    pattern = parse_pattern("( {body:*} )")
    assert len(match(pattern, length + bytes(count), {})["body"]) == count
