"""What a PIV token says about itself, as values."""

from __future__ import annotations

from dataclasses import dataclass

from host.directory import CertificateInfo, KeyInfo


@dataclass(frozen=True, slots=True)
class PivInfo:
    """A PIV token at a glance. A key's reference is its slot; what the card does not tell is None.

    `guid` is what tells one card from another, 16 bytes of the card holder unique identifier.
    """

    guid: bytes | None
    version: tuple[int, ...] | None
    pin_tries_left: int | None
    puk_tries_left: int | None
    keys: tuple[KeyInfo, ...]
    certificates: tuple[CertificateInfo, ...]
