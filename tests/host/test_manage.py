"""Files, keys and certificates made and removed; the card's life from format to end."""

from __future__ import annotations

from dataclasses import replace

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from apdu.edge import Data
from apdu.filecontrol import AccessRules
from apdu.instruction import INS
from apdu.pkcs15.read import read_private_keys, read_public_keys
from apdu.pkcs15.write import build_private_keys, build_public_keys
from host.client import TokenClient
from host.directory import APPLICATION, PRIVATE_KEYS, PUBLIC_KEYS
from host.errors import (
    ConditionsError,
    FileExists,
    NoSpace,
    NotFound,
    PinFormatError,
    SecurityStatusError,
    UnsupportedError,
)
from host.importing import PrivateKey
from host.info import Phase
from host.manage import KEY_TYPES, TokenManager
from host.usage import Usage
from tests.host import tokens

PATH = APPLICATION + b"\x46\x01"
OPEN = AccessRules(0, 0, 0, 0xF)
MESSAGE = b"message"


@pytest.fixture
def client() -> TokenClient:
    client = tokens.token()
    client.verify_pin(tokens.PIN)
    return client


@pytest.fixture
def manager(client: TokenClient) -> TokenManager:
    return TokenManager(client)


def test_files(manager: TokenManager) -> None:
    manager.create_file(PATH, 1000, OPEN)
    assert manager.read_file(PATH) == bytes(1000)
    manager.write_file(PATH, bytes(range(256)) * 3, offset=100)
    assert manager.read_file(PATH) == bytes(100) + bytes(range(256)) * 3 + bytes(132)
    with pytest.raises(FileExists):
        manager.create_file(PATH, 1, OPEN)
    with pytest.raises(NoSpace):
        manager.write_file(PATH, b"ab", offset=999)
    manager.delete_file(PATH)
    with pytest.raises(NotFound):
        manager.read_file(PATH)


def test_files_are_guarded(client: TokenClient, manager: TokenManager) -> None:
    manager.create_file(PATH, 10, AccessRules(1, 1, 1, 0xF))
    client.logout()
    with pytest.raises(SecurityStatusError):
        manager.read_file(PATH)
    with pytest.raises(SecurityStatusError):
        manager.delete_file(PATH)
    with pytest.raises(SecurityStatusError):
        manager.create_file(PATH[:-1] + b"\x02", 10, OPEN)


@pytest.mark.parametrize("key_type", [name for name in KEY_TYPES if name != "rsa4096"])
def test_generate(client: TokenClient, manager: TokenManager, key_type: str) -> None:
    key = manager.generate_key(key_type, label="made", usage=Usage.SIGN)
    assert (key.kind, key.bits) == KEY_TYPES[key_type]
    assert client.keys()[-1] == key
    assert client.verify_signature(client.sign(MESSAGE, "made"), MESSAGE, "made")
    entry = read_private_keys(manager.read_file(PRIVATE_KEYS))[-1]
    assert (entry.reference, entry.auth_id, entry.user_consent) == (6, b"\x01", None)
    assert entry.access == {"sensitive", "alwaysSensitive", "neverExtractable", "local"}
    public = read_public_keys(manager.read_file(APPLICATION + b"\x44\x04"))[-1]
    assert (public.id, public.label, public.usage) == (key.id, "made", frozenset({"verify"}))
    assert manager.read_file(public.path[2:])


@pytest.mark.parametrize(
    "key",
    [
        rsa.generate_private_key(65537, 1024),
        rsa.generate_private_key(3, 2048),
        ec.generate_private_key(ec.SECP256R1()),
        ec.generate_private_key(ec.SECP384R1()),
    ],
    ids=["rsa1024", "rsa2048", "p256", "p384"],
)
@pytest.mark.parametrize("extended", [False, True])
def test_import(key: PrivateKey, extended: bool) -> None:
    client = tokens.token(extended=extended)
    client.verify_pin(tokens.PIN)
    manager = TokenManager(client)
    found = manager.import_key(key, label="brought", usage=Usage.SIGN)
    assert client.public_key("brought") == key.public_key()
    assert client.verify_signature(client.sign(MESSAGE, "brought"), MESSAGE, found.reference)
    assert read_private_keys(manager.read_file(PRIVATE_KEYS))[-1].access == {"sensitive"}


