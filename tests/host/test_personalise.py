"""Tokens from blank cards."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from cryptography import x509

from apdu.filecontrol import parse_access
from apdu.pkcs15.read import read_odf, read_pins, read_token_info
from host.certificates import years_later
from host.client import TokenClient
from host.directory import APPLICATION
from host.errors import PinFormatError, SecurityStatusError, UnsupportedError
from host.info import Phase
from host.keyspec import KeySpec, usual_keys
from host.manage import TokenManager
from host.memory import MemoryTransport
from host.personalise import Profile, personalise
from host.usage import Usage
from tests.host import tokens

SECRETS: dict[str, Any] = {"pin": "123456", "puk": "12345678"}


@pytest.fixture
def blank() -> TokenClient:
    return TokenClient(MemoryTransport(tokens.blank_card()))


def test_the_usual_token(blank: TokenClient) -> None:
    info = personalise(blank, Profile.of(**SECRETS))
    assert info.phase is Phase.ACTIVATED
    assert [key.label for key in info.keys] == ["sign key", "decipher key"]
    assert not blank.pin_status().verified
    with pytest.raises(SecurityStatusError):
        blank.sign(b"x")


def test_files_are_those_of_the_profile(blank: TokenClient) -> None:
    """Sizes and access rules of OpenSC's myeid.profile."""
    personalise(blank, Profile.of(**SECRETS, keys=["p256"]))
    found = {}
    for path in ("2F00", "5015 5031", "5015 5032", "5015 5033", "5015 4401", "5015 4402"):
        control = blank.link.select(bytes.fromhex(path))
        found[path[-4:]] = (control.size, control.access)
    assert found == {
        "2F00": (128, bytes.fromhex("033FFF")),
        "5031": (255, bytes.fromhex("013FFF")),
        "5032": (160, bytes.fromhex("033FFF")),
        "5033": (510, bytes.fromhex("033FFF")),
        "4401": (255, bytes.fromhex("033FFF")),
        "4402": (1530, bytes.fromhex("013FFF")),
    }
    key = blank.link.select(bytes.fromhex("5015 4B01"))
    assert (key.size, key.access, key.usage) == (256, bytes.fromhex("1111FF"), 0x0D)
    certificate = blank.link.select(bytes.fromhex("5015 4301"))
    assert parse_access(certificate.access or b"")[:3] == (0, 1, 1)


def test_directories_name_every_file(blank: TokenClient) -> None:
    personalise(blank, Profile.of(**SECRETS, keys=["p256"], label="names"))
    manager = TokenManager(blank)
    paths = read_odf(manager.read_file(APPLICATION + b"\x50\x31"))
    assert len(paths) == 7
    for path in paths.values():
        assert path.startswith(b"\x3f\x00")
        blank.link.select(path[2:])
    token = read_token_info(manager.read_file(APPLICATION + b"\x50\x32"))
    assert (token.label, token.serial) == ("names", blank.serial())
    officer, holder = read_pins(manager.read_file(APPLICATION + b"\x44\x01"))
    assert (officer.reference, holder.reference, holder.auth_id) == (3, 1, officer.id)
    assert (holder.min_length, holder.max_length, holder.path.hex()) == (6, 8, "3f005015")


@pytest.mark.parametrize("key_type", ["rsa1024", "p256", "p384"])
def test_keys_for_everything(blank: TokenClient, key_type: str) -> None:
    personalise(blank, Profile.of(**SECRETS, keys=[key_type, key_type]))
    first, second = blank.keys()
    assert (first.label, second.label) == (f"{key_type} key", f"{key_type} key 2")
    for entry in blank.certificates():
        entry.certificate.verify_directly_issued_by(entry.certificate)


