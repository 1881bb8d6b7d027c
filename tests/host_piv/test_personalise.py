"""PIV tokens from cards of the factory, and the management key."""

from __future__ import annotations

from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from apdu.pivedge import CAPABILITIES, CERTIFICATES, CHUID, KEY_HISTORY, SLOTS
from apdu.pivkey import FACTORY_KEY
from host.errors import (
    AnswerError,
    NotFound,
    PinFormatError,
    SecurityStatusError,
    UnsupportedError,
    WrongData,
    WrongPin,
)
from host.memory import MemoryTransport
from host.piv.client import PivClient
from host.piv.manage import PivManager, read_management_key
from host.piv.personalise import PivProfile, personalise_piv
from tests.host_piv import tokens
from tests.host_piv.tokens import ADMIN, NOW, PIN, PUK
from ushield.device.assembly import assemble


@pytest.fixture
def factory() -> PivClient:
    return tokens.client_of(tokens.factory_store())


def test_the_usual_token(factory: PivClient) -> None:
    info = personalise_piv(factory, PivProfile.of(pin=PIN, puk=PUK))
    assert [(key.reference, key.kind, key.bits) for key in info.keys] == [
        (0x9A, "rsa", 2048),
        (0x9C, "rsa", 2048),
        (0x9D, "rsa", 2048),
        (0x9E, "ec", 256),
    ]
    assert [key.pin_each for key in info.keys] == [False, True, False, False]
    assert (info.version, info.pin_tries_left, info.puk_tries_left) == ((5, 7, 0), 6, 10)
    assert not _verified(factory)
    PivManager(factory).authenticate(FACTORY_KEY)


def _verified(client: PivClient) -> bool:
    try:
        client.link.command(0x20, 0x80)
    except WrongPin:
        return False
    return True


def test_the_factorys_secrets_are_gone() -> None:
    client = tokens.token()
    with pytest.raises(WrongPin):
        client.verify_pin("123456")
    with pytest.raises(WrongPin):
        client.unblock_pin("12345678", PIN)
    with pytest.raises((SecurityStatusError, WrongData)):
        PivManager(client).authenticate(FACTORY_KEY)
    PivManager(client).authenticate(read_management_key(ADMIN))


def test_certificates() -> None:
    """9A, 9C and 9E sign their own; 9A signs for those that are not for signing."""
    client = tokens.token()
    first = client.certificate(0x9A)
    usages = {}
    for entry in client.certificates():
        assert entry.key_reference is not None
        certificate = entry.certificate
        assert certificate.public_key() == client.public_key(entry.key_reference)
        own = entry.key_reference in (0x9A, 0x9C, 0x9E)
        certificate.verify_directly_issued_by(certificate if own else first)
        assert certificate.not_valid_before_utc == NOW
        usage = certificate.extensions.get_extension_for_class(x509.KeyUsage).value
        usages[entry.key_reference] = (
            usage.digital_signature,
            usage.content_commitment,
            usage.key_encipherment,
            usage.key_agreement,
        )  # fmt: skip
    assert usages == {
        0x9A: (True, False, False, False),
        0x9C: (True, True, False, False),
        0x9D: (False, False, True, False),
        0x9E: (True, False, False, False),
        0x82: (False, False, False, True),
    }


def test_objects() -> None:
    client = tokens.token()
    assert client.read_object(CHUID).endswith(b"20300301" + bytes.fromhex("3E00FE00"))
    assert client.read_object(CAPABILITIES).startswith(bytes.fromhex("F015A000000116FF02"))
    assert client.read_object(KEY_HISTORY) == bytes.fromhex("C10101C20100FE00")
    guid = client.guid()
    assert guid is not None and guid[6] >> 4 == 4 and guid[8] >> 6 == 2


def test_two_tokens_are_told_apart() -> None:
    guids, cards = set(), set()
    for _ in range(2):
        client = tokens.client_of(tokens.factory_store())
        personalise_piv(client, tokens.profile(keys=["p256"]))
        guids.add(client.guid())
        cards.add(client.read_object(CAPABILITIES))
        with pytest.raises(NotFound):
            client.read_object(KEY_HISTORY)
    assert len(guids) == len(cards) == 2


def test_every_slot_can_be_filled(factory: PivClient) -> None:
    info = personalise_piv(factory, tokens.profile(keys=["p256"] * len(SLOTS)))
    assert [key.reference for key in info.keys] == list(SLOTS)
    assert len(info.certificates) == len(SLOTS)


@pytest.mark.parametrize("digits", [32, 48, 64])
def test_management_keys_of_every_length(factory: PivClient, digits: int) -> None:
    key = "C7" * (digits // 2)
    personalise_piv(factory, tokens.profile(keys=["p256"], management_key=key))
    manager = PivManager(factory)
    manager.authenticate(read_management_key(key))
    manager.write_object(CERTIFICATES[0x9A], b"")
    assert factory.certificates() == ()


@pytest.mark.parametrize("wrong", ["00" * 24, "00" * 16])
def test_a_wrong_management_key_opens_nothing(factory: PivClient, wrong: str) -> None:
    manager = PivManager(factory)
    with pytest.raises((SecurityStatusError, WrongData)):
        manager.authenticate(read_management_key(wrong))
    with pytest.raises(SecurityStatusError):
        manager.generate_key(0x9A, "p256")


class Impostor(MemoryTransport):
    """Takes every proof for right, without having the key itself."""

    def transmit(self, command: bytes) -> bytes:
        if command[1] == 0x87 and len(command) > 20:
            return bytes.fromhex("7C0A8208 0000000000000000 9000")
        return super().transmit(command)


def test_a_card_that_has_not_the_key_is_found_out() -> None:
    client = PivClient(Impostor(assemble(tokens.factory_store())))
    with pytest.raises(AnswerError, match="has not the management key"):
        PivManager(client).authenticate()


@pytest.mark.parametrize(
    ("wrong", "kind"),
    [
        ({"pin": "12345"}, PinFormatError),
        ({"puk": "123456789"}, PinFormatError),
        ({"management_key": "00" * 15}, UnsupportedError),
        ({"management_key": "secret"}, UnsupportedError),
        ({"management_key": ""}, UnsupportedError),
        ({"keys": ["rsa512"]}, UnsupportedError),
        ({"keys": ["p256"] * 25}, UnsupportedError),
        ({"subject": "nobody"}, UnsupportedError),
    ],
)
def test_profiles_that_cannot_be(wrong: dict[str, Any], kind: type[Exception]) -> None:
    with pytest.raises(kind) as refused:
        PivProfile.of(**{"pin": PIN, "puk": PUK, **wrong})
    if wrong.get("management_key"):
        assert wrong["management_key"] not in str(refused.value)


def test_a_key_that_there_is_not(factory: PivClient) -> None:
    with pytest.raises(UnsupportedError, match="no key 'rsa512'"):
        PivManager(factory).generate_key(0x9A, "rsa512")


def test_no_secret_in_the_repr() -> None:
    text = repr(tokens.profile())
    for secret in (PIN, PUK, ADMIN, repr(bytes.fromhex(ADMIN))):
        assert secret not in text


def test_public_keys_are_what_cryptography_takes() -> None:
    client = tokens.token()
    kinds = [type(client.public_key(slot)) for slot in SLOTS[:5]]
    assert [issubclass(kind, rsa.RSAPublicKey) for kind in kinds] == [
        True, False, True, False, False
    ]  # fmt: skip
    assert issubclass(kinds[1], ec.EllipticCurvePublicKey)
