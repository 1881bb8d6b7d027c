"""What a host does with the public half of a token's key, without the card."""

from __future__ import annotations

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.padding import MGF1, OAEP, PSS, PKCS1v15

from host.errors import UnsupportedError
from host.padding import CipherPadding, SignPadding, check_length, check_padding, digest_size
from host.publickey import PublicKey

_HASHES: dict[str, type[hashes.HashAlgorithm]] = {
    "sha1": hashes.SHA1,
    "sha224": hashes.SHA224,
    "sha256": hashes.SHA256,
    "sha384": hashes.SHA384,
    "sha512": hashes.SHA512,
}


def is_signature(
    certificate: x509.Certificate,
    signature: bytes,
    message: bytes,
    hash_name: str,
    *,
    padding: SignPadding,
) -> bool:
    """Whether this is the signature of the certificate's key; PSS with a salt of any length."""
    digest_size(hash_name)
    check_padding(padding, "pkcs1", "pss")
    algorithm = _HASHES[hash_name]()
    key = key_of(certificate)
    try:
        if isinstance(key, rsa.RSAPublicKey):
            scheme = PKCS1v15() if padding == "pkcs1" else PSS(MGF1(algorithm), PSS.AUTO)
            key.verify(signature, message, scheme, algorithm)
        else:
            key.verify(signature, message, ec.ECDSA(algorithm))
    except InvalidSignature:
        return False
    return True


def key_of(certificate: x509.Certificate) -> PublicKey:
    """Its public key. UnsupportedError for a kind of key that no token has."""
    try:
        key = certificate.public_key()
    except (UnsupportedAlgorithm, ValueError):
        key = None
    if not isinstance(key, rsa.RSAPublicKey | ec.EllipticCurvePublicKey):
        raise UnsupportedError("the certificate is for another kind of key than tokens have")
    return key


def encipher(key: PublicKey, plain: bytes, padding: CipherPadding) -> bytes:
    """Encipher as a token's key deciphers by default: OAEP has SHA-256 and no label."""
    if not isinstance(key, rsa.RSAPublicKey):
        raise UnsupportedError("a key on a curve enciphers nothing")
    check_length(plain, key.key_size // 8, padding)
    algorithm = hashes.SHA256()
    scheme = PKCS1v15() if padding == "pkcs1" else OAEP(MGF1(algorithm), algorithm, None)
    try:
        return key.encrypt(plain, scheme)
    except ValueError:
        raise UnsupportedError("nothing can be enciphered for this key") from None
