"""What may be seen of PIV, of stored data and of signatures; and that nothing else ever is."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from hypothesis import given
from hypothesis import strategies as st

from apdu.command import Command, build_command
from apdu.piv import (
    DataObject,
    DynamicAuthentication,
    build_dynamic_authentication,
    build_object,
    build_object_request,
)
from apdu.pivnames import OBJECT_NAMES, PIN_PROTECTED
from host.trace import Redactor, TraceRecord
from tests.trace.dialogues import records_of

OURS = bytes.fromhex("3B8B8131FE458073F821C0654F734549447B")
READ, CONTENT = "00B0000010", "AABBCC9000"
FREE = "6F138002001082010183025031860300FFFF8A0105"
GUARDED = "6F138002001082010183025031860310FFFF8A0105"
RIGHT_PIN = ("0020000108313233343536FFFF", "9000")


def shown(record: TraceRecord) -> bool:
    return record.data is not None


def last_answer(*exchanges: tuple[str, str], atr: bytes | None = OURS) -> TraceRecord:
    return records_of(*exchanges, atr=atr)[-1][1]


# --- what the card stores -----------------------------------------------------------------------


def test_what_comes_before_a_pin_is_for_anybody() -> None:
    assert shown(last_answer((READ, CONTENT)))
    assert shown(last_answer(("00200001", "63C6"), (READ, CONTENT))), "asking opens nothing"
    assert shown(last_answer(("00200001", "9000"), (READ, CONTENT)))
    wrong = ("0020000108303030303030FFFF", "63C5")
    assert shown(last_answer(wrong, (READ, CONTENT))), "a wrong PIN opens nothing"
    assert not shown(last_answer((READ, CONTENT), atr=None)), "nobody knows what went before"


@pytest.mark.parametrize(
    "opening",
    [
        RIGHT_PIN,
        ("00820000083132333435363738", "9000"),
        ("0087039B0A7C088208AABBCCDDEEFF0011", "9000"),
        ("8020000104AABBCCDD", "9000"),
        ("80CA0000", "9000"),
        ("00FF000001AA", "9000"),
        ("0CB00000", "9000"),
        ("10DA018302AABB", "9000"),
        ("00840000000010", "61AA"),
    ],
)
def test_what_comes_after_something_that_may_open(opening: tuple[str, str]) -> None:
    is_harmless = opening[0].startswith("0084")
    assert shown(last_answer(opening, (READ, CONTENT))) is is_harmless


def test_after_a_pin_only_files_that_everybody_may_read() -> None:
    select = "00A40800045015503100"
    assert shown(last_answer(RIGHT_PIN, (select, FREE + "9000"), (READ, CONTENT)))
    assert not shown(last_answer(RIGHT_PIN, (select, GUARDED + "9000"), (READ, CONTENT)))
    there = (select, FREE + "9000")
    assert not shown(last_answer(RIGHT_PIN, there, ("00A4080C0450154D01", "9000"), (READ, CONTENT)))
    assert not shown(last_answer(RIGHT_PIN, there, ("00E000000462020000", "9000"), (READ, CONTENT)))
    assert not shown(last_answer(RIGHT_PIN, there, ("00B0810010", CONTENT))), "another file"
    assert not shown(last_answer(RIGHT_PIN, there, (READ, CONTENT), atr=b"\x3b\x00")), (
        "the rules of an unknown card may mean something else"
    )
    pieces = (select, "6117"), ("00C0000015", FREE + "9000")
    assert shown(last_answer(RIGHT_PIN, *pieces, (READ, CONTENT)))


def test_a_reset_makes_it_as_in_the_beginning() -> None:
    redactor = Redactor()
    redactor.started(OURS)
    for begun_anew in (False, True):
        if begun_anew:
            redactor.started(OURS)
        else:
            redactor.command(bytes.fromhex(RIGHT_PIN[0]))
            redactor.answer(bytes.fromhex(RIGHT_PIN[1]))
        redactor.command(bytes.fromhex(READ))
        assert shown(redactor.answer(bytes.fromhex(CONTENT))) is begun_anew


# --- PIV ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("tag", sorted(OBJECT_NAMES))
def test_objects_of_piv(tag: int) -> None:
    request = build_command(Command(0, 0xCB, 0x3F, 0xFF, build_object_request(tag), 256)).hex()
    there, back = records_of((request, "5302AABB9000"), atr=None)[0]
    assert shown(there)
    assert shown(back) is (tag not in PIN_PROTECTED)
    assert shown(records_of((request, "5302AABB9000"))[0][1]) is (tag not in PIN_PROTECTED)
    given = build_object(DataObject(tag, b"content"))
    put = build_command(Command(0, 0xDB, 0x3F, 0xFF, given)).hex()
    assert shown(records_of((put, "9000"))[0][0]) is (tag not in PIN_PROTECTED)


def test_an_unknown_object_only_before_a_pin() -> None:
    request = "00CB3FFF055C035FFF0000"
    assert shown(last_answer((request, "5302AABB9000")))
    assert not shown(last_answer(RIGHT_PIN, (request, "5302AABB9000")))


def authenticate(algorithm: int, key: int, template: DynamicAuthentication) -> str:
    data = build_dynamic_authentication(template)
    long = len(data) > 255
    return build_command(Command(0, 0x87, algorithm, key, data, 256, long)).hex()


def both_shown(command: str) -> tuple[bool, bool]:
    there, back = records_of((command, "AABB9000"))[0]
    return shown(there), shown(back)


def block(key: rsa.RSAPrivateKey, pad: padding.AsymmetricPadding) -> bytes:
    """What a host hands a chip to sign."""
    signature = key.sign(b"message", pad, hashes.SHA256())
    numbers = key.public_key().public_numbers()
    number = pow(int.from_bytes(signature, "big"), numbers.e, numbers.n)
    return number.to_bytes(key.key_size // 8, "big")


KEY = rsa.generate_private_key(65537, 2048)
PKCS1 = block(KEY, padding.PKCS1v15())
PSS = block(KEY, padding.PSS(padding.MGF1(hashes.SHA256()), 32))
CRYPTOGRAM = KEY.public_key().encrypt(b"secret", padding.PKCS1v15())


@pytest.mark.parametrize("sign", [PKCS1, PSS])
def test_signatures_of_piv(sign: bytes) -> None:
    template = DynamicAuthentication(challenge=sign, response=b"")
    assert both_shown(authenticate(0x07, 0x9A, template)) == (True, True)
    assert both_shown(authenticate(0x07, 0x9B, template)) == (False, False), "the management key"


def test_other_uses_of_piv_keys() -> None:
    digest = DynamicAuthentication(challenge=bytes(32), response=b"")
    assert both_shown(authenticate(0x11, 0x9C, digest)) == (True, True)
    assert both_shown(authenticate(0x07, 0x9C, digest)) == (False, False)
    secret = DynamicAuthentication(challenge=CRYPTOGRAM, response=b"")
    assert both_shown(authenticate(0x07, 0x9D, secret)) == (False, False)
    agree = DynamicAuthentication(point=b"\x04" + bytes(64), response=b"")
    assert both_shown(authenticate(0x11, 0x9D, agree)) == (True, False)
    for template in (
        DynamicAuthentication(witness=b""),
        DynamicAuthentication(witness=bytes(8), challenge=bytes(8)),
        DynamicAuthentication(challenge=b"", response=None),
    ):
        assert both_shown(authenticate(0x03, 0x9B, template)) == (False, False)


@pytest.mark.parametrize("command", ["00FD000000", "00F7009A00", "00F8000000"])
def test_what_yubicos_commands_tell_only_in_piv(command: str) -> None:
    selected = ("00A4040005A00000030800", "61004F9000")
    assert shown(last_answer(selected, (command, "0403079000")))
    assert not shown(last_answer((command, "0403079000")))


# --- signatures in a chain ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("whole", "seen"), [(PKCS1, True), (PSS, True), (CRYPTOGRAM, False)], ids=["1", "PSS", "secret"]
)
def test_the_answer_to_a_chain_is_judged_by_the_whole(whole: bytes, seen: bool) -> None:
    first = build_command(Command(0x10, 0x2A, 0x9E, 0x9A, whole[:255])).hex()
    last = build_command(Command(0, 0x2A, 0x9E, 0x9A, whole[255:], 256)).hex()
    (one, _), (two, back) = records_of((first, "9000"), (last, "AABB9000"))
    assert not shown(one) and not shown(two)
    assert shown(back) is seen


def test_a_broken_chain_hides_what_comes_next() -> None:
    first = build_command(Command(0x10, 0x2A, 0x9E, 0x9A, CRYPTOGRAM[:255])).hex()
    select = "00A4040005A00000030800"
    assert not shown(last_answer((first, "9000"), (select, "61009000")))


# --- and never ----------------------------------------------------------------------------------

_NEVER = ("20", "21", "24", "2C", "26", "28", "82")


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["00", "10", "0C", "80", "A0"]),
            st.sampled_from(_NEVER),
            st.binary(min_size=1, max_size=40),
        ),
        max_size=6,
    ),
    st.booleans(),
)
def test_no_pin_whatever_the_dialogue(pins: list[tuple[str, str, bytes]], begun: bool) -> None:
    exchanges = [(f"{cla}{ins}0001{len(data):02X}{data.hex()}", "9000") for cla, ins, data in pins]
    for there, _ in records_of(*exchanges, atr=OURS if begun else None):
        assert there.data is None and there.length > 0


@given(st.lists(st.tuples(st.binary(max_size=60), st.binary(max_size=60)), max_size=8))
def test_any_bytes_make_records(exchanges: list[tuple[bytes, bytes]]) -> None:
    redactor = Redactor()
    redactor.started(OURS)
    for there, back in exchanges:
        sent, came = redactor.command(there), redactor.answer(back)
        assert len(sent.header) + sent.length <= max(len(there), 4)
        assert came.length == (len(back) - 2 if len(back) > 1 else len(back))


def test_a_decipherment_is_nowhere() -> None:
    decipher = build_command(Command(0, 0x2A, 0x80, 0x86, b"\0" + CRYPTOGRAM, 256, True)).hex()
    (there, back), (more, rest) = records_of((decipher, "6103"), ("00C0000003", "AABBCC9000"))
    assert not shown(there) and not shown(rest)
    assert shown(back) and shown(more), "no data, nothing to hide"
