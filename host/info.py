"""What a token says about itself, as values."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from host.directory import CertificateInfo, KeyInfo


class Phase(IntEnum):
    """Where in its life a token is; the value is its life cycle status byte (ISO 7816-4)."""

    MANUFACTURED = 0x01
    PERSONALISED = 0x03
    DEACTIVATED = 0x04
    ACTIVATED = 0x05
    PIN_BLOCKED = 0x07
    TERMINATED = 0x0C

    @property
    def words(self) -> str:
        """The phase as people read it."""
        return _WORDS[self]


_WORDS = {
    Phase.MANUFACTURED: "manufactured: blank, to be personalised",
    Phase.PERSONALISED: "personalised: has its PINs, to be activated",
    Phase.DEACTIVATED: "deactivated: no key works until the security officer activates it",
    Phase.ACTIVATED: "activated: in use",
    Phase.PIN_BLOCKED: "PIN blocked: the PUK unblocks it",
    Phase.TERMINATED: "terminated: for good",
}


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
