"""A PIV token from a card that comes from the factory, by APDUs alone."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from cryptography import x509

from apdu.pivedge import (
    CAPABILITIES,
    CHUID,
    FACTORY_PIN,
    FACTORY_PUK,
    KEY_HISTORY,
    RETIRED,
    SLOTS,
)
from apdu.pivkey import ManagementKey
from host.certificates import YEARS, Issuer, certify, years_later
from host.errors import UnsupportedError
from host.keyspec import listed
from host.personalise import subject_name
from host.pin import new_pin_block
from host.piv.client import PivClient
from host.piv.info import PivInfo
from host.piv.keys import KEY_TYPES, certificate_usage_of, usage_of
from host.piv.manage import PivManager, read_management_key
from host.piv.objects import CARD_ID_LENGTH, capabilities, chuid, key_history
from host.publickey import PublicKey
from host.usage import Usage

USUAL_KEYS = ("rsa2048", "rsa2048", "rsa2048", "p256")
"""In 9A, 9C, 9D and 9E."""

_GUID_LENGTH = 16
_UUID_VERSION_4 = 0x40


@dataclass(frozen=True, slots=True)
class PivProfile:
    """What the token shall be. PIN and PUK have 6 to 8 bytes.

    Without a management key the one of the factory stays. Keys go to 9A, 9C, 9D, 9E and the retired
    slots, in this order.
    """

    subject: x509.Name
    pin: str | bytes = field(repr=False)
    puk: str | bytes = field(repr=False)
    management_key: ManagementKey | None = None
    keys: tuple[str, ...] = USUAL_KEYS

    @classmethod
    def of(
        cls,
        *,
        pin: str | bytes,
        puk: str | bytes,
        management_key: str | None = None,
        keys: Sequence[str] = (),
        subject: str = "CN=U-Shield",
    ) -> PivProfile:
        """A profile from plain text: `subject` as in RFC 4514, the management key in digits."""
        return cls(
            subject=subject_name(subject),
            pin=pin,
            puk=puk,
            management_key=None if management_key is None else read_management_key(management_key),
            keys=listed(keys) or USUAL_KEYS,
        )

    def __post_init__(self) -> None:
        """Everything that the card would refuse is refused before it begins."""
        new_pin_block(self.pin, what="the PIN")
        new_pin_block(self.puk, what="the PUK")
        if len(self.keys) > len(SLOTS):
            raise UnsupportedError(f"PIV has {len(SLOTS)} slots, not {len(self.keys)}")
        for key in self.keys:
            if key not in KEY_TYPES:
                raise UnsupportedError(f"no key {key!r}; there are {', '.join(KEY_TYPES)}")


def personalise_piv(
    client: PivClient,
    profile: PivProfile,
    *,
    entropy: Callable[[int], bytes] = os.urandom,
    now: datetime | None = None,
) -> PivInfo:
    """Make a token of a card from the factory: its keys, certificates, objects, PIN and PUK.

    `now`, with a time zone, is when the certificates begin; `entropy` gives their serial numbers
    and those of the card. No PIN is verified at the end.
    """
    begin = now or datetime.now(UTC)
    manager = PivManager(client, entropy)
    client.change_pin(FACTORY_PIN.rstrip(b"\xff"), profile.pin)
    client.change_puk(FACTORY_PUK, profile.puk)
    manager.authenticate()
    publics = {
        slot: manager.generate_key(slot, key)
        for slot, key in zip(SLOTS, profile.keys, strict=False)
    }
    _certify(manager, profile, publics, begin, entropy)
    _write_objects(manager, publics, begin, entropy)
    if profile.management_key is not None:
        manager.set_management_key(profile.management_key)
    client.reset()
    return client.info()


def _write_objects(
    manager: PivManager,
    publics: dict[int, PublicKey],
    begin: datetime,
    entropy: Callable[[int], bytes],
) -> None:
    expiry = years_later(begin, YEARS).date()
    manager.write_object(CHUID, chuid(_uuid(entropy(_GUID_LENGTH)), expiry))
    manager.write_object(CAPABILITIES, capabilities(entropy(CARD_ID_LENGTH)))
    retired = sum(slot in RETIRED for slot in publics)
    if retired:
        manager.write_object(KEY_HISTORY, key_history(retired))


def _uuid(random: bytes) -> bytes:
    """Random bytes as a UUID of version 4 (RFC 9562 §5.4)."""
    middle = (random[6] & 0x0F | _UUID_VERSION_4, random[7], random[8] & 0x3F | 0x80)
    return random[:6] + bytes(middle) + random[9:]


def _certify(
    manager: PivManager,
    profile: PivProfile,
    publics: dict[int, PublicKey],
    begin: datetime,
    entropy: Callable[[int], bytes],
) -> None:
    """A certificate for each key: its own signature where the slot is for that, else 9A's."""
    client = manager.client
    first = next(iter(publics))
    for slot, public in publics.items():
        kind = client.key(slot).kind
        issuer = slot if usage_of(slot, kind) & Usage.SIGN else first
        signing = client.private_key(issuer, pin=profile.pin)
        certificate = certify(
            public,
            Issuer(profile.subject, signing),
            subject=profile.subject,
            usage=certificate_usage_of(slot, kind),
            now=begin,
            entropy=entropy,
        )
        manager.write_certificate(slot, certificate)
