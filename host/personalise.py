"""A token from a blank card, by APDUs alone: PINs, PKCS#15 files, keys, certificates.

The files, their sizes and access rules are those of OpenSC's profile for this card edge
(myeid.profile), so that OpenSC can add keys and certificates afterwards, and delete them again.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from apdu.edge import PKCS15_AID, SO_PIN, USER_PIN
from apdu.filecontrol import AccessRules
from apdu.payload import Asked, ConsentSettings, build_consent_settings
from apdu.pkcs15.entries import PinEntry
from apdu.pkcs15.entries import TokenInfo as TokenInfoFile
from apdu.pkcs15.write import build_dir, build_odf, build_pins, build_token_info
from host.certificates import Issuer, certify
from host.client import TokenClient
from host.directory import APPLICATION, MASTER_FILE, KeyInfo
from host.errors import UnsupportedError
from host.info import TokenInfo
from host.keyspec import KeySpec, specs, usual_keys
from host.manage import TokenManager
from host.pin import LONGEST, SHORTEST, new_pin_block
from host.usage import Usage, certificate_usage

MANUFACTURER = "U-Shield"
GENERATIONS = (1, 2)

EVERYTHING_ASKED = ConsentSettings(asked=Asked.PIN_CHANGE | Asked.DELETION | Asked.LAST_TRIES)
"""How a token of the second generation asks its holder, unless it is told otherwise."""

_WORKSHOP = x509.Name.from_rfc4514_string("CN=U-Shield workshop")

_LONGEST_LABEL = 32
"""Bytes; what PKCS#11 shows of a token's label."""

_HOLDER, _OFFICER = AccessRules(0, 1, 3, 0xF), AccessRules(0, 3, 3, 0xF)
"""Everybody reads, the holder or only the officer writes, the officer deletes."""

_DIRECTORIES = {
    "privateKeys": b"\x44\x02",
    "publicKeys": b"\x44\x04",
    "secretKeys": b"\x44\x07",
    "certificates": b"\x44\x03",
    "trustedCertificates": b"\x44\x05",
    "dataObjects": b"\x44\x06",
    "authObjects": b"\x44\x01",
}
_DIR = b"\x2f\x00"
_ODF, _TOKEN_INFO = APPLICATION + b"\x50\x31", APPLICATION + b"\x50\x32"
_UNUSED_SPACE, _PINS = APPLICATION + b"\x50\x33", APPLICATION + b"\x44\x01"

_FILES: dict[bytes, tuple[int, AccessRules]] = {
    _DIR: (128, _OFFICER),
    _ODF: (255, _HOLDER),
    _TOKEN_INFO: (160, _OFFICER),
    _UNUSED_SPACE: (510, _OFFICER),
    _PINS: (255, _OFFICER),
    APPLICATION + b"\x44\x02": (1530, _HOLDER),
    APPLICATION + b"\x44\x04": (1530, _HOLDER),
    APPLICATION + b"\x44\x07": (1530, _HOLDER),
    APPLICATION + b"\x44\x03": (1530, _HOLDER),
    APPLICATION + b"\x44\x05": (510, _HOLDER),
    APPLICATION + b"\x44\x06": (1530, _HOLDER),
}
"""Size in bytes and access rules of every file."""


@dataclass(frozen=True, slots=True)
class Profile:
    """What the token shall be. PINs have 6 to 8 bytes; `subject` is whom the certificates name."""

    label: str
    subject: x509.Name
    pin: str | bytes = field(repr=False)
    puk: str | bytes = field(repr=False)
    so_pin: str | bytes = field(repr=False)
    so_puk: str | bytes = field(repr=False)
    keys: tuple[KeySpec, ...] = field(default_factory=usual_keys)
    pin_each_signature: bool = False
    """Whether keys that sign want the PIN anew for each use."""
    consent: ConsentSettings | None = None
    """How the holder of a token with a display is asked; None leaves the token's own defaults."""

    @classmethod
    def of(
        cls,
        *,
        pin: str | bytes,
        puk: str | bytes,
        so_pin: str | bytes | None = None,
        keys: Sequence[str] = (),
        subject: str = "CN=U-Shield",
        label: str = "U-Shield",
        pin_each_signature: bool = False,
        generation: int = 1,
        consent: ConsentSettings | None = None,
    ) -> Profile:
        """A profile from plain text: `keys` as in `KeySpec.of`, `subject` as in RFC 4514.

        Without keys it has `usual_keys`. The SO PIN is by default the PUK, and its PUK likewise. A
        token of generation 2 has a display, and asks as `EVERYTHING_ASKED` says or as `consent`.
        """
        if generation not in GENERATIONS:
            raise UnsupportedError(f"there are tokens of generation 1 and 2, not {generation}")
        if generation == 2:
            consent = consent or EVERYTHING_ASKED
        return cls(
            label=label,
            subject=subject_name(subject),
            pin=pin,
            puk=puk,
            so_pin=puk if so_pin is None else so_pin,
            so_puk=puk,
            keys=specs(keys, generation=generation) or usual_keys(generation=generation),
            pin_each_signature=pin_each_signature,
            consent=consent,
        )

    def __post_init__(self) -> None:
        """Everything that the card, or OpenSC later, would refuse is refused before it begins."""
        if not self.label.isprintable() or not 0 < len(self.label.encode()) <= _LONGEST_LABEL:
            raise UnsupportedError(f"a label is printable text of 1 to {_LONGEST_LABEL} bytes")
        names = {"the PIN": self.pin, "the PUK": self.puk}
        names |= {"the SO PIN": self.so_pin, "the SO PUK": self.so_puk}
        for name, pin in names.items():
            new_pin_block(pin, what=name)
        if self.keys and not any(key.usage & Usage.SIGN for key in self.keys):
            raise UnsupportedError("at least one key must sign: it signs the certificates")
        if self.consent is not None:
            build_consent_settings(self.consent)


