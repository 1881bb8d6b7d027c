"""The fixtures for tokens in memory, in this very session."""

from __future__ import annotations

import pytest

from apdu.pkcs15.read import read_token_info
from host.errors import HostError, TransportClosed, UnsupportedError, WrongPin
from host.info import Phase
from host.manage import TokenManager
from ushield.testing import Token, TokenFactory
from ushield.testing.tokens import TokenInReader

TOKEN_INFO = b"\x50\x15\x50\x32"


def test_a_token_is_ready_for_use(ushield_token: Token) -> None:
    client = ushield_token.client
    client.verify_pin(ushield_token.pin)
    signature = client.sign(b"pay")
    assert client.check_signature(signature, b"pay")
    assert client.serial() == ushield_token.serial
    assert client.label() == ushield_token.label == "U-Shield"
    assert client is ushield_token.client


@pytest.mark.parametrize("turn", [1, 2])
def test_what_one_test_does_to_its_token_no_other_sees(ushield_token: Token, turn: int) -> None:
    client = ushield_token.client
    assert client.pin_status().tries_left == 6
    for _ in range(5):
        with pytest.raises(WrongPin):
            client.verify_pin("000000")
    client.verify_pin(ushield_token.pin)
    client.change_pin(ushield_token.pin, "246802")
    client.verify_so_pin(ushield_token.so_pin)
    TokenManager(client).erase()


def test_keys_are_made_once_and_serial_numbers_each_time() -> None:
    with TokenFactory(keys=["p256"]) as first, TokenFactory(keys=["p256"]) as second:
        one, other = first(), second()
        assert one.client.public_key() == other.client.public_key()
        assert one.serial != other.serial


def test_tokens_of_one_test_differ_in_serial_number_keys_and_certificates(
    ushield_token_factory: TokenFactory, ushield_token: Token
) -> None:
    tokens = [ushield_token, ushield_token_factory(), ushield_token_factory()]
    clients = [token.client for token in tokens]
    assert len({client.serial() for client in clients}) == 3
    assert len({client.certificate_der() for client in clients}) == 3
    assert len({client.certificate().serial_number for client in clients}) == 3
    assert clients[0].public_key() != clients[1].public_key() != clients[2].public_key()


def test_the_file_names_the_same_serial_number_as_the_chip(ushield_token: Token) -> None:
    manager = TokenManager(ushield_token.client)
    info = read_token_info(manager.read_file(TOKEN_INFO))
    assert info.serial == ushield_token.serial == ushield_token.client.serial()
    assert info.label == "U-Shield"


def labels(token: Token) -> list[str]:
    keys = token.client.keys()
    return [key.label for key in keys]


@pytest.mark.ushield(keys=["p256", "rsa1024:sign"], pin="24680246")
class TestMarker:
    def test_says_what_the_token_is(self, ushield_token: Token) -> None:
        assert labels(ushield_token) == ["p256 key", "sign key"]
        ushield_token.client.verify_pin("24680246")

    @pytest.mark.ushield(pin="13579135", label="mine", puk="11112222", subject="CN=Li Lei")
    def test_the_closest_has_the_last_word(
        self, ushield_token: Token, ushield_token_factory: TokenFactory
    ) -> None:
        client = ushield_token.client
        assert len(client.keys()) == 2
        client.verify_pin("13579135")
        client.unblock_pin("11112222", "97531975")
        client.verify_so_pin(ushield_token.so_pin)
        assert client.label() == "mine"
        assert client.certificate().subject.rfc4514_string() == "CN=Li Lei"
        told = ushield_token_factory(label="yours", keys=["p384"])
        assert told.client.label() == "yours"
        assert labels(told) == ["p384 key"]
        told.client.verify_pin("13579135")


@pytest.mark.ushield(blank=True)
def test_a_blank_token_is_as_from_the_factory(ushield_token: Token) -> None:
    client = ushield_token.client
    assert client.life_cycle() is Phase.MANUFACTURED
    assert client.serial() == ushield_token.serial
    assert ushield_token.label == client.label() == ""


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"generation": 3}, "generation 1 or 2"),
        ({"generation": 2, "blank": True}, "with keys"),
        ({"generation": 2, "applet": "piv"}, "PKCS#15"),
        ({"generation": 2, "display_style": "crt"}, "no display 'crt'"),
        ({"keys": "rsa2048"}, "a list"),
        ({"keys": ["rsa512"]}, "rsa512"),
        ({"pin": "1"}, "PIN"),
    ],
)
def test_what_cannot_be_is_refused_in_words(
    ushield_token_factory: TokenFactory, options: dict[str, object], words: str
) -> None:
    with pytest.raises(HostError, match=words):
        ushield_token_factory(**options)  # type: ignore[arg-type]


def test_an_unknown_option_is_refused() -> None:
    with pytest.raises(TypeError, match="kyes"):
        TokenFactory(kyes=["p256"])  # type: ignore[call-arg]
    with pytest.raises(UnsupportedError):
        TokenFactory(generation=3)


def test_a_client_that_was_closed_is_made_anew(ushield_token: Token) -> None:
    with ushield_token.client as client:
        serial = client.serial()
    assert ushield_token.client.serial() == serial
    assert ushield_token.client is ushield_token.client is not client


def test_a_look_at_a_copy_changes_nothing(ushield_token: Token) -> None:
    with pytest.raises(WrongPin):
        ushield_token.client.verify_pin("000000")
    look = ushield_token.look()
    assert look.pin_status().tries_left == 5
    assert look.serial() == ushield_token.serial
    with pytest.raises(WrongPin):
        look.verify_pin("000000")
    assert ushield_token.client.pin_status().tries_left == 5


def test_a_token_is_in_one_place_at_a_time(ushield_token: Token) -> None:
    client = ushield_token.client
    ushield_token.into_reader()
    with pytest.raises(TransportClosed):
        client.serial()
    with pytest.raises(TokenInReader, match="take the token out"):
        _ = ushield_token.client
    with pytest.raises(TokenInReader, match="already"):
        ushield_token.into_reader()
    assert ushield_token.look().serial() == ushield_token.serial
    ushield_token.out_of_reader()
    assert ushield_token.client.serial() == ushield_token.serial


def test_no_secret_is_shown(ushield_token: Token) -> None:
    assert ushield_token.pin not in repr(ushield_token)
    assert ushield_token.puk not in repr(ushield_token)
