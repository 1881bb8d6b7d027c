"""Certificates for the keys of a token until a bank gives better ones: the token signs them itself.

A key that may sign certifies itself. A key that may not is certified by the token's first key that
may: it says with its own key that the other one is beside it on the token.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from cryptography import x509
from cryptography.hazmat.primitives import hashes

from host.client import TokenClient
from host.directory import KeyInfo
from host.keys import TokenEcKey
from host.usage import Usage, certificate_usage

YEARS = 5
"""How long the certificates are valid."""


def certify(
    client: TokenClient,
    key: KeyInfo,
    issuer: KeyInfo,
    *,
    subject: x509.Name,
    usage: Usage,
    now: datetime,
    entropy: Callable[[int], bytes],
    pin: str | bytes | None = None,
) -> x509.Certificate:
    """A certificate for `key`, signed on the card by `issuer`, whose subject is the same.

    `now` has a time zone; the validity begins there. The serial number has 127 random bits. `pin`
    is for an issuer that wants it anew each time.
    """
    signing_key = client.private_key(issuer.reference, pin=pin)
    public_key = client.public_key(key.reference)
    issuer_key = signing_key.public_key()
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(public_key)
        .serial_number(int.from_bytes(entropy(16), "big") >> 1 or 1)
        .not_valid_before(now)
        .not_valid_after(years_later(now, YEARS))
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(certificate_usage(usage), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public_key), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key), critical=False
        )
    )
    return builder.sign(signing_key, _hash_for(signing_key))


def years_later(moment: datetime, years: int) -> datetime:
    """The same day so many years later; for the 29th of February, if need be, the 28th."""
    try:
        return moment.replace(year=moment.year + years)
    except ValueError:
        return moment.replace(year=moment.year + years, day=28)


def _hash_for(key: object) -> hashes.SHA256 | hashes.SHA384:
    """As strong as the key: SHA-384 for P-384."""
    if isinstance(key, TokenEcKey) and key.key_size == 384:
        return hashes.SHA384()
    return hashes.SHA256()
