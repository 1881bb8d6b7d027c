"""Certificates for the keys of a token until a bank gives better ones: the token signs them itself.

A key that may sign certifies itself. A key that may not is certified by the token's first key that
may: it says with its own key that the other one is beside it on the token. A key that asks its
holder before it signs certifies nothing: nobody is there to press Confirm when a token is made.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from host.publickey import PublicKey

YEARS = 5
"""How long the certificates are valid."""


@dataclass(frozen=True, slots=True)
class Issuer:
    """Who signs certificates: a name, and a key, on the token or not."""

    name: x509.Name
    key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey = field(repr=False)


def certify(
    public_key: PublicKey,
    issuer: Issuer,
    *,
    subject: x509.Name,
    usage: x509.KeyUsage,
    now: datetime,
    entropy: Callable[[int], bytes],
    years: int = YEARS,
    issues: bool = False,
) -> x509.Certificate:
    """A certificate for a key, signed by another one or itself.

    `now` has a time zone; the validity begins there. The serial number has 127 random bits.
    `issues`: the key signs certificates in turn, though none that do so too.
    """
    issuer_key = issuer.key.public_key()
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.name)
        .public_key(public_key)
        .serial_number(int.from_bytes(entropy(16), "big") >> 1 or 1)
        .not_valid_before(now)
        .not_valid_after(years_later(now, years))
        .add_extension(x509.BasicConstraints(issues, 0 if issues else None), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public_key), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key), critical=False
        )
    )
    return builder.sign(issuer.key, _hash_for(issuer.key))


def years_later(moment: datetime, years: int) -> datetime:
    """The same day so many years later; for the 29th of February, if need be, the 28th."""
    try:
        return moment.replace(year=moment.year + years)
    except ValueError:
        return moment.replace(year=moment.year + years, day=28)


def _hash_for(key: object) -> hashes.SHA256 | hashes.SHA384:
    """As strong as the key: SHA-384 for P-384."""
    if isinstance(key, ec.EllipticCurvePrivateKey) and key.key_size == 384:
        return hashes.SHA384()
    return hashes.SHA256()
