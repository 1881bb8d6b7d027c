"""Keys on a token where `cryptography` takes private keys."""

from __future__ import annotations

import copy
from datetime import timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa, utils
from cryptography.hazmat.primitives.asymmetric.padding import (
    MGF1,
    OAEP,
    PSS,
    AsymmetricPadding,
    PKCS1v15,
)
from cryptography.hazmat.primitives.serialization import pkcs7

from host.client import TokenClient
from host.errors import ConditionsError, KeyChoiceError, UnsupportedError
from host.keys import TokenEcKey, TokenRsaKey
from host.piv.manage import PivManager, read_management_key
from tests.host import tokens
from tests.host.tokens import DECIPHER, P256, P384, SIGNING, SMALL
from tests.host_piv import tokens as piv_tokens

MESSAGE = b"pay 100.00 CNY to Li Lei"
SHA256 = hashes.SHA256()


@pytest.fixture
def token() -> TokenClient:
    client = tokens.token()
    client.verify_pin(tokens.PIN)
    return client


def rsa_key(token: TokenClient, reference: int = SIGNING) -> TokenRsaKey:
    key = token.private_key(reference)
    assert isinstance(key, TokenRsaKey)
    return key


def ec_key(token: TokenClient, reference: int = P256) -> TokenEcKey:
    key = token.private_key(reference)
    assert isinstance(key, TokenEcKey)
    return key


def test_kinds(token: TokenClient) -> None:
    assert isinstance(token.private_key(), rsa.RSAPrivateKey)
    assert isinstance(token.private_key("curve"), ec.EllipticCurvePrivateKey)
    assert rsa_key(token).key_size == 2048
    assert ec_key(token, P384).key_size == 384
    assert ec_key(token, P384).curve.name == "secp384r1"
    assert repr(rsa_key(token)) == "<RSA-2048 key 1 on a token>"
    assert repr(ec_key(token)) == "<secp256r1 key 3 on a token>"


@pytest.mark.parametrize("reference", [SIGNING, SMALL, P256, P384])
def test_a_certificate_builder_signs_with_it(token: TokenClient, reference: int) -> None:
    key = token.private_key(reference)
    name = tokens.PROFILE.subject
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(tokens.NOW)
        .not_valid_after(tokens.NOW + timedelta(days=1))
        .sign(key, SHA256)
    )
    certificate.verify_directly_issued_by(certificate)


def test_a_certificate_builder_signs_with_pss(token: TokenClient) -> None:
    key = token.private_key()
    name = tokens.PROFILE.subject
    builder = x509.CertificateSigningRequestBuilder().subject_name(name)
    request = builder.sign(key, SHA256, rsa_padding=PSS(MGF1(SHA256), PSS.DIGEST_LENGTH))
    assert request.is_signature_valid


@pytest.mark.parametrize("reference", [SIGNING, P256])
def test_a_signed_message(token: TokenClient, reference: int) -> None:
    message = (
        pkcs7.PKCS7SignatureBuilder()
        .set_data(MESSAGE)
        .add_signer(token.certificate(reference), token.private_key(reference), SHA256)
        .sign(serialization.Encoding.DER, [pkcs7.PKCS7Options.DetachedSignature])
    )
    assert pkcs7.load_der_pkcs7_certificates(message) == [token.certificate(reference)]


@pytest.mark.parametrize(
    "padding",
    [
        PKCS1v15(),
        PSS(MGF1(SHA256), PSS.DIGEST_LENGTH),
        PSS(MGF1(SHA256), PSS.MAX_LENGTH),
        PSS(MGF1(SHA256), 0),
        PSS(MGF1(SHA256), 20),
    ],
    ids=["pkcs1", "pss", "pss-longest", "pss-0", "pss-20"],
)
def test_rsa_signatures(token: TokenClient, padding: AsymmetricPadding) -> None:
    key = rsa_key(token)
    public = key.public_key()
    public.verify(key.sign(MESSAGE, padding, SHA256), MESSAGE, padding, SHA256)
    prehashed = utils.Prehashed(SHA256)
    signature = key.sign(hashlib_sha256(MESSAGE), padding, prehashed)
    public.verify(signature, MESSAGE, padding, SHA256)


def hashlib_sha256(message: bytes) -> bytes:
    digest = hashes.Hash(SHA256)
    digest.update(message)
    return digest.finalize()


def test_payloads_as_given(token: TokenClient) -> None:
    key = rsa_key(token)
    signature = key.sign(b"as given", PKCS1v15(), utils.NoDigestInfo())
    recovered = key.public_key().recover_data_from_signature(signature, PKCS1v15(), None)
    assert recovered == b"as given"
    with pytest.raises(UnsupportedError, match="too many"):
        key.sign(bytes(246), PKCS1v15(), utils.NoDigestInfo())


