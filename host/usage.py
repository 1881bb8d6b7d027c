"""What a key may be used for, in the three languages that say it.

The chip's own (tag 95 in the control parameters of a key file), PKCS#15's key usage flags, and
the key usage of an X.509 certificate.
"""

from __future__ import annotations

from cryptography import x509

from apdu.edge import Usage
from host.errors import UnsupportedError

__all__ = ["Usage", "certificate_usage", "check_usage", "private_key_flags", "public_key_flags"]

_PRIVATE = {
    Usage.SIGN: {"sign", "nonRepudiation"},
    Usage.DECIPHER: {"decrypt", "unwrap"},
    Usage.DERIVE: {"derive"},
}
_PUBLIC = {
    Usage.SIGN: {"verify"},
    Usage.DECIPHER: {"encrypt", "wrap"},
    Usage.DERIVE: {"derive"},
}


def private_key_flags(usage: Usage) -> frozenset[str]:
    """PKCS#15 flags of the private key (ISO 7816-15 §8.4). AUTHENTICATE alone has none."""
    return frozenset().union(*(flags for use, flags in _PRIVATE.items() if use & usage))


def public_key_flags(usage: Usage) -> frozenset[str]:
    """PKCS#15 flags of the public key that belongs to it."""
    return frozenset().union(*(flags for use, flags in _PUBLIC.items() if use & usage))


def check_usage(usage: Usage, key_type: str) -> None:
    """UnsupportedError for a use that keys of this type have not, or none at all.

    `key_type` is as in `host.manage.KEY_TYPES`.
    """
    wrong = Usage.DERIVE if key_type.startswith("rsa") else Usage.DECIPHER
    if usage & wrong or not usage & ~Usage.AUTHENTICATE:
        named = " and ".join(use.name.lower() for use in usage if use.name) or "nothing"
        raise UnsupportedError(f"a key of type {key_type} cannot be one to {named}")


def certificate_usage(usage: Usage, *, issues: bool = False) -> x509.KeyUsage:
    """The key usage extension of a certificate for the key (RFC 5280 §4.2.1.3).

    `issues`: the key signs certificates.
    """
    signs, deciphers = bool(usage & Usage.SIGN), bool(usage & Usage.DECIPHER)
    return x509.KeyUsage(
        digital_signature=signs or bool(usage & Usage.AUTHENTICATE),
        content_commitment=signs,
        key_encipherment=deciphers,
        data_encipherment=deciphers,
        key_agreement=bool(usage & Usage.DERIVE),
        key_cert_sign=issues,
        crl_sign=False,
        encipher_only=False,
        decipher_only=False,
    )
