"""Making and changing a token: PINs, keys, certificates, and its life from format to end.

Until activation the card asks for no PIN here; afterwards the holder's PIN allows keys and
certificates, and the security officer's the rest.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, replace

from cryptography import x509
from cryptography.hazmat.primitives import serialization

from apdu.edge import KEY_FILES, PKCS15_AID, USER_PIN, Consent, Data
from apdu.errors import ApduError
from apdu.filecontrol import AccessRules, FileControl, FileKind, build_access
from apdu.instruction import INS
from apdu.payload import (
    ConsentSettings,
    FormatCard,
    GenerateKey,
    PinRecord,
    build_consent_settings,
    build_format_card,
    build_generate_key,
    build_pin_record,
)
from apdu.pkcs15.entries import (
    BORN_ON_CARD,
    IMPORTED,
    CertificateEntry,
    KeyKind,
    PrivateKeyEntry,
    PublicKeyEntry,
)
from apdu.pkcs15.read import entries_of, read_certificates
from apdu.pkcs15.write import build_certificates, build_private_keys, build_public_keys
from apdu.status import SW
from host import directory as d
from host.errors import NoSpace, NotFound, UnsupportedError
from host.filing import FCP, TokenFiles
from host.importing import PrivateKey, describe_key, key_parts
from host.pin import new_pin_block
from host.publickey import public_key_file, read_public_key
from host.usage import Usage, check_usage, private_key_flags, public_key_flags

KEY_TYPES: dict[str, tuple[KeyKind, int]] = {
    "rsa1024": ("rsa", 1024),
    "rsa2048": ("rsa", 2048),
    "rsa3072": ("rsa", 3072),
    "rsa4096": ("rsa", 4096),
    "p256": ("ec", 256),
    "p384": ("ec", 384),
}
"""The keys that the chip makes: kind and bits by the name that people type."""

PIN_TRIES, PUK_TRIES = 6, 10
"""Wrong tries in a row; the last one blocks."""

MF_ACCESS, DF_ACCESS = AccessRules(1, 1, 3, 0xF), AccessRules(1, 1, 1, 0xF)
"""Of the master file and of the application: the holder creates, the officer erases."""

_KEY_ACCESS = AccessRules(1, 1, 1, 1)
_CERTIFICATE_FILES, _PUBLIC_KEY_FILES = 0x4300, 0x5500
_FILE_KINDS: dict[KeyKind, FileKind] = {"rsa": FileKind.RSA_KEY, "ec": FileKind.EC_KEY}
_ALL_MEMORY = 0xFFFF
_AUTH_ID = b"\x01"
"""Identifier of the holder's PIN in the token's directory of PINs."""


@dataclass(frozen=True, slots=True)
class KeyRules:
    """What the chip is to insist on for a key."""

    usage: Usage
    pin_each: bool = False
    consent: Consent = Consent.NONE


class TokenManager(TokenFiles):
    """What a personaliser does with the token of a client. Paths are from the master file."""

    # --- the card as a whole --------------------------------------------------------------------

    def erase(self) -> None:
        """Erase everything and lay the two directories anew; with the SO PIN once activated."""
        access = (build_access(MF_ACCESS), build_access(DF_ACCESS))
        command = build_format_card(FormatCard(_ALL_MEMORY, *access))
        self._link.command(INS.PUT_DATA, Data.FORMAT, command)
        self.client.refresh()

    def store_pin(self, reference: int, pin: str | bytes, puk: str | bytes) -> None:
        """Set a PIN of 6 to 8 bytes and its PUK, which was not there before."""
        record = PinRecord(
            new_pin_block(pin, what="the PIN"),
            new_pin_block(puk, what="the PUK"),
            PIN_TRIES,
            PUK_TRIES,
        )
        self._link.command(INS.PUT_DATA, Data.STORE | reference, build_pin_record(record))

    def set_consent(self, settings: ConsentSettings) -> None:
        """Say how the holder of a token with a display is asked; only before activation."""
        self._link.command(INS.PUT_DATA, Data.CONSENT_SETTINGS, build_consent_settings(settings))

    def activate(self) -> None:
        """End personalisation, or, with the SO PIN, a deactivation; access rules bind from here."""
        self._link.command(INS.ACTIVATE, 0x0400, PKCS15_AID)

    def deactivate(self) -> None:
        """Let no key work any more until `activate`; with the SO PIN."""
        self._link.command(INS.DEACTIVATE, 0)

    def terminate(self) -> None:
        """End the token's life, for good; with the SO PIN."""
        self._link.command(INS.TERMINATE, 0)

    # --- keys and certificates --------------------------------------------------------------------

    def generate_key(
        self,
        key_type: str,
        *,
        label: str,
        usage: Usage,
        pin_each: bool = False,
        consent: Consent = Consent.NONE,
    ) -> d.KeyInfo:
        """Make a key on the card (`key_type`: see `KEY_TYPES`) and enter it in the directories.

        With `pin_each` every use of it wants the holder's PIN presented anew; `consent` is who has
        to agree to it. Neither can be changed later.
        """
        if key_type not in KEY_TYPES:
            raise UnsupportedError(f"no key {key_type!r}; there are {', '.join(KEY_TYPES)}")
        check_usage(usage, key_type)
        kind, bits = KEY_TYPES[key_type]
        with self._link.transaction():
            made = self._create_key_file(label, kind, bits, KeyRules(usage, pin_each, consent))
            with self._or_deleted(_key_path(made)):
                data = build_generate_key(GenerateKey(65537 if kind == "rsa" else None))
                self._link.command(INS.GENERATE_KEY, 0, data)
                key = self._enter(made, BORN_ON_CARD)
            self._enter_public(key, usage)
            return key

    def import_key(
        self,
        key: PrivateKey,
        *,
        label: str,
        usage: Usage,
        pin_each: bool = False,
        consent: Consent = Consent.NONE,
    ) -> d.KeyInfo:
        """Put a key from outside on the card and enter it in the directories."""
        kind, bits = describe_key(key)
        with self._link.transaction():
            made = self._create_key_file(label, kind, bits, KeyRules(usage, pin_each, consent))
            with self._or_deleted(_key_path(made)):
                for component, value in key_parts(key):
                    self._link.command(INS.PUT_DATA, Data.STORE | component, value)
                entered = self._enter(made, IMPORTED)
            self._enter_public(entered, usage)
            return entered

    def write_certificate(
        self, certificate: x509.Certificate, key: d.KeyInfo, *, label: str | None = None
    ) -> None:
        """Keep the certificate of a key; one that the key had before is replaced.

        UnsupportedError for one that is longer than anybody could read back.
        """
        data = certificate.public_bytes(serialization.Encoding.DER)
        if len(data) > d.MOST_BYTES:
            raise UnsupportedError(
                f"a token keeps up to {d.MOST_BYTES} bytes of certificate; this one has {len(data)}"
            )
        with self._link.transaction():
            entries = d.read_directory(self._link, d.CERTIFICATES, entries_of)
            old = [entry for entry in entries if _belongs_to(entry, key.id)]
            others = [entry for entry in entries if entry not in old]
            name = key.label if label is None else label
            with self._stored_object(_CERTIFICATE_FILES, key.reference, data) as path:
                new = CertificateEntry(name, key.id, path)
                self._write_directory(d.CERTIFICATES, [*others, build_certificates([new])])
            for entry in old:
                self._remove_target(entry, keep=path)

    # --- within ---------------------------------------------------------------------------------

    def _create_key_file(self, label: str, kind: KeyKind, bits: int, rules: KeyRules) -> d.KeyInfo:
        """A new key file, selected, and the key it is for, whose reference is the lowest free one.

        The key has no identifier before it is entered in the directories.
        """
        fid = self._free_file(KEY_FILES)
        path = d.APPLICATION + fid.to_bytes(2, "big")
        control = FileControl.of(
            FCP,
            size_tag=0x81,
            size=bits,
            kind=_FILE_KINDS[kind],
            fid=fid,
            access=build_access(_KEY_ACCESS),
            proprietary=bytes((USER_PIN << 4 if rules.pin_each else 0, 0)),
            life_cycle=0,
            usage=rules.usage,
            consent=rules.consent or None,
        )
        self._create(path, control)
        self._link.select(path)
        flags = private_key_flags(rules.usage)
        return d.KeyInfo(fid & 0xFF, label, b"", kind, bits, flags, rules.pin_each)

    def _enter(self, made: d.KeyInfo, access: frozenset[str]) -> d.KeyInfo:
        """Enter a new key in the directory of private keys: the key, with its identifier."""
        key = replace(made, id=self._free_identifier(made.reference))
        private = PrivateKeyEntry(
            label=key.label,
            id=key.id,
            path=d.MASTER_FILE + _key_path(key),
            reference=key.reference,
            kind=key.kind,
            bits=key.bits,
            usage=key.usage,
            auth_id=_AUTH_ID,
            user_consent=1 if key.pin_each else None,
            access=access,
        )
        self._append(d.PRIVATE_KEYS, build_private_keys([private]))
        self.client.refresh()
        return key

    def _enter_public(self, key: d.KeyInfo, usage: Usage) -> None:
        """Keep the public key of a new key, and enter it in the directory of public keys."""
        content = public_key_file(read_public_key(self._link, key))
        bits = key.bits if key.kind == "rsa" else None
        with self._stored_object(_PUBLIC_KEY_FILES, key.reference, content) as path:
            flags = public_key_flags(usage)
            public = PublicKeyEntry(key.label, key.id, path, key.kind, bits, flags)
            self._append(d.PUBLIC_KEYS, build_public_keys([public]))

    def _free_identifier(self, reference: int) -> bytes:
        """What joins a key to its certificates: its reference, unless another key has that."""
        self.client.refresh()
        keys = self.client.keys()
        taken = {key.id for key in keys}
        for number in (reference, *range(1, 256)):
            if bytes((number,)) not in taken:
                return bytes((number,))
        raise NoSpace(SW.NO_SPACE, "CREATE FILE")

    def _remove_target(self, entry: bytes, *, keep: bytes) -> None:
        """Delete the file of a certificate entry, if there is one and it is not the new one."""
        for known in read_certificates(entry):
            if known.path.startswith(d.MASTER_FILE) and known.path != keep:
                with contextlib.suppress(NotFound):
                    self.delete_file(known.path[2:])


def _key_path(key: d.KeyInfo) -> bytes:
    return d.APPLICATION + (KEY_FILES | key.reference).to_bytes(2, "big")


def _belongs_to(entry: bytes, identifier: bytes) -> bool:
    """Whether an entry is for the key of this identifier; one that cannot be read is for none."""
    try:
        return any(known.id == identifier for known in read_certificates(entry))
    except ApduError:
        return False