def test_a_foreign_mask_hash_on_a_key_for_everything(token: TokenClient) -> None:
    padding = PSS(MGF1(hashes.SHA1()), 20)
    key = rsa_key(token, SMALL)
    key.public_key().verify(key.sign(MESSAGE, padding, SHA256), MESSAGE, padding, SHA256)


@pytest.mark.parametrize(
    "padding",
    [
        PKCS1v15(),
        OAEP(MGF1(SHA256), SHA256, None),
        OAEP(MGF1(hashes.SHA1()), SHA256, b"label"),
    ],
    ids=["pkcs1", "oaep", "oaep-label"],
)
def test_deciphering(token: TokenClient, padding: AsymmetricPadding) -> None:
    key = rsa_key(token, DECIPHER)
    assert key.decrypt(key.public_key().encrypt(MESSAGE, padding), padding) == MESSAGE


@pytest.mark.parametrize("reference", [P256, P384])
def test_ecdsa_and_ecdh(token: TokenClient, reference: int) -> None:
    key = ec_key(token, reference)
    for algorithm in (SHA256, hashes.SHA384()):
        signature = key.sign(MESSAGE, ec.ECDSA(algorithm))
        key.public_key().verify(signature, MESSAGE, ec.ECDSA(algorithm))
    peer = ec.generate_private_key(key.curve)
    assert key.exchange(ec.ECDH(), peer.public_key()) == peer.exchange(ec.ECDH(), key.public_key())


def test_numbers_stay_on_the_card(token: TokenClient) -> None:
    for key in (rsa_key(token), ec_key(token)):
        with pytest.raises(UnsupportedError, match="does not leave"):
            key.private_numbers()
        with pytest.raises(UnsupportedError, match="does not leave"):
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )


def test_copies_are_the_key(token: TokenClient) -> None:
    for key in (rsa_key(token), ec_key(token)):
        assert copy.copy(key) is copy.deepcopy(key) is key


def test_what_these_keys_do_not_have(token: TokenClient) -> None:
    key, curve = rsa_key(token), ec_key(token)
    with pytest.raises(UnsupportedError):
        key.sign(MESSAGE, OAEP(MGF1(SHA256), SHA256, None), SHA256)
    with pytest.raises(UnsupportedError):
        key.sign(MESSAGE, PSS(MGF1(SHA256), PSS.AUTO), SHA256)
    with pytest.raises(UnsupportedError):
        key.sign(MESSAGE, PKCS1v15(), hashes.MD5())
    with pytest.raises(UnsupportedError):
        key.decrypt(bytes(256), PSS(MGF1(SHA256), 0))
    with pytest.raises(UnsupportedError):
        curve.exchange(ec.ECDH(), ec.generate_private_key(ec.SECP384R1()).public_key())
    with pytest.raises(UnsupportedError):
        curve.sign(MESSAGE, ec.ECDSA(SHA256, deterministic_signing=True))


@pytest.mark.parametrize("length", [0, 31, 33, 40])
def test_a_digest_of_another_length(token: TokenClient, length: int) -> None:
    hashed, digest = utils.Prehashed(SHA256), bytes(length)
    for padding in (PKCS1v15(), PSS(MGF1(SHA256), 32)):
        with pytest.raises(UnsupportedError, match=f"32 bytes, not {length}"):
            rsa_key(token).sign(digest, padding, hashed)
    with pytest.raises(UnsupportedError, match=f"32 bytes, not {length}"):
        ec_key(token).sign(digest, ec.ECDSA(hashed))


def test_a_number_is_no_message(token: TokenClient) -> None:
    with pytest.raises(TypeError):
        ec_key(token).sign(5, ec.ECDSA(SHA256))  # type: ignore[arg-type]


def test_parameters_by_name(token: TokenClient) -> None:
    """As `cryptography` calls them."""
    key = ec_key(token)
    peer = ec.generate_private_key(key.curve)
    shared = key.exchange(algorithm=ec.ECDH(), peer_public_key=peer.public_key())
    assert shared == peer.exchange(ec.ECDH(), key.public_key())


def test_a_key_whose_place_another_has_taken() -> None:
    client = piv_tokens.token()
    key = client.private_key(0x9A, pin=piv_tokens.PIN)
    assert isinstance(key, TokenRsaKey)
    manager = PivManager(client)
    manager.authenticate(read_management_key(piv_tokens.ADMIN))
    manager.generate_key(0x9A, "p256")
    for act in (lambda: key.sign(MESSAGE, PKCS1v15(), SHA256), key.public_key):
        with pytest.raises(KeyChoiceError, match="another key has taken the place"):
            act()


def test_the_card_still_decides(token: TokenClient) -> None:
    with pytest.raises(ConditionsError):
        rsa_key(token, DECIPHER).sign(MESSAGE, PKCS1v15(), SHA256)
