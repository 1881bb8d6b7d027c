"""Whatever bytes come from the reader, a status word goes back, no exception, and no secret.

The cards here let an unexpected exception through (`strict`), so one fails the test.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from functools import cache

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import example, given, settings
from hypothesis import strategies as st

from apdu.instruction import INS
from apdu.status import SW
from applet.os.card import Card, PowerError
from applet.os.store import MemoryStore
from tests.chip.cards import AID, Chip, blank, cells, create_key
from tests.chip.known import number
from ushield.device.assembly import SystemEntropy, assemble
from vectors.loader import Step, load_all
from vectors.pattern import fill

EXAMPLES = max(250, settings().max_examples)

PIN, PUK, SO_PIN, SO_PUK = b"Kq7#xZ2!", b"mW9$eR4%", b"Tb5&yU8*", b"Hn3(pL6)"
RSA = rsa.generate_private_key(65537, 1024).private_numbers()
CURVE = ec.generate_private_key(ec.SECP256R1())
SCALAR = CURVE.private_numbers().private_value.to_bytes(32, "big")


def _secrets() -> dict[str, bytes]:
    """What must never be in an answer; of a number, 12 bytes from each end."""
    pins = {"PIN": PIN, "PUK": PUK, "SO PIN": SO_PIN, "SO PUK": SO_PUK}
    values = {name: number(getattr(RSA, name)) for name in ("p", "q", "d", "dmp1", "dmq1", "iqmp")}
    values["scalar"] = SCALAR
    heads = {f"head of {name}": value[1:13] for name, value in values.items()}
    tails = {f"tail of {name}": value[-12:] for name, value in values.items()}
    return pins | heads | tails


SECRETS = _secrets()


@cache
def _phases() -> Mapping[str, Mapping[str, bytes]]:
    """The memory of a card in each phase of its life, with the secrets inside."""
    chip = blank()
    memories = {"blank": cells(chip.store)}
    chip.ok("00 DA 01 E0 [ 0000 113FFF 111FFF ]")
    chip.ok("00 DA 01 01 [ {pin} {puk} 0F 0F 00 ]", pin=PIN, puk=PUK)
    chip.ok("00 DA 01 03 [ {pin} {puk} 0F 0F 00 ]", pin=SO_PIN, puk=SO_PUK)
    _make_files(chip)
    memories["personalised"] = cells(chip.store)
    chip.ok(f"00 44 04 00 [ {AID} ]")
    memories["activated"] = cells(chip.store)
    for name, command in (("deactivated", "00 04 00 00"), ("terminated", "00 FE 00 00")):
        chip.ok("00 20 00 03 [ {pin} ]", pin=SO_PIN)
        chip.ok(command)
        memories[name] = cells(chip.store)
    chip = Chip(MemoryStore(memories["activated"]))
    while chip.sw("00 20 00 01 [ 00*8 ]") != "6983":
        pass
    memories["blocked"] = cells(chip.store)
    return memories


def _make_files(chip: Chip) -> None:
    chip.ok("00 A4 00 0C [ 3F00 ]")
    chip.ok("00 E0 00 00 [ 62 ( 80 ( 0040 ) 82 ( 01 ) 83 ( 2F00 ) 86 ( 011FFF ) ) ]")
    create_key(chip, "11", "4B01", 1024, None, "1111FF")
    parts = {"83": RSA.p, "84": RSA.q, "81": RSA.public_numbers.e, "80": RSA.public_numbers.n}
    for tag, part in parts.items():
        chip.ok(f"00 DA 01 {tag} [ {{part}} ]", part=number(part))
    create_key(chip, "22", "4B03", 256, None, "1111FF")
    point = CURVE.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    chip.ok("00 DA 01 87 [ {part} ]", part=SCALAR)
    chip.ok("00 DA 01 86 [ {part} ]", part=point)


class OneKey(SystemEntropy):
    """Key generation that costs nothing: each size of RSA key is made once."""

    def rsa_key(self, bits: int, exponent: int) -> rsa.RSAPrivateKey:
        return _rsa_key(bits, exponent)


@cache
def _rsa_key(bits: int, exponent: int) -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(exponent, bits)


ENTROPY = OneKey()


def _card(phase: str) -> Card:
    return assemble(MemoryStore(_phases()[phase]), entropy=ENTROPY, strict=True)


# What is sent


def _seeds() -> list[bytes]:
    """The commands of the dialogues, but for those that need an earlier answer."""
    found = set()
    values = {"pin": PIN, "puk": PUK, "so-pin": SO_PIN}
    for dialogue in load_all():
        for step in dialogue.steps:
            if isinstance(step, Step):
                with suppress(KeyError):
                    found.add(fill(step.command, values))
    return sorted(command for command in found if len(command) < 1000)


SEEDS = st.sampled_from(_seeds())
CLASSES = st.sampled_from([0x00, 0x00, 0x10, 0xA0]) | st.integers(0, 255)
INSTRUCTIONS = st.sampled_from([int(ins) for ins in INS]) | st.integers(0, 255)
PARAMETERS = st.sampled_from(
    [0x0000, 0x0001, 0x0003, 0x0400, 0x0800, 0x0101, 0x0102, 0x0186, 0x01A0, 0x01A1, 0x01B1,
     0x01B3, 0x01E0, 0x0180, 0x0183, 0x0187, 0x3FFF, 0x9E9A, 0x8086, 0x8680, 0x9080, 0x00A8,
     0x41B6, 0x41B8, 0x41A4, 0x81B6, 0x81B8]
) | st.integers(0, 0xFFFF)  # fmt: skip


@st.composite
def _composed(draw: st.DrawFn) -> bytes:
    """A command that is well formed, of whatever meaning."""
    head = bytes((draw(CLASSES), draw(INSTRUCTIONS))) + draw(PARAMETERS).to_bytes(2, "big")
    data = draw(st.binary(max_size=40) | st.binary(min_size=100, max_size=300))
    extended = len(data) > 255 or draw(st.booleans())
    if extended:
        lc = b"\x00" + len(data).to_bytes(2, "big") if data else b""
        le = draw(st.sampled_from([b"", b"\x00\x00", b"\x01\x00"]))
        return head + lc + data + (le if data or not le else b"\x00" + le)
    lc = bytes((len(data),)) if data else b""
    return head + lc + data + draw(st.sampled_from([b"", b"\x00", b"\x08", b"\xff"]))


@st.composite
def _mutated(draw: st.DrawFn) -> bytes:
    """A command of the dialogues with a few bytes changed, cut off, doubled or put in."""
    command = bytearray(draw(SEEDS))
    for _ in range(draw(st.integers(0, 3))):
        at = draw(st.integers(0, max(0, len(command) - 1)))
        match draw(st.sampled_from(["change", "cut", "insert", "drop", "chain"])):
            case "change":
                command[at : at + 1] = draw(st.binary(min_size=1, max_size=1))
            case "cut":
                del command[at:]
            case "insert":
                command[at:at] = draw(st.binary(min_size=1, max_size=4))
            case "drop":
                del command[at : at + 1]
            case _:
                command[:1] = b"\x10"
    return bytes(command)


COMMANDS = st.lists(_mutated() | _composed() | SEEDS | st.binary(max_size=300), max_size=12)
PHASES = st.sampled_from(
    ["blank", "personalised", "activated", "activated", "activated", "blocked", "deactivated",
     "terminated"]
)  # fmt: skip

PIN_COMMANDS = frozenset({INS.VERIFY, INS.CHANGE_REFERENCE, INS.RESET_RETRY, INS.PUT_DATA})
KNOWN = frozenset(int(sw) for sw in SW) - {SW.INTERNAL}


def _plausible(sw: int) -> bool:
    """A status word with a meaning: known by name, or 61xx, 63Cx, 6Cxx."""
    return sw in KNOWN or sw >> 8 in (0x61, 0x6C) or sw >> 4 == 0x63C


def _check(answer: bytes, secrets: Mapping[str, bytes]) -> None:
    assert len(answer) >= 2
    assert _plausible(int.from_bytes(answer[-2:], "big")), answer[-2:].hex()
    leaked = [name for name, secret in secrets.items() if secret in answer]
    assert not leaked


def _told(command: bytes, secrets: Mapping[str, bytes]) -> dict[str, bytes]:
    """The secrets without those that the host has just written down somewhere else itself."""
    if command[1:2] and command[1] in PIN_COMMANDS:
        return dict(secrets)
    return {name: secret for name, secret in secrets.items() if secret not in command}


@settings(max_examples=EXAMPLES)
@given(PHASES, st.booleans(), st.booleans(), COMMANDS)
def test_any_commands_in_any_phase(
    phase: str, verified: bool, officer: bool, commands: list[bytes]
) -> None:
    card = _card(phase)
    card.power_on()
    if verified:
        card.transmit(b"\x00\x20\x00\x01\x08" + PIN)
    if officer:
        card.transmit(b"\x00\x20\x00\x03\x08" + SO_PIN)
    card.transmit(bytes.fromhex("00A4080C0450154B01"))
    secrets: Mapping[str, bytes] = SECRETS
    for command in commands:
        secrets = _told(command, secrets)
        _check(card.transmit(command), secrets)


@settings(max_examples=EXAMPLES)
@given(st.binary(max_size=600))
@example(b"")
@example(b"\x00")
@example(b"\x00\xa4\x04\x00")
@example(b"\x00\xa4\x04\x00\x00")
@example(b"\xff" * 261)
@example(bytes.fromhex("0020000100FFFF") + bytes(0xFFFF))
@example(bytes.fromhex("002A908000FFFF") + bytes(0xFFFF) + b"\x00\x00")
def test_any_bytes(raw: bytes) -> None:
    card = _card("activated")
    card.power_on()
    _check(card.transmit(raw), _told(raw, SECRETS))


def test_every_instruction_with_every_class_and_length() -> None:
    """All headers with P1-P2 0000 and 0001, without a body and with the smallest ones."""
    card = _card("activated")
    card.power_on()
    for cla in (0x00, 0x10, 0x80, 0xA0, 0x0C, 0x01, 0x40, 0xFF):
        for ins in range(256):
            for body in ("", "00", "0100", "010000", "000000", "00000100", "0000010000"):
                for p2 in (b"\x00", b"\x01"):
                    raw = bytes((cla, ins, 0)) + p2 + bytes.fromhex(body)
                    _check(card.transmit(raw), SECRETS)


def test_every_object_and_every_file_keeps_the_secrets() -> None:
    """Whoever has both PINs reads all there is to read, and finds no secret."""
    card = _card("activated")
    card.power_on()
    for reference, pin in ((1, PIN), (3, SO_PIN)):
        assert card.transmit(bytes((0x00, 0x20, 0x00, reference, 8)) + pin) == b"\x90\x00"
    for key in ("4B01", "4B03"):
        card.transmit(bytes.fromhex("00A4080C045015" + key))
        for tag in range(0x0100, 0x0200):
            _check(card.transmit(b"\x00\xca" + tag.to_bytes(2, "big") + b"\x00"), SECRETS)
    for fid in range(0x10000):
        if card.transmit(b"\x00\xa4\x00\x0c\x02" + fid.to_bytes(2, "big")) == b"\x90\x00":
            for offset in (0, 1, 100):
                read = b"\x00\xb0" + offset.to_bytes(2, "big") + b"\x00"
                _check(card.transmit(read), SECRETS)


def test_without_power_nothing_is_answered() -> None:
    card = _card("activated")
    with pytest.raises(PowerError):
        card.transmit(bytes.fromhex("0084000008"))
    card.power_on()
    assert len(card.transmit(bytes.fromhex("0084000008"))) == 10
    card.power_off()
    with pytest.raises(PowerError):
        card.transmit(bytes.fromhex("0084000008"))


def test_nothing_of_a_card_shows_a_secret_in_its_repr() -> None:
    chip = Chip(MemoryStore(_phases()["activated"]))
    chip.ok("00 20 00 01 [ {pin} ]", pin=PIN)
    for thing in (chip.card, chip.store, chip.card._selected, vars(chip.card)):
        text = repr(thing)
        assert "Kq7" not in text and "mW9" not in text


def test_an_unexpected_error_is_answered_6f00_and_logged(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Not strict: the session goes on, the log has the traceback and no data of the command."""
    card = assemble(MemoryStore(_phases()["activated"]))
    card.power_on()

    def broken(*_: object) -> None:
        raise ZeroDivisionError

    with monkeypatch.context() as patch:
        patch.setattr("applet.os.pins.Pins.verify", broken)
        assert card.transmit(b"\x00\x20\x00\x01\x08" + PIN) == b"\x6f\x00"
    assert "ZeroDivisionError" in caplog.text
    assert "Kq7" not in caplog.text and PIN.hex() not in caplog.text.lower()
    assert card.transmit(b"\x00\x20\x00\x01\x08" + PIN) == b"\x90\x00"
