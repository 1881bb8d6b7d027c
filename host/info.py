"""What a token says about itself, as values."""

from __future__ import annotations

from dataclasses import dataclass

from apdu.edge import Phase
from host.directory import CertificateInfo, KeyInfo

__all__ = ["Phase", "PinState", "TokenInfo"]


@dataclass(frozen=True, slots=True)
class PinState:
    """The state of one PIN. `tries_left` counts wrong ones that may still come; 0 is blocked."""

    verified: bool
    tries_left: int


@dataclass(frozen=True, slots=True)
class TokenInfo:
    """A token at a glance. The tries are None as long as it has no PIN."""

    label: str
    serial: bytes
    phase: Phase
    pin_tries_left: int | None
    puk_tries_left: int | None
    keys: tuple[KeyInfo, ...]
    certificates: tuple[CertificateInfo, ...]
