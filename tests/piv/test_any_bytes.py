"""Whatever bytes come from the reader, a status word goes back, no exception, and no secret.

The cards here let an unexpected exception through (`strict`), so one fails the test.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from functools import cache

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from apdu.piv import PivINS
from apdu.status import SW
from applet.os.store import MemoryStore
from tests.apdu.strategies import damaged
from tests.chip.cards import cells
from tests.piv.cards import (
    DES,
    P_256,
    RSA_1024,
    PivChip,
    assemble,
    born,
    ec_key,
    ec_parts,
    rsa_key,
    rsa_parts,
)
from tests.piv.test_commands import GIVEN, ROWS
from vectors.pattern import fill, parse_command

EXAMPLES = max(250, settings().max_examples)

PIN, PUK = b"Kq7#xZ2!", b"mW9$eR4%"
ADMIN = bytes.fromhex("3DA1B0D7E5C8F00142939D4C5B6A7F80918273645546372F")
CURVE = ec_key(P_256)
PARTS = {**rsa_parts(rsa_key(1024)), **ec_parts(CURVE)}
SECRETS = {
    "PIN": PIN,
    "PUK": PUK,
    "management key": ADMIN,
    **{f"head of part {tag}": part[1:13] for tag, part in PARTS.items()},
    **{f"tail of part {tag}": part[-12:] for tag, part in PARTS.items()},
}
OBJECT = b"a fingerprint"


@cache
def _memory() -> Mapping[str, bytes]:
    """A card with the secrets inside."""
    chip = born()
    chip.administer()
    for slot in (0x9A, 0x9C, 0x9E):
        assert chip.bring(slot, P_256, ec_parts(CURVE)) == 0x9000
    assert chip.bring(0x9D, RSA_1024, rsa_parts(rsa_key(1024))) == 0x9000
    assert chip.put(0x5FC103, OBJECT) == 0x9000
    assert chip.put(0x5FC105, bytes(600)) == 0x9000
    assert chip.set_management_key(DES, ADMIN) == "9000"
    chip.verify()
    chip.ok("00 FA 0F 0F")
    chip.ok("00 24 00 80 [ {pin} {new} ]", new=PIN)
    chip.ok("00 24 00 81 [ {puk} {new} ]", new=PUK)
    return cells(chip.store)


def _chip(state: str, *, pkcs15: bool = False) -> PivChip:
    chip = PivChip(MemoryStore(_memory()), pkcs15=pkcs15)
    if "blocked" in state:
        chip.block_pin()
        chip.block_puk()
    if "pin" in state:
        chip.ok("00 20 00 80 [ {pin} ]", pin=PIN)
    if "admin" in state:
        chip.administer(DES, ADMIN)
    return chip


STATES = st.sampled_from(["", "pin", "admin", "pin and admin", "blocked"])

# What is sent

GENERIC = {**GIVEN, "pin": PIN, "puk": PUK}
SEEDS = st.sampled_from(
    sorted({fill(parse_command(row.command), GENERIC) for row in ROWS if len(row.command) < 200})
).filter(lambda command: len(command) < 1000)
SLOTS = st.sampled_from([0x80, 0x81, 0x82, 0x95, 0x9A, 0x9B, 0x9C, 0x9D, 0x9E, 0xFF])
ALGORITHMS = st.sampled_from([0x00, 0x03, 0x06, 0x07, 0x08, 0x11, 0x14, 0x3F, 0xFF])
TAGS = st.sampled_from(
    [0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x53, 0x5C, 0x7C, 0x7E, 0x80, 0x81, 0x82, 0x85, 0xAA,
     0xAB, 0xAC]
)  # fmt: skip
VALUES = (
    st.binary(max_size=70)
    | st.sampled_from([PARTS[1], PARTS[2], PARTS[6], b"\x11", b"\x07", bytes(64), b"\x5f\xc1\x05"])
    | st.integers(0, 200).map(bytes)
)


def _object(tag: int, value: bytes) -> bytes:
    size = len(value)
    return bytes((tag, size) if size < 0x80 else (tag, 0x81, size)) + value


_objects = st.lists(st.builds(_object, TAGS, VALUES), max_size=4).map(b"".join)
_templates = st.builds(
    _object, st.sampled_from([0x7C, 0xAC, 0x5C]), _objects.filter(lambda inner: len(inner) < 256)
)
_data = _objects | _templates | st.binary(max_size=80)


@st.composite
def _composed(draw: st.DrawFn) -> bytes:
    """A command that is well formed, of whatever meaning."""
    cla = draw(st.sampled_from([0x00, 0x00, 0x00, 0x10]) | st.integers(0, 255))
    ins = draw(st.sampled_from([int(ins) for ins in PivINS]) | st.integers(0, 255))
    p1 = draw(ALGORITHMS | st.integers(0, 255))
    data = draw(_data)
    head = bytes((cla, ins, p1, draw(SLOTS | st.integers(0, 255))))
    if len(data) > 255:
        return head + b"\x00" + len(data).to_bytes(2, "big") + data
    lc = bytes((len(data),)) if data else b""
    return head + lc + data + draw(st.sampled_from([b"", b"\x00", b"\x08", b"\xff"]))


COMMANDS = st.lists(
    SEEDS.flatmap(damaged) | _composed() | SEEDS | st.binary(max_size=300), max_size=12
)
KNOWN = frozenset(int(sw) for sw in SW) - {SW.INTERNAL}


def _plausible(sw: int) -> bool:
    """A status word with a meaning: known by name, or 61xx, 63Cx, 6Cxx."""
    return sw in KNOWN or sw >> 8 in (0x61, 0x6C) or sw >> 4 == 0x63C


def _check(answer: bytes) -> None:
    assert len(answer) >= 2
    assert _plausible(int.from_bytes(answer[-2:], "big")), answer[-2:].hex()
    assert not [name for name, secret in SECRETS.items() if secret in answer]


@settings(max_examples=EXAMPLES)
@given(STATES, st.booleans(), COMMANDS)
def test_any_commands_in_any_state(state: str, pkcs15: bool, commands: list[bytes]) -> None:
    chip = _chip(state, pkcs15=pkcs15)
    for command in commands:
        if not any(secret in command for secret in SECRETS.values()):
            _check(chip.card.transmit(command))
        else:
            assert len(chip.card.transmit(command)) >= 2


@settings(max_examples=EXAMPLES)
@given(st.binary(max_size=600))
@example(b"")
@example(b"\x00\x87")
@example(bytes.fromhex("0087119A00FFFF") + bytes(0xFFFF))
@example(bytes.fromhex("00DB3FFF00FFFF") + bytes(0xFFFF) + b"\x00\x00")
def test_any_bytes(raw: bytes) -> None:
    _check(_chip("pin and admin").card.transmit(raw))


@given(st.dictionaries(st.integers(1, 7), VALUES, min_size=1), st.sampled_from([RSA_1024, P_256]))
@example({1: b"\x01", 2: b"\x01"}, RSA_1024)
@example({1: b"\x00", 2: b"\x00"}, RSA_1024)
@example({1: PARTS[1], 2: PARTS[1]}, RSA_1024)
@example({1: b"", 2: b""}, RSA_1024)
@example({6: b"\xff" * 65}, P_256)
def test_any_parts_are_a_key_or_none(parts: dict[int, bytes], algorithm: int) -> None:
    assert _chip("admin").bring(0x9A, algorithm, parts) in (0x9000, 0x6A80)


def test_every_instruction_with_every_length() -> None:
    chip = _chip("pin and admin")
    for cla in (0x00, 0x10, 0x80, 0x0C):
        for ins in range(256):
            for body in ("", "00", "0100", "010000", "000000", "00000100", "0000010000"):
                for parameters in (b"\x00\x00", b"\x11\x9a", b"\x03\x9b", b"\x3f\xff", b"\xff\xff"):
                    _check(chip.card.transmit(bytes((cla, ins)) + parameters + bytes.fromhex(body)))


def test_every_object_and_every_key_keeps_the_secrets() -> None:
    chip = _chip("pin and admin")
    for tag in (*range(0x5FC100, 0x5FC180), *range(0x5FFF00, 0x5FFF80), *range(0x01, 0x1F)):
        request = tag.to_bytes(3, "big").lstrip(b"\x00")
        _check(chip.card.transmit(bytes((0, 0xCB, 0x3F, 0xFF, len(request) + 2, 0x5C, len(request)))
                                  + request + b"\x00"))  # fmt: skip
    for slot in range(256):
        for objects in ({"challenge": b""}, {"witness": b""}, {"response": b""}, {"point": b""}):
            for algorithm in (DES, RSA_1024, P_256):
                answer, sw = chip.try_to_ask(algorithm, slot, **objects)
                _check(answer + sw.to_bytes(2, "big"))


def test_nothing_of_a_card_shows_a_secret_in_its_repr() -> None:
    chip = _chip("pin and admin")
    applet = chip.card._selected
    for thing in (chip.card, chip.store, applet, vars(applet), vars(applet._management)):  # type: ignore[attr-defined]
        text = repr(thing)
        assert "Kq7" not in text and "mW9" not in text and repr(ADMIN)[2:-1] not in text


def test_an_unexpected_error_is_answered_6f00_and_logged(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Not strict: the session goes on, the log has the traceback and no data of the command."""
    card = assemble(MemoryStore(_memory()), strict=False)
    card.power_on()
    command = b"\x00\x20\x00\x80\x08" + PIN

    def broken(*_: object) -> None:
        raise ZeroDivisionError

    with monkeypatch.context() as patch, caplog.at_level(logging.DEBUG):
        patch.setattr("applet.os.pins.Pins.verify", broken)
        assert card.transmit(command) == b"\x6f\x00"
    assert "ZeroDivisionError" in caplog.text
    assert "Kq7" not in caplog.text and PIN.hex() not in caplog.text.lower()
    assert card.transmit(command) == b"\x90\x00"