@pytest.mark.parametrize(
    "key",
    [
        ec.generate_private_key(ec.SECP521R1()),
        ec.generate_private_key(ec.SECP256K1()),
        rsa.generate_private_key(65537, 1536),
    ],
)
def test_keys_that_the_card_does_not_take(manager: TokenManager, key: PrivateKey) -> None:
    with pytest.raises(UnsupportedError):
        manager.import_key(key, label="x", usage=Usage.SIGN)


def test_key_types_that_are_none(manager: TokenManager) -> None:
    with pytest.raises(UnsupportedError, match="rsa2048"):
        manager.generate_key("dsa1024", label="x", usage=Usage.SIGN)


@pytest.mark.parametrize(
    ("key_type", "usage"),
    [("p256", Usage.DECIPHER), ("rsa1024", Usage.DERIVE), ("p256", Usage(0))],
)
def test_a_key_that_is_good_for_nothing(manager: TokenManager, key_type: str, usage: Usage) -> None:
    with pytest.raises(UnsupportedError, match=f"a key of type {key_type} cannot"):
        manager.generate_key(key_type, label="x", usage=usage)


def test_a_deleted_key_is_gone(client: TokenClient, manager: TokenManager) -> None:
    manager.delete_file(APPLICATION + b"\x4b\x01")
    with pytest.raises(NotFound):
        client.sign(MESSAGE, tokens.SIGNING)
    with pytest.raises(NotFound):
        client.public_key(tokens.SIGNING)


def test_a_new_certificate_takes_the_place_of_the_old(
    client: TokenClient, manager: TokenManager
) -> None:
    others = client.certificates()[1:]
    new = client.certificate(tokens.DECIPHER)
    manager.write_certificate(new, client.keys()[0], label="renewed")
    assert client.certificate(tokens.SIGNING) == new
    found = client.certificates()
    assert found[:-1] == others
    assert (found[-1].label, found[-1].key_reference) == ("renewed", 1)


def test_identifiers_do_not_collide(client: TokenClient, manager: TokenManager) -> None:
    """Another program may have given the next number to a key already."""
    entries = read_private_keys(manager.read_file(PRIVATE_KEYS))
    taken = replace(entries[0], id=b"\x06", label="foreign")
    manager.write_file(PRIVATE_KEYS, build_private_keys([taken, *entries[1:]]))
    assert manager.generate_key("p256", label="new", usage=Usage.SIGN).id == b"\x01"


def test_a_write_is_one_command_on_the_chip(manager: TokenManager) -> None:
    """A write that does not fit leaves the file as it was, however long it is."""
    manager.create_file(PATH, 1000, OPEN)
    with pytest.raises(NoSpace):
        manager.write_file(PATH, b"\xff" * 600, offset=500)
    assert manager.read_file(PATH) == bytes(1000)


def test_a_certificate_without_its_file_is_passed_over(
    client: TokenClient, manager: TokenManager
) -> None:
    manager.delete_file(APPLICATION + b"\x43\x02")
    assert [entry.key_reference for entry in client.certificates()] == [1, 3, 4, 5]
    manager.write_certificate(client.certificate(), client.keys()[1])
    assert client.certificates()[-1].key_reference == 2


def test_a_full_directory(client: TokenClient, manager: TokenManager) -> None:
    def fill() -> None:
        for number in range(60):
            manager.generate_key("p256", label=f"{number}" * 100, usage=Usage.SIGN)

    with pytest.raises(NoSpace):
        fill()
    assert len(client.keys()) > 5
    keys = client.keys()
    assert numbers(client, 0x4B) == {key.reference for key in keys}
    assert client.verify_signature(client.sign(MESSAGE), MESSAGE)


def test_a_public_key_that_has_no_room(client: TokenClient, manager: TokenManager) -> None:
    """The key itself is there and works; nothing else is left behind."""
    first = read_public_keys(manager.read_file(PUBLIC_KEYS))[0]
    manager.write_file(PUBLIC_KEYS, build_public_keys([replace(first, label="x" * 1450)]))
    before, label = numbers(client, 0x55), "new" * 30
    with pytest.raises(NoSpace):
        manager.generate_key("p256", label=label, usage=Usage.SIGN)
    assert client.verify_signature(client.sign(MESSAGE, label), MESSAGE, label)
    assert numbers(client, 0x55) == before