def subject_name(text: str) -> x509.Name:
    """A subject from text like "CN=Li Lei,O=Example" (RFC 4514)."""
    try:
        name, reason = x509.Name.from_rfc4514_string(text), ""
    except ValueError as error:
        name, reason = None, f": {error}" if str(error) else ""
    if not name:
        raise UnsupportedError(f"{text!r} is no subject like CN=Name,O=Bank{reason}")
    return name


def personalise(
    client: TokenClient,
    profile: Profile,
    *,
    entropy: Callable[[int], bytes] = os.urandom,
    now: datetime | None = None,
) -> TokenInfo:
    """Make a token as the profile says. Whatever the card holds is erased.

    A card that is in use already needs its SO PIN verified. `now`, with a time zone, is when the
    certificates begin; `entropy` gives their serial numbers. No PIN is verified at the end.
    """
    manager = TokenManager(client)
    manager.erase()
    manager.store_pin(USER_PIN, profile.pin, profile.puk)
    manager.store_pin(SO_PIN, profile.so_pin, profile.so_puk)
    _write_files(manager, profile)
    if profile.consent is not None:
        manager.set_consent(profile.consent)
    manager.activate()
    client.verify_pin(profile.pin)
    keys = [
        manager.generate_key(
            spec.key_type,
            label=spec.label,
            usage=spec.usage,
            pin_each=profile.pin_each_signature and bool(spec.usage & Usage.SIGN),
            consent=spec.consent,
        )
        for spec in profile.keys
    ]
    _certify(manager, profile, keys, now or datetime.now(UTC), entropy)
    client.logout()
    return client.info()


def _write_files(manager: TokenManager, profile: Profile) -> None:
    """Every file of the token, and the content of those that do not change with its keys."""
    for path, (size, access) in _FILES.items():
        manager.create_file(path, size, access)
    application = MASTER_FILE + APPLICATION
    paths = {name: application + fid for name, fid in _DIRECTORIES.items()}
    info = TokenInfoFile(manager.client.serial(), MANUFACTURER, profile.label)
    manager.write_file(_DIR, build_dir(PKCS15_AID, profile.label, application))
    manager.write_file(_ODF, build_odf(paths))
    manager.write_file(_TOKEN_INFO, build_token_info(info))
    manager.write_file(_PINS, build_pins(_pins()))


def _pins() -> tuple[PinEntry, PinEntry]:
    flags = frozenset({"initialized", "needs-padding"})
    officer = PinEntry(
        label="Security Officer PIN",
        id=b"\xff",
        reference=SO_PIN,
        flags=flags | {"soPin"},
        min_length=SHORTEST,
        max_length=LONGEST,
    )
    holder = PinEntry(
        label="User PIN",
        id=b"\x01",
        reference=USER_PIN,
        flags=flags,
        path=MASTER_FILE + APPLICATION,
        min_length=SHORTEST,
        max_length=LONGEST,
        auth_id=officer.id,
    )
    return officer, holder


def _certify(
    manager: TokenManager,
    profile: Profile,
    keys: list[KeyInfo],
    now: datetime,
    entropy: Callable[[int], bytes],
) -> None:
    """A certificate for each key: its own signature, or else that of the first key that can.

    Where every key that signs asks its holder, a key of the workshop signs, which nobody has after.
    """
    client = manager.client
    made = list(zip(profile.keys, keys, strict=True))
    first = next((key for spec, key in made if spec.certifies), None)
    for spec, key in made:
        signer = key if spec.certifies else first
        if signer is None:
            issuer = Issuer(_WORKSHOP, ec.generate_private_key(ec.SECP256R1()))
        else:
            pin = profile.pin if signer.pin_each else None
            issuer = Issuer(profile.subject, client.private_key(signer.reference, pin=pin))
        certificate = certify(
            client.public_key(key.reference),
            issuer,
            subject=profile.subject,
            usage=certificate_usage(spec.usage),
            now=now,
            entropy=entropy,
        )
        manager.write_certificate(certificate, key)
