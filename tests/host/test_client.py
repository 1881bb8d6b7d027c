"""Every function of the client against the chip, on every way to it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa, utils
from cryptography.hazmat.primitives.asymmetric.padding import MGF1, OAEP, PSS, PKCS1v15

from host.client import TokenClient
from host.errors import (
    AnswerError,
    ConditionsError,
    DecipherError,
    KeyChoiceError,
    NotFound,
    PinBlocked,
    PinFormatError,
    SecurityStatusError,
    UnsupportedError,
    WrongLength,
    WrongPin,
)
from host.holder import ApplicationClient
from host.info import Phase, PinState
from host.manage import KeyRules, TokenManager
from host.memory import MemoryTransport
from host.usage import Usage
from tests.host import tokens
from tests.host.conftest import Connect
from tests.host.tokens import DECIPHER, P256, P384, SIGNING, SMALL
from tests.host_piv import tokens as piv_tokens
from ushield.tokens import new_token

MESSAGE = b"pay 100.00 CNY to Li Lei"
ALGORITHMS: dict[str, hashes.HashAlgorithm] = {
    "sha1": hashes.SHA1(),
    "sha256": hashes.SHA256(),
    "sha384": hashes.SHA384(),
    "sha512": hashes.SHA512(),
}


def rsa_key(client: TokenClient, reference: int) -> rsa.RSAPublicKey:
    key = client.public_key(reference)
    assert isinstance(key, rsa.RSAPublicKey)
    return key


def ec_key(client: TokenClient, reference: int) -> ec.EllipticCurvePublicKey:
    key = client.public_key(reference)
    assert isinstance(key, ec.EllipticCurvePublicKey)
    return key


# What the token says of itself


def test_info(client: TokenClient) -> None:
    info = client.info()
    assert info.label == client.label() == "Lí Lěi's key"
    assert info.serial == client.serial()
    assert len(info.serial) == 10
    assert info.phase is client.life_cycle() is Phase.ACTIVATED
    assert (info.pin_tries_left, info.puk_tries_left) == (6, 10)
    assert [key.label for key in info.keys] == [spec.label for spec in tokens.PROFILE.keys]
    assert [entry.key_reference for entry in info.certificates] == [1, 2, 3, 4, 5]
    subjects = {entry.certificate.subject for entry in info.certificates}
    assert subjects == {tokens.PROFILE.subject}


def test_a_blank_token(connect: Connect) -> None:
    client = TokenClient(connect(tokens.blank_card()))
    info = client.info()
    assert (info.label, info.keys, info.certificates) == ("", (), ())
    assert (info.pin_tries_left, info.puk_tries_left) == (None, None)
    assert info.phase is Phase.MANUFACTURED
    assert "blank" in info.phase.words
    with pytest.raises(KeyChoiceError):
        client.sign(MESSAGE)
    with pytest.raises(NotFound):
        client.certificate()


def test_keys(client: TokenClient) -> None:
    signing, decipher, curve, small, large = client.keys()
    assert (signing.reference, signing.kind, signing.bits, signing.size) == (1, "rsa", 2048, 256)
    assert signing.usage == {"sign", "nonRepudiation"}
    assert decipher.usage == {"decrypt", "unwrap"}
    assert (curve.kind, curve.bits, curve.size) == ("ec", 256, 32)
    assert small.usage == {"sign", "nonRepudiation", "decrypt", "unwrap"}
    assert large.id == b"\x05"


def test_certificates(client: TokenClient) -> None:
    first = client.certificate()
    assert first == client.certificate(SIGNING) == client.certificate("signing")
    for key in client.info().keys:
        certificate = client.certificate(key.reference)
        assert certificate.public_key() == client.public_key(key.label)
        assert client.certificate_der(key.label) == client.certificate_der(key.reference)
    assert first.not_valid_before_utc == tokens.NOW
    assert first.not_valid_after_utc == datetime(2030, 3, 1, 12, tzinfo=UTC)


def test_no_certificate_for_a_key_that_is_not_there(client: TokenClient) -> None:
    with pytest.raises(KeyChoiceError, match="reference 9"):
        client.certificate(9)
    with pytest.raises(KeyChoiceError, match="nobody"):
        client.certificate("nobody")


def test_challenges(client: TokenClient) -> None:
    for length in (1, 8, 255, 256, 257, 600):
        assert len(client.challenge(length)) == length
    assert client.challenge(16) != client.challenge(16)
    assert client.challenge(0) == b""
    with pytest.raises(UnsupportedError):
        client.challenge(-1)


# PINs


def test_a_wrong_pin_carries_the_tries_left(client: TokenClient) -> None:
    for left in (5, 4):
        with pytest.raises(WrongPin) as caught:
            client.verify_pin("000000")
        assert caught.value.tries_left == left
    assert client.info().pin_tries_left == 4
    client.verify_pin(tokens.PIN)
    assert client.info().pin_tries_left == 6


def test_the_sixth_wrong_pin_blocks(client: TokenClient) -> None:
    for _ in range(5):
        with pytest.raises(WrongPin):
            client.verify_pin("000000")
    with pytest.raises(PinBlocked):
        client.verify_pin("000000")
    with pytest.raises(PinBlocked):
        client.verify_pin(tokens.PIN)
    with pytest.raises(PinBlocked):
        client.sign(MESSAGE)
    assert client.life_cycle() is Phase.PIN_BLOCKED
    assert client.pin_status() == PinState(verified=False, tries_left=0)
    client.unblock_pin(tokens.PUK, "222222")
    client.verify_pin("222222")
    assert client.life_cycle() is Phase.ACTIVATED
    assert client.pin_status() == PinState(verified=True, tries_left=6)


def test_pin_status_spends_no_try(client: TokenClient) -> None:
    for _ in range(10):
        assert client.pin_status() == PinState(verified=False, tries_left=6)
    client.verify_pin(tokens.PIN)
    assert client.pin_status().verified
    assert not client.pin_status(3).verified
    with pytest.raises(NotFound):
        client.pin_status(2)


def test_change_pin(client: TokenClient) -> None:
    client.change_pin(tokens.PIN, b"12345678")
    client.logout()
    with pytest.raises(WrongPin):
        client.verify_pin(tokens.PIN)
    client.verify_pin("12345678")


def test_a_change_with_a_wrong_pin_spends_a_try(client: TokenClient) -> None:
    with pytest.raises(WrongPin) as caught:
        client.change_pin("000000", "12345678")
    assert caught.value.tries_left == 5
    client.verify_pin(tokens.PIN)


def test_a_wrong_puk_counts_its_own_tries(client: TokenClient) -> None:
    with pytest.raises(WrongPin) as caught:
        client.unblock_pin("00000000", "222222")
    assert caught.value.tries_left == 9
    assert (client.info().pin_tries_left, client.info().puk_tries_left) == (6, 9)


def test_pins_that_cannot_be_are_not_sent(client: TokenClient) -> None:
    for pin in ("", "123456789", b"\xff" * 8):
        with pytest.raises(PinFormatError):
            client.verify_pin(pin)
        with pytest.raises(PinFormatError):
            client.unblock_pin(tokens.PUK, pin)
    for pin in ("12345", "123456789"):
        with pytest.raises(PinFormatError):
            client.change_pin(tokens.PIN, pin)
    assert client.info().pin_tries_left == 6
    assert client.info().puk_tries_left == 10


def test_logout_and_reset_and_select_forget_the_pin(holder: TokenClient) -> None:
    holder.sign(MESSAGE)
    for forget in (holder.logout, holder.reset, holder.select):
        forget()
        with pytest.raises(SecurityStatusError):
            holder.sign(MESSAGE)
        holder.verify_pin(tokens.PIN)
        holder.sign(MESSAGE)


# Signatures


@pytest.mark.parametrize("name", ALGORITHMS)
@pytest.mark.parametrize("key", [SIGNING, SMALL])
def test_pkcs1(holder: TokenClient, key: int, name: str) -> None:
    signature = holder.sign(MESSAGE, key, hash=name)
    rsa_key(holder, key).verify(signature, MESSAGE, PKCS1v15(), ALGORITHMS[name])
    assert holder.verify_signature(signature, MESSAGE, key, hash=name)
    assert holder.check_signature(signature, MESSAGE, key, hash=name)
    assert not holder.verify_signature(signature, MESSAGE + b"0", key, hash=name)
    assert not holder.check_signature(signature, MESSAGE + b"0", key, hash=name)
    altered = signature[:-1] + bytes((signature[-1] ^ 1,))
    assert not holder.verify_signature(altered, MESSAGE, key, hash=name)


@pytest.mark.parametrize(
    ("key", "name"), [(SIGNING, "sha256"), (SIGNING, "sha512"), (SMALL, "sha1")]
)
def test_pss(holder: TokenClient, key: int, name: str) -> None:
    algorithm = ALGORITHMS[name]
    signature = holder.sign(MESSAGE, key, hash=name, padding="pss")
    scheme = PSS(MGF1(algorithm), PSS.DIGEST_LENGTH)
    rsa_key(holder, key).verify(signature, MESSAGE, scheme, algorithm)
    assert holder.check_signature(signature, MESSAGE, key, hash=name, padding="pss")
    assert signature != holder.sign(MESSAGE, key, hash=name, padding="pss")


@pytest.mark.parametrize("name", ALGORITHMS)
@pytest.mark.parametrize("key", [P256, P384])
def test_ecdsa(holder: TokenClient, key: int, name: str) -> None:
    signature = holder.sign(MESSAGE, key, hash=name)
    ec_key(holder, key).verify(signature, MESSAGE, ec.ECDSA(ALGORITHMS[name]))
    assert holder.verify_signature(signature, MESSAGE, key, hash=name)
    assert holder.check_signature(signature, MESSAGE, key, hash=name)
    assert not holder.verify_signature(signature, b"other", key, hash=name)
    assert not holder.check_signature(signature, b"other", key, hash=name)


@pytest.mark.parametrize("key", [SIGNING, "signing", None])
def test_keys_are_chosen_by_reference_label_or_use(
    holder: TokenClient, key: int | str | None
) -> None:
    signature = holder.sign(MESSAGE, key)
    rsa_key(holder, SIGNING).verify(signature, MESSAGE, PKCS1v15(), hashes.SHA256())


def test_digests(holder: TokenClient) -> None:
    digest = hashlib.sha256(MESSAGE).digest()
    for key in (SIGNING, P256, SIGNING, SIGNING, P256, P256):
        assert holder.verify_signature(holder.sign_digest(digest, key), MESSAGE, key)
    with pytest.raises(UnsupportedError, match="32 bytes, not 20"):
        holder.sign_digest(bytes(20))
    with pytest.raises(UnsupportedError, match="md5"):
        holder.sign(MESSAGE, hash="md5")
    with pytest.raises(UnsupportedError, match="x931"):
        holder.sign(MESSAGE, padding="x931")  # type: ignore[arg-type]


def test_pss_with_too_short_a_key(holder: TokenClient) -> None:
    with pytest.raises(UnsupportedError, match="too short"):
        holder.sign(MESSAGE, SMALL, hash="sha512", padding="pss")


@pytest.mark.parametrize("key", [SIGNING, SMALL, P256, P384])
def test_sign_message(holder: TokenClient, key: int) -> None:
    message = bytes(range(256)) * 5
    assert holder.verify_signature(holder.sign_message(message, key), message, key)


def test_hash_on_card(client: TokenClient) -> None:
    for message in (b"abc", bytes(255), bytes(256), bytes(65000)):
        assert client.hash_on_card(message) == hashlib.sha256(message).digest()
    with pytest.raises(UnsupportedError, match="65535"):
        client.hash_on_card(bytes(65536))


def test_sign_block(holder: TokenClient) -> None:
    digest = hashlib.sha256(MESSAGE).digest()
    payload = bytes.fromhex("3031300d060960864801650304020105000420") + digest
    block = b"\x00\x01" + b"\xff" * (256 - 3 - len(payload)) + b"\x00" + payload
    assert holder.sign_block(block) == holder.sign(MESSAGE)
    signature = holder.sign_block(digest, P256)
    prehashed = ec.ECDSA(utils.Prehashed(hashes.SHA256()))
    ec_key(holder, P256).verify(signature, digest, prehashed)


@pytest.mark.parametrize("key", [SIGNING, SMALL, P256, P384])
def test_internal_authenticate(holder: TokenClient, key: int) -> None:
    challenge = holder.challenge(16)
    assert holder.verify_signature(holder.internal_authenticate(challenge, key), challenge, key)
    with pytest.raises(WrongLength):
        holder.internal_authenticate(bytes(7), key)


def test_nothing_works_without_the_pin(client: TokenClient) -> None:
    peer = ec.generate_private_key(ec.SECP256R1()).public_key()
    uses: tuple[Callable[[], bytes], ...] = (
        lambda: client.sign(MESSAGE),
        lambda: client.sign(MESSAGE, P256),
        lambda: client.sign(MESSAGE, padding="pss"),
        lambda: client.sign_message(MESSAGE),
        lambda: client.internal_authenticate(bytes(8)),
        lambda: client.decipher(bytes(256)),
        lambda: client.derive(peer, P256),
    )
    for use in uses:
        with pytest.raises(SecurityStatusError):
            use()


def test_a_key_does_only_what_it_is_for(holder: TokenClient) -> None:
    with pytest.raises(ConditionsError):
        holder.sign(MESSAGE, DECIPHER)
    with pytest.raises(ConditionsError):
        holder.decipher(bytes(256), SIGNING)
    with pytest.raises(ConditionsError):
        holder.internal_authenticate(bytes(8), DECIPHER)
    for wrong in (P256, "curve"):
        with pytest.raises(UnsupportedError):
            holder.decipher(bytes(256), wrong)
        with pytest.raises(UnsupportedError):
            holder.encipher(b"x", wrong)
    with pytest.raises(UnsupportedError):
        holder.derive(ec.generate_private_key(ec.SECP256R1()).public_key(), SIGNING)


@pytest.mark.parametrize("key", [SIGNING, P256])
def test_a_block_is_what_is_given_not_what_was_hashed_before(holder: TokenClient, key: int) -> None:
    holder.hash_on_card(MESSAGE)
    for block in (b"", bytes(100)) if key == SIGNING else (b"",):
        with pytest.raises(UnsupportedError):
            holder.sign_block(block, key)


@pytest.mark.parametrize(
    "act",
    [
        lambda client: client.sign(MESSAGE, padding="PSS"),
        lambda client: client.check_signature(bytes(256), MESSAGE, padding="bogus"),
        lambda client: client.encipher(MESSAGE, padding="none"),
        lambda client: client.decipher(bytes(256), padding="OAEP"),
    ],
)
@pytest.mark.parametrize("kind", ["pkcs15", "piv"])
def test_a_padding_that_is_none(kind: str, act: Callable[[ApplicationClient], object]) -> None:
    client: ApplicationClient = tokens.token() if kind == "pkcs15" else piv_tokens.token()
    client.verify_pin(tokens.PIN)
    with pytest.raises(UnsupportedError, match="no padding '"):
        act(client)


def test_none_is_the_key_that_signs_wherever_no_use_is_said() -> None:
    client = new_token(pin=tokens.PIN, keys=["rsa1024:decipher", "p256:sign"])
    client.verify_pin(tokens.PIN)
    signature = client.sign(MESSAGE)
    certified = client.certificate().public_key()
    assert certified == client.public_key() == client.private_key().public_key()
    assert isinstance(certified, ec.EllipticCurvePublicKey)
    certified.verify(signature, MESSAGE, ec.ECDSA(hashes.SHA256()))
    assert client.check_signature(signature, MESSAGE)


def test_a_cryptogram_above_the_modulus(holder: TokenClient) -> None:
    piv = piv_tokens.token()
    for padding in ("pkcs1", "oaep", "none"):
        with pytest.raises(DecipherError):
            holder.decipher(b"\xff" * 256, padding=padding)
        with pytest.raises(DecipherError):
            piv.decipher(b"\xff" * 128, 0x9D, padding=padding, pin=piv_tokens.PIN)


def test_where_random_bytes_come_from_may_change(holder: TokenClient) -> None:
    holder.sign(MESSAGE, SIGNING, padding="pss")
    holder.entropy = bytes
    first, second = (holder.sign(MESSAGE, SIGNING, padding="pss") for _ in range(2))
    assert first == second


# Secrets


@pytest.mark.parametrize("key", [None, DECIPHER, SMALL])
def test_pkcs1_cryptograms(holder: TokenClient, key: int | None) -> None:
    assert holder.decipher(holder.encipher(MESSAGE, key), key) == MESSAGE
    public = rsa_key(holder, key or DECIPHER)
    most = public.key_size // 8 - 11
    assert holder.decipher(public.encrypt(MESSAGE, PKCS1v15()), key) == MESSAGE
    assert holder.decipher(public.encrypt(b"", PKCS1v15()), key) == b""
    assert holder.decipher(holder.encipher(b"", key), key) == b""
    with pytest.raises(UnsupportedError, match=f"{most} bytes at most"):
        holder.encipher(bytes(most + 1), key)
    holder.encipher(bytes(most), key)


@pytest.mark.parametrize("name", ["sha1", "sha256", "sha384"])
def test_oaep_cryptograms(holder: TokenClient, name: str) -> None:
    algorithm = ALGORITHMS[name]
    scheme = OAEP(MGF1(algorithm), algorithm, b"label")
    cryptogram = rsa_key(holder, DECIPHER).encrypt(MESSAGE, scheme)
    plain = holder.decipher(cryptogram, padding="oaep", hash=name, label=b"label")
    assert plain == MESSAGE
    with pytest.raises(DecipherError):
        holder.decipher(cryptogram, padding="oaep", hash=name)


def test_oaep_enciphered_here(holder: TokenClient) -> None:
    cryptogram = holder.encipher(MESSAGE, padding="oaep")
    assert holder.decipher(cryptogram, padding="oaep") == MESSAGE
    with pytest.raises(UnsupportedError, match="190 bytes at most"):
        holder.encipher(bytes(191), padding="oaep")


def test_a_damaged_pkcs1_cryptogram_tells_nothing(holder: TokenClient) -> None:
    cryptogram = rsa_key(holder, DECIPHER).encrypt(MESSAGE, PKCS1v15())
    assert holder.decipher(cryptogram[:-1] + bytes((cryptogram[-1] ^ 1,))) != MESSAGE


def test_the_whole_block(holder: TokenClient) -> None:
    cryptogram = rsa_key(holder, SMALL).encrypt(MESSAGE, PKCS1v15())
    block = holder.decipher(cryptogram, SMALL, padding="none")
    assert len(block) == 128
    assert block.startswith(b"\x00\x02")
    assert block.endswith(b"\x00" + MESSAGE)


@pytest.mark.parametrize(
    ("key", "curve"), [(P256, ec.SECP256R1()), (P384, ec.SECP384R1()), (None, ec.SECP256R1())]
)
def test_derive(holder: TokenClient, key: int | None, curve: ec.EllipticCurve) -> None:
    peer = ec.generate_private_key(curve)
    secret = holder.derive(peer.public_key(), key)
    assert secret == peer.exchange(ec.ECDH(), ec_key(holder, key or P256))


# What the client remembers


def test_keys_that_come_and_go(holder: TokenClient) -> None:
    manager = TokenManager(holder)
    new = manager.generate_key("p256", label="new", usage=Usage.SIGN)
    assert new.reference == 6
    assert holder.keys()[-1] == new
    assert holder.verify_signature(holder.sign(MESSAGE, "new"), MESSAGE, "new")


def test_a_key_outside_the_directory(holder: TokenClient) -> None:
    """Named by reference, it is looked up in its key file."""
    manager = TokenManager(holder)
    reference = manager._create_key_file("", "ec", 256, KeyRules(Usage.SIGN)).reference
    holder.link.command(0x46, 0)
    assert holder.verify_signature(holder.sign(MESSAGE, reference), MESSAGE, reference)
    with pytest.raises(KeyChoiceError, match="reference 99"):
        holder.sign(MESSAGE, 99)


def test_the_client_closes_the_transport() -> None:
    transport = MemoryTransport(tokens.token_card())
    with TokenClient(transport) as client:
        client.serial()
    assert not transport._card._powered  # type: ignore[attr-defined]


class Liar(MemoryTransport):
    """Answers GET DATA with nonsense."""

    nonsense = b"\xff\xff\x90\x00"

    def transmit(self, command: bytes, /) -> bytes:
        if command[1] in (0xCA, 0xCB):
            return self.nonsense
        return super().transmit(command)


def test_answers_that_cannot_be_understood() -> None:
    client = TokenClient(Liar(tokens.token_card()))
    for ask in (client.tries, client.life_cycle, client.certificate, client.public_key):
        with pytest.raises(AnswerError):
            ask()
    with pytest.raises(AnswerError):
        client.public_key(P256)
    assert client.label() == "��"