def test_a_certificate_that_has_no_room(client: TokenClient, manager: TokenManager) -> None:
    """The directory cannot name it: its file, which nobody would find, is gone again."""
    before, files = client.certificates(), numbers(client, 0x43)
    with pytest.raises(NoSpace):
        manager.write_certificate(client.certificate(), client.keys()[0], label="x" * 1530)
    with pytest.raises(ValueError, match="surrogates"):
        manager.write_certificate(client.certificate(), client.keys()[0], label="\ud800")
    assert (client.certificates(), numbers(client, 0x43)) == (before, files)


@pytest.mark.parametrize("length", [33_000, 70_000])
def test_a_certificate_that_nobody_could_read(
    client: TokenClient, manager: TokenManager, length: int
) -> None:
    before = client.certificates()
    with pytest.raises(UnsupportedError, match="32768"):
        manager.write_certificate(_certificate(length), client.keys()[0])
    assert client.certificates() == before


def _certificate(length: int) -> x509.Certificate:
    """One with an extension of so many bytes."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name.from_rfc4514_string("CN=long")
    content = x509.UnrecognizedExtension(
        x509.ObjectIdentifier("1.3.6.1.4.1.55555.1"), bytes(length)
    )
    return (
        x509.CertificateBuilder(name, name, key.public_key(), 1, tokens.NOW, tokens.NOW)
        .add_extension(content, critical=False)
        .sign(key, hashes.SHA256())
    )


def numbers(client: TokenClient, kind: int) -> set[int]:
    """The second bytes of the files whose first byte is this one, in the application."""
    client.link.select(APPLICATION)
    listed = client.link.command(INS.GET_DATA, Data.FILES, le=256)
    return {listed[at + 1] for at in range(0, len(listed), 2) if listed[at] == kind}


def test_the_officer_deactivates_and_activates(client: TokenClient, manager: TokenManager) -> None:
    with pytest.raises(SecurityStatusError):
        manager.deactivate()
    client.verify_so_pin(tokens.SO_PIN)
    manager.deactivate()
    assert client.life_cycle() is Phase.DEACTIVATED
    client.verify_pin(tokens.PIN)
    with pytest.raises(ConditionsError):
        client.sign(MESSAGE)
    client.verify_so_pin(tokens.SO_PIN)
    manager.activate()
    client.verify_pin(tokens.PIN)
    assert client.sign(MESSAGE)


def test_the_end(client: TokenClient, manager: TokenManager) -> None:
    client.verify_so_pin(tokens.SO_PIN)
    manager.terminate()
    assert client.info().phase is Phase.TERMINATED
    with pytest.raises(ConditionsError):
        client.verify_pin(tokens.PIN)


def test_erase(client: TokenClient, manager: TokenManager) -> None:
    with pytest.raises(SecurityStatusError):
        manager.erase()
    client.verify_so_pin(tokens.SO_PIN)
    manager.erase()
    assert client.life_cycle() is Phase.MANUFACTURED
    assert client.keys() == ()
    assert client.tries() == ()


def test_pins_that_could_not_be_used_later_are_refused() -> None:
    manager = TokenManager(TokenClient(tokens.token().link.transport))
    with pytest.raises(PinFormatError):
        manager.store_pin(2, "12345", "12345678")
    with pytest.raises(PinFormatError):
        manager.store_pin(2, "123456", "123456789")


def test_another_pin(client: TokenClient, manager: TokenManager) -> None:
    manager.store_pin(2, "222222", "22222222")
    client.verify_pin("222222", reference=2)
    assert client.pin_status(2).verified
    client.change_pin("222222", "333333", reference=2)
    client.unblock_pin("22222222", "444444", reference=2)
    client.verify_pin("444444", reference=2)


def test_certificates_that_are_not_self_signed_are_kept_too(
    client: TokenClient, manager: TokenManager
) -> None:
    """What a bank issues is only DER to the token."""
    assert isinstance(client.certificate(tokens.DECIPHER), x509.Certificate)
    client.certificate(tokens.DECIPHER).verify_directly_issued_by(client.certificate())
