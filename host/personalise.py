"""A token from a blank card, by APDUs alone: PINs, PKCS#15 files, keys, certificates.

The files, their sizes and access rules are those of OpenSC's profile for this card edge
(myeid.profile), so that OpenSC can add keys and certificates afterwards, and delete them again.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from cryptography import x509

from apdu.edge import PKCS15_AID, SO_PIN, USER_PIN
from apdu.filecontrol import AccessRules
from apdu.pkcs15.entries import PinEntry
from apdu.pkcs15.entries import TokenInfo as TokenInfoFile
from apdu.pkcs15.write import build_dir, build_odf, build_pins, build_token_info
from host.certificates import certify
from host.client import TokenClient
from host.directory import APPLICATION, MASTER_FILE, KeyInfo
from host.errors import UnsupportedError
from host.info import TokenInfo
from host.manage import KEY_TYPES, TokenManager
from host.pin import LONGEST, SHORTEST, new_pin_block
from host.usage import Usage

MANUFACTURER = "U-Shield"

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
class KeySpec:
    """A key to be made: `key_type` as in `host.manage.KEY_TYPES`, what for, and its label."""

    key_type: str
    usage: Usage
    label: str

    def __post_init__(self) -> None:
        if self.key_type not in KEY_TYPES:
            raise UnsupportedError(f"no key {self.key_type!r}; there are {', '.join(KEY_TYPES)}")
        wrong = Usage.DERIVE if self.key_type.startswith("rsa") else Usage.DECIPHER
        if self.usage & wrong or not self.usage & ~Usage.AUTHENTICATE:
            raise UnsupportedError(f"a key of type {self.key_type} cannot be for {self.usage!r}")

    @classmethod
    def of(cls, text: str, label: str | None = None) -> KeySpec:
        """A key as people write it: "rsa2048", for all that it can do, or "rsa2048:sign".

        After the colon: sign, decipher (RSA) or derive (curves). The label says the same.
        """
        key_type, colon, use = text.partition(":")
        if not colon:
            return cls.all_purpose(key_type, label or f"{key_type} key")
        usage = _USES.get(use)
        if usage is None:
            raise UnsupportedError(f"no use {use!r}; there are {', '.join(_USES)}")
        return cls(key_type, usage, label or f"{use} key")

    @classmethod
    def all_purpose(cls, key_type: str, label: str) -> KeySpec:
        """A key for everything that its type can do."""
        second = Usage.DECIPHER if key_type.startswith("rsa") else Usage.DERIVE
        return cls(key_type, Usage.SIGN | second | Usage.AUTHENTICATE, label)


_USES = {
    "sign": Usage.SIGN | Usage.AUTHENTICATE,
    "decipher": Usage.DECIPHER,
    "derive": Usage.DERIVE,
}


def usual_keys(key_type: str = "rsa2048") -> tuple[KeySpec, KeySpec]:
    """One RSA key that signs and one that deciphers, as a bank's token has them."""
    return KeySpec.of(f"{key_type}:sign"), KeySpec.of(f"{key_type}:decipher")


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
    ) -> Profile:
        """A profile from plain text: `keys` as in `KeySpec.of`, `subject` as in RFC 4514.

        Without keys it has `usual_keys`. The SO PIN is by default the PUK, and its PUK likewise.
        """
        return cls(
            label=label,
            subject=_name(subject),
            pin=pin,
            puk=puk,
            so_pin=puk if so_pin is None else so_pin,
            so_puk=puk,
            keys=_specs(keys) or usual_keys(),
            pin_each_signature=pin_each_signature,
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


def _name(text: str) -> x509.Name:
    try:
        name, reason = x509.Name.from_rfc4514_string(text), ""
    except ValueError as error:
        name, reason = None, f": {error}" if str(error) else ""
    if not name:
        raise UnsupportedError(f"{text!r} is no subject like CN=Name,O=Bank{reason}")
    return name


def _specs(keys: Sequence[str]) -> tuple[KeySpec, ...]:
    """Keys with labels of their own: a second one of the same kind is numbered."""
    specs = [KeySpec.of(text) for text in keys]
    counts: Counter[str] = Counter()
    for place, spec in enumerate(specs):
        counts[spec.label] += 1
        if counts[spec.label] > 1:
            specs[place] = replace(spec, label=f"{spec.label} {counts[spec.label]}")
    return tuple(specs)


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
    manager.activate()
    client.verify_pin(profile.pin)
    keys = [
        manager.generate_key(
            spec.key_type,
            label=spec.label,
            usage=spec.usage,
            pin_each=profile.pin_each_signature and bool(spec.usage & Usage.SIGN),
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
    """A certificate for each key: its own signature, or else that of the first key that signs."""
    made = list(zip(profile.keys, keys, strict=True))
    first = next((key for spec, key in made if spec.usage & Usage.SIGN), None)
    for spec, key in made:
        issuer = key if spec.usage & Usage.SIGN else first
        assert issuer is not None
        certificate = certify(
            manager.client,
            key,
            issuer,
            subject=profile.subject,
            usage=spec.usage,
            now=now,
            entropy=entropy,
            pin=profile.pin if issuer.pin_each else None,
        )
        manager.write_certificate(certificate, key)