def test_key_usage_of_the_certificates() -> None:
    client = tokens.token()
    by_key = {entry.key_reference: entry.certificate for entry in client.certificates()}

    def usage(reference: int) -> set[str]:
        extension = by_key[reference].extensions.get_extension_for_class(x509.KeyUsage)
        assert extension.critical
        names = ["digital_signature", "content_commitment", "key_encipherment"]
        names += ["data_encipherment", "key_agreement", "key_cert_sign", "crl_sign"]
        return {name for name in names if getattr(extension.value, name)}

    signs = {"digital_signature", "content_commitment"}
    deciphers = {"key_encipherment", "data_encipherment"}
    assert usage(tokens.SIGNING) == signs
    assert usage(tokens.DECIPHER) == deciphers
    assert usage(tokens.P256) == signs | {"key_agreement"}
    assert usage(tokens.SMALL) == signs | deciphers


def test_serial_numbers_come_from_the_entropy_passed_in(blank: TokenClient) -> None:
    profile = Profile.of(**SECRETS, keys=["p256"])
    personalise(blank, profile, entropy=lambda size: b"\xff" * size, now=tokens.NOW)
    assert blank.certificate().serial_number == 2**127 - 1
    assert blank.certificate().not_valid_before_utc == tokens.NOW


def test_five_years() -> None:
    leap_day = datetime(2024, 2, 29, tzinfo=UTC)
    assert years_later(leap_day, 5) == datetime(2029, 2, 28, tzinfo=UTC)
    assert years_later(leap_day, 4) == datetime(2028, 2, 29, tzinfo=UTC)


def test_a_token_in_use_needs_its_officer(blank: TokenClient) -> None:
    profile = Profile.of(**SECRETS, so_pin="999999", keys=["p256"])
    personalise(blank, profile)
    with pytest.raises(SecurityStatusError):
        personalise(blank, profile)
    blank.verify_so_pin("999999")
    personalise(blank, Profile.of(pin="654321", puk="87654321", keys=["p384"]))
    blank.verify_pin("654321")
    assert blank.keys()[0].bits == 384


def test_no_keys_at_all(blank: TokenClient) -> None:
    profile = Profile.of(**SECRETS)
    bare = Profile(**{name: getattr(profile, name) for name in Profile.__slots__} | {"keys": ()})
    assert personalise(blank, bare).keys == ()


@pytest.mark.parametrize(
    ("wrong", "kind"),
    [
        ({"pin": "12345"}, PinFormatError),
        ({"puk": "123456789"}, PinFormatError),
        ({"so_pin": ""}, PinFormatError),
        ({"label": ""}, UnsupportedError),
        ({"label": "四" * 11}, UnsupportedError),
        ({"subject": "nobody"}, UnsupportedError),
        ({"keys": ["rsa512"]}, UnsupportedError),
        ({"keys": ["rsa2048:derive"]}, UnsupportedError),
        ({"keys": ["p256:decipher"]}, UnsupportedError),
        ({"keys": ["rsa2048:fly"]}, UnsupportedError),
        ({"keys": ["rsa2048:decipher"]}, UnsupportedError),
    ],
)
def test_profiles_that_cannot_be(wrong: dict[str, object], kind: type[Exception]) -> None:
    with pytest.raises(kind):
        Profile.of(**SECRETS | wrong)


def test_a_key_that_only_authenticates_has_no_directory_entry_to_use() -> None:
    with pytest.raises(UnsupportedError):
        KeySpec("p256", Usage.AUTHENTICATE, "x")


def test_specifications_in_words() -> None:
    assert KeySpec.of("rsa1024:sign") == usual_keys("rsa1024")[0]
    assert KeySpec.of("p256:derive").usage == Usage.DERIVE
    assert KeySpec.of("p256", "mine").label == "mine"
    assert KeySpec.of("p384").usage == Usage.SIGN | Usage.DERIVE | Usage.AUTHENTICATE


def test_no_secret_in_the_repr() -> None:
    text = repr(tokens.PROFILE)
    for secret in (tokens.PIN, tokens.PUK, tokens.SO_PIN, tokens.SO_PUK):
        assert secret not in text
