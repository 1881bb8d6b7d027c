"""The key and certificate by which a PIV card says that other keys were made on it (slot F9).

Yubico's cards come with them from the factory, and so do ours: what a factory does is done here.
Its holder may bring others.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import UTC, datetime

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from apdu.pivedge import ATTESTATION
from host.certificates import Issuer, certify
from host.piv.client import PivClient
from host.piv.manage import PivManager
from host.usage import Usage, certificate_usage

_YEARS = 25
"""Longer than any key that it speaks of: its dates are theirs, as a chip has no clock."""


def preload_attestation(
    client: PivClient,
    *,
    entropy: Callable[[int], bytes] = os.urandom,
    now: datetime | None = None,
) -> None:
    """Bring a new key to F9 of a card from the factory, with a certificate that it signs itself.

    Nobody stands behind a card of software: who trusts its word trusts this certificate.
    """
    manager = PivManager(client, entropy)
    manager.authenticate()
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name.from_rfc4514_string(f"CN=U-Shield PIV Attestation {client.serial()}")
    certificate = certify(
        key.public_key(),
        Issuer(name, key),
        subject=name,
        usage=certificate_usage(Usage(0), issues=True),
        now=now or datetime.now(UTC),
        entropy=entropy,
        years=_YEARS,
        issues=True,
    )
    manager.import_key(ATTESTATION, key)
    manager.write_certificate(ATTESTATION, certificate)
    client.reset()
