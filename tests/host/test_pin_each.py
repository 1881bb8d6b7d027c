"""Keys that want the PIN anew for every use: made by the personaliser, used by the client."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.padding import MGF1, OAEP, PKCS1v15

from apdu.pkcs15.read import read_private_keys
from host.client import TokenClient
from host.directory import PRIVATE_KEYS
from host.errors import PinEachTime, SecurityStatusError, WrongPin
from host.manage import TokenManager
from host.memory import MemoryTransport
from host.personalise import Profile, personalise
from host.trace import format_record
from host.usage import Usage
from tests.host import tokens

PIN, PUK = "135790", "97531864"
RSA, CURVE, CIPHER = "rsa1024 key", "p256 key", "decipher key"


@pytest.fixture
def client() -> TokenClient:
    made = TokenClient(MemoryTransport(tokens.blank_card()))
    keys = ["rsa1024", "p256", "rsa1024:decipher"]
    personalise(made, Profile.of(pin=PIN, puk=PUK, keys=keys, pin_each_signature=True))
    return made


def test_the_directory_says_so(client: TokenClient) -> None:
    assert [key.pin_each for key in client.info().keys] == [True, True, False]
    entries = read_private_keys(TokenManager(client).read_file(PRIVATE_KEYS))
    assert [entry.user_consent for entry in entries] == [1, 1, None]
    control = client.link.select(bytes.fromhex("50154B01"))
    assert control.proprietary == b"\x10\x00"


def test_its_certificates_are_signed_all_the_same(client: TokenClient) -> None:
    for entry in client.certificates():
        issuer = client.certificate(RSA) if entry.label == CIPHER else entry.certificate
        entry.certificate.verify_directly_issued_by(issuer)


def test_without_the_pin_the_second_signature_is_refused_in_words(client: TokenClient) -> None:
    client.verify_pin(PIN)
    client.sign(b"x", CURVE)
    with pytest.raises(PinEachTime, match="this key wants the PIN anew for each use"):
        client.sign(b"x", CURVE)
    assert client.pin_status().verified


def test_another_key_says_what_it_always_says(client: TokenClient) -> None:
    with pytest.raises(SecurityStatusError) as refused:
        client.decipher(bytes(128), CIPHER)
    assert not isinstance(refused.value, PinEachTime)


USES: dict[str, Callable[[TokenClient, str | None], object]] = {
    "sign": lambda client, pin: client.sign(b"x", CURVE, pin=pin),
    "pss": lambda client, pin: client.sign(b"x", RSA, padding="pss", pin=pin),
    "digest": lambda client, pin: client.sign_digest(bytes(32), RSA, pin=pin),
    "block": lambda client, pin: client.sign_block(bytes(127) + b"\x02", RSA, pin=pin),
    "on card": lambda client, pin: client.sign_message(b"x", RSA, pin=pin),
    "authenticate": lambda client, pin: client.internal_authenticate(bytes(8), RSA, pin=pin),
    "decipher": lambda client, pin: client.decipher(b"\x01" * 128, RSA, padding="none", pin=pin),
    "derive": lambda client, pin: client.derive(_somebody().public_key(), CURVE, pin=pin),
}


def _somebody() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


@pytest.mark.parametrize("use", USES.values(), ids=USES)
def test_every_use_takes_the_pin_along(
    client: TokenClient, use: Callable[[TokenClient, str | None], object]
) -> None:
    for _ in range(3):
        use(client, PIN)
    with pytest.raises(PinEachTime):
        use(client, None)
    use(client, PIN)


def test_a_wrong_pin_costs_one_try_and_nothing_is_signed(client: TokenClient) -> None:
    with pytest.raises(WrongPin) as wrong:
        client.sign(b"x", CURVE, pin="999999")
    assert wrong.value.tries_left == 5
    assert client.pin_status().tries_left == 5
    client.sign(b"x", CURVE, pin=PIN)
    assert client.pin_status().tries_left == 6


def test_a_key_object_can_keep_the_pin(client: TokenClient) -> None:
    name = x509.Name.from_rfc4514_string("CN=me")
    for label in (RSA, CURVE):
        key = client.private_key(label, pin=PIN)
        assert PIN not in repr(key) and PIN not in repr(vars(client))
        for _ in range(2):
            request = x509.CertificateSigningRequestBuilder(name).sign(key, hashes.SHA256())
            assert request.is_signature_valid
    without = client.private_key(CURVE)
    assert isinstance(without, ec.EllipticCurvePrivateKey)
    with pytest.raises(PinEachTime):
        without.sign(b"x", ec.ECDSA(hashes.SHA256()))


def test_a_key_object_deciphers_and_agrees(client: TokenClient) -> None:
    key, curve = client.private_key(RSA, pin=PIN), client.private_key(CURVE, pin=PIN)
    assert isinstance(key, rsa.RSAPrivateKey) and isinstance(curve, ec.EllipticCurvePrivateKey)
    oaep = OAEP(MGF1(hashes.SHA256()), hashes.SHA256(), None)
    for padding in (PKCS1v15(), oaep):
        assert key.decrypt(key.public_key().encrypt(b"abc", padding), padding) == b"abc"
    peer = _somebody()
    expected = peer.exchange(ec.ECDH(), curve.public_key())
    assert curve.exchange(ec.ECDH(), peer.public_key()) == expected


def test_a_key_from_outside(client: TokenClient) -> None:
    outside = _somebody()
    client.verify_pin(PIN)
    made = TokenManager(client).import_key(
        outside, label="outside", usage=Usage.SIGN, pin_each=True
    )
    assert client.key("outside") == made and made.pin_each
    signature = client.sign(b"x", "outside", pin=PIN)
    outside.public_key().verify(signature, b"x", ec.ECDSA(hashes.SHA256()))
    with pytest.raises(PinEachTime):
        client.sign(b"x", "outside")
    form = (serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    assert client.public_key("outside").public_bytes(*form) == outside.public_key().public_bytes(
        *form
    )


def test_a_key_that_no_directory_names(client: TokenClient) -> None:
    """Its own file says that it wants the PIN each time."""
    client.verify_pin(PIN)
    manager = TokenManager(client)
    manager.write_file(PRIVATE_KEYS, bytes(1530))
    client.refresh()
    assert client.keys() == ()
    assert client.key(1).pin_each and not client.key(3).pin_each


def test_the_pin_is_not_in_the_trace() -> None:
    lines: list[str] = []
    client = tokens.token(trace=lambda record: lines.append(format_record(record)))
    client.sign(b"x", tokens.P256, pin=tokens.PIN)
    text = "\n".join(lines)
    assert "VERIFY" in text
    assert tokens.PIN not in text and tokens.PIN.encode().hex().upper() not in text.replace(" ", "")
