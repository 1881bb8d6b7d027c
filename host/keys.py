"""Keys on a token as `cryptography` takes private keys: whoever takes one can use the card.

A certificate builder, for one, signs with them. The private numbers stay where they are: asking
for them raises `UnsupportedError`. The PIN is the caller's affair, unless the key was given it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn, Self

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa, utils
from cryptography.hazmat.primitives.asymmetric.padding import (
    MGF,
    OAEP,
    PSS,
    AsymmetricPadding,
    PKCS1v15,
)

from host.directory import KeyInfo
from host.errors import KeyChoiceError, UnsupportedError
from host.padding import (
    check_digest,
    digest_of,
    digest_size,
    oaep_message,
    pss_block,
    type_1_block,
)
from host.publickey import CURVES

if TYPE_CHECKING:
    from cryptography.utils import Buffer

    from host.holder import ApplicationClient

_Hashing = utils.Prehashed | hashes.HashAlgorithm


class _KeyOnToken:
    """What keys of both kinds have in common."""

    def __init__(
        self, client: ApplicationClient, key: KeyInfo, pin: str | bytes | None = None
    ) -> None:
        self._client = client
        self._key = key
        self._pin = pin

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, _memo: dict[int, object]) -> Self:
        return self

    @property
    def key_size(self) -> int:
        """Bits of the modulus, or of the curve's field."""
        return self._key.bits

    def private_numbers(self) -> NoReturn:
        """They do not leave the card: UnsupportedError."""
        _stays()

    def private_bytes(self, *_args: object, **_kwargs: object) -> NoReturn:
        """They do not leave the card: UnsupportedError."""
        _stays()

    @property
    def _reference(self) -> int:
        """Where the key is. KeyChoiceError when one of another kind has taken its place."""
        found = self._client.key(self._key.reference)
        if (found.kind, found.bits) != (self._key.kind, self._key.bits):
            raise KeyChoiceError("another key has taken the place of this one on the token")
        return self._key.reference


class TokenRsaKey(_KeyOnToken, rsa.RSAPrivateKey):
    """An RSA key on a token."""

    def __repr__(self) -> str:
        return f"<RSA-{self._key.bits} key {self._key.reference} on a token>"

    def public_key(self) -> rsa.RSAPublicKey:
        """The public key, asked from the card."""
        public = self._client.public_key(self._reference)
        assert isinstance(public, rsa.RSAPublicKey)
        return public

    def sign(
        self,
        data: bytes,
        padding: AsymmetricPadding,
        algorithm: _Hashing | utils.NoDigestInfo,
    ) -> bytes:
        """Sign with PKCS#1 v1.5 or PSS; data that is hashed already comes with `Prehashed`."""
        if isinstance(algorithm, utils.NoDigestInfo):
            _require_pkcs1(padding)
            block = type_1_block(data, self._key.size)
            return self._client.sign_block(block, self._reference, pin=self._pin)
        digest, name = _digest(data, algorithm)
        if isinstance(padding, PSS):
            return self._sign_pss(digest, name, padding)
        _require_pkcs1(padding)
        return self._client.sign_digest(digest, self._reference, hash=name, pin=self._pin)

    def decrypt(self, ciphertext: bytes, padding: AsymmetricPadding) -> bytes:
        """Decipher PKCS#1 v1.5 or OAEP."""
        if not isinstance(padding, OAEP):
            _require_pkcs1(padding)
            return self._client.decipher(
                ciphertext, self._reference, padding="pkcs1", pin=self._pin
            )
        block = self._client.decipher(ciphertext, self._reference, padding="none", pin=self._pin)
        label = padding._label or b""  # noqa: SLF001
        return oaep_message(block, _name(padding.algorithm), label, _mask_name(padding.mgf))

    def _sign_pss(self, digest: bytes, name: str, padding: PSS) -> bytes:
        salt = self._client.entropy(self._salt_length(padding, len(digest)))
        block = pss_block(digest, name, salt, self._key.bits, _mask_name(padding.mgf))
        return self._client.sign_block(block, self._reference, pin=self._pin)

    def _salt_length(self, padding: PSS, digest_length: int) -> int:
        """PSS takes a number, or an object that stands for one."""
        asked = padding._salt_length  # noqa: SLF001
        if isinstance(asked, int):
            return asked
        if asked is PSS.DIGEST_LENGTH:
            return digest_length
        if asked is PSS.MAX_LENGTH:
            return -(-(self._key.bits - 1) // 8) - digest_length - 2
        raise UnsupportedError("this length of the salt is for verifying only")


class TokenEcKey(_KeyOnToken, ec.EllipticCurvePrivateKey):
    """A key on a curve, on a token."""

    def __repr__(self) -> str:
        return f"<{self.curve.name} key {self._key.reference} on a token>"

    @property
    def curve(self) -> ec.EllipticCurve:
        """The curve."""
        return CURVES[self._key.bits]

    def public_key(self) -> ec.EllipticCurvePublicKey:
        """The public key, asked from the card."""
        public = self._client.public_key(self._reference)
        assert isinstance(public, ec.EllipticCurvePublicKey)
        return public

    def sign(self, data: Buffer, signature_algorithm: ec.EllipticCurveSignatureAlgorithm) -> bytes:
        """ECDSA: DER of r and s. The card chooses its own random numbers."""
        if not isinstance(signature_algorithm, ec.ECDSA):
            raise UnsupportedError("keys on curves sign with ECDSA only")
        if signature_algorithm.deterministic_signing:
            raise UnsupportedError("the card does not sign deterministically (RFC 6979)")
        digest, name = _digest(bytes(memoryview(data)), signature_algorithm.algorithm)
        return self._client.sign_digest(digest, self._reference, hash=name, pin=self._pin)

    def exchange(self, algorithm: ec.ECDH, peer_public_key: ec.EllipticCurvePublicKey) -> bytes:
        """ECDH: the shared x coordinate."""
        if not isinstance(algorithm, ec.ECDH):
            raise UnsupportedError("keys on curves agree by ECDH only")
        if peer_public_key.curve.name != self.curve.name:
            raise UnsupportedError(f"this key agrees on {self.curve.name} only")
        return self._client.derive(peer_public_key, self._reference, pin=self._pin)


TokenPrivateKey = TokenRsaKey | TokenEcKey


def token_private_key(
    client: ApplicationClient, key: KeyInfo, pin: str | bytes | None = None
) -> TokenPrivateKey:
    """The key as an object of its kind, which presents `pin`, if given, before each use."""
    if key.kind == "rsa":
        return TokenRsaKey(client, key, pin)
    if key.bits not in CURVES:
        raise UnsupportedError(f"no curve of {key.bits} bits is known here")
    return TokenEcKey(client, key, pin)


def _digest(data: bytes, algorithm: _Hashing) -> tuple[bytes, str]:
    """The digest, and the name of its hash."""
    if isinstance(algorithm, utils.Prehashed):
        name = _name(algorithm._algorithm)  # noqa: SLF001
        check_digest(data, name)
        return data, name
    name = _name(algorithm)
    return digest_of(data, name), name


def _name(algorithm: hashes.HashAlgorithm) -> str:
    digest_size(algorithm.name)
    return algorithm.name


def _mask_name(mgf: MGF) -> str:
    return _name(mgf._algorithm)  # noqa: SLF001


def _require_pkcs1(padding: AsymmetricPadding) -> None:
    if not isinstance(padding, PKCS1v15):
        raise UnsupportedError(f"the token's RSA keys have no padding {padding.name}")


def _stays() -> NoReturn:
    raise UnsupportedError("a private key on a token does not leave it")
