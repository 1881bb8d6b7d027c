"""PIV tokens by the fixtures, in memory and in readers."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from host.errors import NoApplication, UnsupportedError
from tests.testing.inner import passes
from ushield.testing import ReaderFactory, Token, TokenFactory
from ushield.testing.tokens import TokenInReader

pytestmark = pytest.mark.ushield(applet="piv", keys=["p256", "p384"])


def test_a_piv_token_is_ready_for_use(ushield_token: Token) -> None:
    client = ushield_token.piv_client
    assert [key.reference for key in client.info().keys] == [0x9A, 0x9C]
    signature = client.sign(b"pay", 0x9C, pin=ushield_token.pin)
    assert client.check_signature(signature, b"pay", 0x9C)
    assert client is ushield_token.piv_client
    assert (ushield_token.label, len(ushield_token.serial)) == ("", 4)
    with pytest.raises(NoApplication):
        _ = ushield_token.client


def test_tokens_of_one_test_are_told_apart(ushield_token_factory: TokenFactory) -> None:
    tokens = [ushield_token_factory() for _ in range(3)]
    clients = [token.piv_client for token in tokens]
    assert len({client.guid() for client in clients}) == 3
    assert len({client.read_object(0x5FC107) for client in clients}) == 3
    assert len({token.serial for token in tokens}) == 3
    assert len({client.certificate().serial_number for client in clients}) == 3
    for client in clients:
        assert client.read_object(0x5FC107).startswith(bytes.fromhex("F015A000000116FF02"))
        assert client.read_object(0x5FC102)[:2] == b"\x30\x19"


def test_programs_find_it_in_a_reader(ushield_reader_factory: ReaderFactory) -> None:
    reader = ushield_reader_factory(name="Yubico YubiKey CCID")
    done = subprocess.run(
        ["opensc-tool", "--name"], env=reader.environment, capture_output=True, check=True
    )
    assert done.stdout == b"Personal Identity Verification Card\n"
    assert reader.token is not None
    with pytest.raises(TokenInReader):
        _ = reader.token.piv_client
    line = ["pkcs11-tool", "--login", "--pin", "000000", "--list-objects"]
    done = subprocess.run(line, env=reader.environment, capture_output=True, check=False)
    assert b"CKR_PIN_INCORRECT" in done.stderr
    assert reader.token.look_piv().info().pin_tries_left == 5


BY_PCSC = """
import pytest
from host.errors import WrongPin

@pytest.mark.ushield(applet="piv", keys=["p256"])
def test_it(ushield_reader):
    with ushield_reader.piv_client() as client, pytest.raises(WrongPin):
        client.verify_pin("000000")
    connection = ushield_reader.connect()
    assert connection.getATR()[0] == 0x3B
    connection.disconnect()
"""


def test_a_client_through_pcsc(tmp_path: Path) -> None:
    """In a process of its own, which has not used another service before."""
    assert passes(tmp_path, BY_PCSC) == "1 passed"


@pytest.mark.ushield(applet="both", pin_each_signature=True, label="two")
def test_a_token_with_both(ushield_token: Token) -> None:
    assert ushield_token.label == ushield_token.client.label() == "two"
    assert ushield_token.client.serial() == ushield_token.serial
    piv = ushield_token.piv_client
    piv.verify_pin(ushield_token.pin)
    assert piv.check_signature(piv.sign(b"pay"), b"pay")
    client = ushield_token.client
    assert [key.pin_each for key in client.info().keys] == [True, True]
    client.verify_pin(ushield_token.pin)


@pytest.mark.ushield(blank=True)
def test_a_blank_one_is_as_from_the_factory(ushield_token: Token) -> None:
    client = ushield_token.piv_client
    assert client.keys() == () and client.guid() is None
    client.verify_pin("123456")


@pytest.mark.parametrize(
    "options",
    [{"applet": "openpgp"}, {"pin_each_signature": True}, {"keys": ["rsa2048:sign"]}],
)
def test_what_cannot_be(ushield_token_factory: TokenFactory, options: dict[str, object]) -> None:
    with pytest.raises(UnsupportedError):
        ushield_token_factory(**options)  # type: ignore[arg-type]
