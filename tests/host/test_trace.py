"""The trace shows the dialogue, and no secret under any circumstances."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from contextlib import suppress

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from hypothesis import given
from hypothesis import strategies as st

from apdu.command import Command, build_command, parse_command
from apdu.errors import CommandError
from host.client import TokenClient
from host.errors import CardError
from host.importing import key_parts
from host.manage import TokenManager
from host.memory import MemoryTransport
from host.personalise import personalise
from host.trace import Direction, TraceRecord, format_record, traced
from host.usage import Usage
from tests.host import tokens

NEW_PIN, SECRET = "11223399", b"what only the two of us know"


def record_of(command: bytes, answer: bytes = b"\x90\x00") -> tuple[TraceRecord, TraceRecord]:
    records: list[TraceRecord] = []
    assert traced(lambda _: answer, records.append)(command) == answer
    there, back = records
    return there, back


def test_a_command_and_its_answer() -> None:
    there, back = record_of(bytes.fromhex("00A40400 03 A00000 00"), bytes.fromhex("6F00 9000"))
    assert there == TraceRecord(
        Direction.TO_CARD, "SELECT", bytes.fromhex("00A40400"), 3, b"\xa0\x00\x00", le=256
    )
    assert back == TraceRecord(
        Direction.FROM_CARD, "SELECT", bytes.fromhex("00A40400"), 2, b"\x6f\x00", sw=0x9000
    )
    assert format_record(there) == "> SELECT                       00 A4 04 00 Lc 3 Le 256: A00000"
    assert format_record(back) == "< 9000 no error, 2 bytes: 6F00"


def test_what_is_not_shown_still_shows_its_length() -> None:
    there, back = record_of(bytes.fromhex("00200001 08 313233343536FFFF"), b"\x63\xc5")
    assert there.data is None
    assert format_record(there) == "> VERIFY                       00 20 00 01 Lc 8, not shown"
    assert format_record(back) == "< 63C5 verification failed, 5 tries left"


def test_long_data_is_cut_in_the_line() -> None:
    _, back = record_of(bytes.fromhex("00CA010100"), bytes(128) + b"\x90\x00")
    assert format_record(back, most=2) == "< 9000 no error, 128 bytes: 0000 ..."


@given(st.binary(max_size=40))
def test_bytes_that_are_no_command_are_not_shown(raw: bytes) -> None:
    there, _ = record_of(raw, b"\x67\x00")
    format_record(there)
    try:
        parse_command(raw)
    except CommandError:
        assert not there.data


@pytest.mark.parametrize(
    "header",
    [
        "00200001",
        "10200001",
        "0C200001",
        "00240001",
        "002C0001",
        "00DA0101",
        "00DA0183",
        "002A8086",
        "102A8086",
        "102A9E9A",
        "002A9080",
        "00D60000",
        "A0200001",
        "00FF0000",
    ],
)
def test_never_shown(header: str) -> None:
    there, _ = record_of(bytes.fromhex(header + "04AABBCCDD"))
    assert there.length == 4
    assert there.data is None


@pytest.mark.parametrize(
    "command", ["00B0000000", "0084000008", "002A808601AA00", "0086000001AA00", "00FF000000"]
)
def test_answers_never_shown(command: str) -> None:
    _, back = record_of(bytes.fromhex(command), b"secret\x90\x00")
    assert back.data is None


def test_get_response_is_treated_as_what_it_belongs_to() -> None:
    records: list[TraceRecord] = []
    layer = traced(lambda _: b"AB\x90\x00", records.append)
    get_response = bytes.fromhex("00C0000002")
    layer(bytes.fromhex("002A808601AA00"))
    layer(get_response)
    assert records[-1].data is None
    layer(bytes.fromhex("00CA01B000"))
    layer(get_response)
    assert records[-1].data == b"AB"


def test_a_raw_block_to_sign_may_be_a_cryptogram() -> None:
    short = build_command(Command(0, 0x2A, 0x9E, 0x9A, bytes(51), 256))
    long = build_command(Command(0, 0x2A, 0x9E, 0x9A, bytes(128), 256))
    assert record_of(short)[0].data is not None
    assert record_of(long, b"plain\x90\x00")[0].data is None
    assert record_of(long, b"plain\x90\x00")[1].data is None


def test_the_last_piece_of_a_chain_is_not_shown_either() -> None:
    records: list[TraceRecord] = []
    layer = traced(lambda _: b"\x90\x00", records.append)
    layer(bytes.fromhex("102A9E9A02AABB"))
    layer(bytes.fromhex("002A9E9A01CC00"))
    assert [record.data for record in records if record.length] == [None, None]


def test_other_data_objects_by_the_odd_get_data() -> None:
    certificate = record_of(bytes.fromhex("00CB3FFF 04 5C027F21 00"), b"x\x90\x00")
    other = record_of(bytes.fromhex("00CB3FFF 05 5C035FC109 00"), b"x\x90\x00")
    assert certificate[1].data == b"x"
    assert other[1].data is None


# A whole life under trace


@pytest.fixture(scope="module")
def life() -> tuple[str, list[bytes]]:
    """Everything a token can go through, traced; the trace in words, and the secrets in it."""
    records: list[TraceRecord] = []
    client = TokenClient(MemoryTransport(tokens.blank_card()), trace=records.append)
    personalise(client, tokens.PROFILE, now=tokens.NOW)
    secrets = [secret.encode() for secret in (tokens.PIN, tokens.PUK, tokens.SO_PIN, NEW_PIN)]
    secrets += [tokens.SO_PUK.encode(), SECRET]
    secrets += _use_everything(client)
    lines = [format_record(record, most=100_000) for record in records]
    return "\n".join(lines) + "\n" + "\n".join(map(repr, records)), secrets


def _use_everything(client: TokenClient) -> Iterator[bytes]:
    client.verify_pin(tokens.PIN)
    client.sign(b"message")
    client.sign(b"message", padding="pss")
    client.sign_message(SECRET)
    client.decipher(client.encipher(SECRET))
    client.decipher(client.encipher(SECRET, padding="oaep"), padding="oaep")
    client.decipher(client.encipher(SECRET, tokens.SMALL), tokens.SMALL, padding="none")
    peer = ec.generate_private_key(ec.SECP256R1())
    yield client.derive(peer.public_key(), tokens.P256)
    yield client.challenge(16)
    for key in (rsa.generate_private_key(65537, 1024), peer):
        TokenManager(client).import_key(key, label="imported", usage=Usage.SIGN)
        yield from (value.lstrip(b"\x00") for _, value in _secret_parts(key))
    client.change_pin(tokens.PIN, NEW_PIN)
    for _ in range(6):
        with suppress(CardError):
            client.verify_pin("000000")
    client.unblock_pin(tokens.PUK, tokens.PIN)
    client.verify_so_pin(tokens.SO_PIN)
    TokenManager(client).deactivate()
    client.verify_so_pin(tokens.SO_PIN)
    TokenManager(client).activate()
    client.verify_so_pin(tokens.SO_PIN)
    TokenManager(client).terminate()


def _secret_parts(
    key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey,
) -> Iterator[tuple[int, bytes]]:
    """The parts of an import that are not the public key."""
    public = (0x80, 0x81) if isinstance(key, rsa.RSAPrivateKey) else (0x86,)
    return ((number, value) for number, value in key_parts(key) if number not in public)


def test_the_trace_of_a_whole_life_has_every_command(life: tuple[str, list[bytes]]) -> None:
    text, _ = life
    for name in ("VERIFY", "PUT DATA", "PSO DECIPHER", "PSO SIGN", "RESET RETRY COUNTER"):
        assert f"> {name}" in text
    assert "not shown" in text


def test_the_trace_of_a_whole_life_has_no_secret(life: tuple[str, list[bytes]]) -> None:
    text, secrets = life
    lower = text.lower()
    assert len(secrets) == 14
    for secret in secrets:
        assert secret.hex() not in lower
        assert secret.decode("latin-1") not in text
        assert repr(secret)[2:-1] not in text
        for form in _base64_forms(secret):
            assert form not in text


def _base64_forms(secret: bytes) -> Iterator[str]:
    """The secret as it looks within base64, at each of the three places it can begin."""
    for shift in range(3):
        text = base64.b64encode(bytes(shift) + secret + b"\0" * 3).decode()
        middle = text[4 : len(text) - 8]
        if len(middle) >= 8:
            yield middle


def test_the_private_keys_of_the_chip_are_nowhere_in_an_answer() -> None:
    """What the chip holds, looked for in everything it ever said."""
    said: list[bytes] = []
    card = tokens.token_card()

    class Listening(MemoryTransport):
        def transmit(self, command: bytes, /) -> bytes:
            answer = super().transmit(command)
            said.append(answer)
            return answer

    client = TokenClient(Listening(card))
    list(_use_everything(client))
    everything = b"".join(said)
    for number in _numbers_of(card):
        assert number not in everything


def _numbers_of(card: object) -> Iterator[bytes]:
    store = card._store  # type: ignore[attr-defined]
    cells = [store.get(name) for name in store.keys("pkcs15/key/")]
    assert len(cells) >= 5
    for cell in cells:
        key = serialization.load_der_private_key(cell, None)
        assert isinstance(key, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey)
        for _, value in _secret_parts(key):
            yield value.lstrip(b"\x00")
