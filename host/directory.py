"""The keys and certificates of a token, found through its PKCS#15 files, and the choice of one."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import islice
from typing import TypeVar

from cryptography import x509

from apdu.edge import KEY_FILES, Consent
from apdu.errors import ApduError
from apdu.filecontrol import FileKind
from apdu.instruction import INS
from apdu.pkcs15.entries import KeyKind
from apdu.pkcs15.read import (
    CertificateEntry,
    PrivateKeyEntry,
    first_object,
    read_certificates,
    read_private_keys,
)
from host.errors import AnswerError, KeyChoiceError, NotFound, UnsupportedError
from host.link import CardLink
from host.usage import Usage

T = TypeVar("T")

KeyChoice = int | str | None
"""A key by its reference (1 for key file 4B01), by its label, or the first one that fits."""

MASTER_FILE = b"\x3f\x00"

APPLICATION = bytes.fromhex("5015")
"""The path of the PKCS#15 application's directory, from the master file."""

PRIVATE_KEYS, CERTIFICATES = APPLICATION + b"\x44\x02", APPLICATION + b"\x44\x03"

PUBLIC_KEYS = APPLICATION + b"\x44\x04"

_NAMES = {PRIVATE_KEYS: "private keys", PUBLIC_KEYS: "public keys", CERTIFICATES: "certificates"}

_READ = 256
MOST_BYTES = 0x8000
"""What READ BINARY with an offset of 15 bits reaches, whatever size a file says it has."""

_FITTING = {
    Usage.SIGN: {"sign", "signRecover", "nonRepudiation"},
    Usage.DECIPHER: {"decrypt", "unwrap"},
    Usage.DERIVE: {"derive"},
}
_KINDS: dict[int, KeyKind] = {FileKind.RSA_KEY: "rsa", FileKind.EC_KEY: "ec"}
_WORDS = {Usage.SIGN: "sign", Usage.DECIPHER: "decipher", Usage.DERIVE: "agree on a key"}


@dataclass(frozen=True, slots=True)
class KeyInfo:
    """A private key on the token. `bits`: of the modulus, or of the curve's field."""

    reference: int
    label: str
    id: bytes
    kind: KeyKind
    bits: int
    usage: frozenset[str]
    pin_each: bool = False
    """Whether each use wants the PIN presented anew (PKCS#15 userConsent)."""
    consent: Consent = Consent.NONE
    """Who has to agree to each use, where it was asked for: `TokenView.info` does, no directory."""

    @property
    def size(self) -> int:
        """Bytes of the modulus, or of a field element."""
        return -(-self.bits // 8)

    def fits(self, use: Usage) -> bool:
        """Whether the token's directory gives the key for this use."""
        return bool(self.usage & _FITTING[use])


@dataclass(frozen=True, slots=True)
class CertificateInfo:
    """A certificate on the token. `key_reference` is None when its key is not there."""

    label: str
    id: bytes
    key_reference: int | None
    certificate: x509.Certificate


def read_file(link: CardLink, path: bytes) -> bytes:
    """The whole content of a transparent file, by its path from the master file (without it)."""
    with link.transaction():
        size = min(link.select(path).size or 0, MOST_BYTES)
        parts = bytearray()
        while len(parts) < size:
            part = link.command(INS.READ_BINARY, len(parts), le=min(_READ, size - len(parts)))
            if not part:
                break
            parts += part
    return bytes(parts)


def read_directory(
    link: CardLink, path: bytes, read: Callable[[bytes], tuple[T, ...]]
) -> tuple[T, ...]:
    """The entries of a directory file, taken apart by `read`. AnswerError when it cannot be."""
    try:
        return read(read_file(link, path))
    except ApduError as error:
        name = _NAMES.get(path, path.hex().upper())
        raise AnswerError(f"the token's directory of {name} is damaged: {error}") from None


def read_keys(link: CardLink) -> tuple[KeyInfo, ...]:
    """The private keys; none on a token without a directory of them."""
    try:
        entries = read_directory(link, PRIVATE_KEYS, read_private_keys)
    except NotFound:
        return ()
    return tuple(_key(entry) for entry in entries if len(entry.path) >= 2)


def read_certificate_list(link: CardLink, keys: Iterable[KeyInfo]) -> tuple[CertificateInfo, ...]:
    """The certificates; none on a token without a directory of them.

    An entry whose file is missing, or holds no certificate, is passed over.
    """
    try:
        entries = read_directory(link, CERTIFICATES, read_certificates)
    except NotFound:
        return ()
    references = {key.id: key.reference for key in reversed(tuple(keys))}
    return tuple(
        CertificateInfo(entry.label, entry.id, references.get(entry.id), certificate)
        for entry in entries
        if (certificate := _load(link, entry)) is not None
    )


def load_certificate(der: bytes) -> x509.Certificate:
    """A certificate that can tell whose it is; ValueError for what is none."""
    try:
        certificate = x509.load_der_x509_certificate(der)
        # These are read only when they are asked for.
        _ = certificate.subject, certificate.issuer, certificate.not_valid_after_utc
    except x509.InvalidVersion as error:
        raise ValueError(str(error)) from None
    return certificate


def choose(
    keys: Iterable[KeyInfo],
    choice: KeyChoice,
    use: Usage | None,
    numbered: str = "with reference {}",
) -> KeyInfo:
    """The key that is meant; with None, the first one for `use`, if that is given.

    KeyChoiceError when there is none, or when there are two of the same label; `numbered` puts a
    reference into words there.
    """
    if choice is None:
        # They may be looked up one by one, so no more are asked for than are needed.
        found = list(islice((key for key in keys if use is None or key.fits(use)), 1))
        wanted = f"that may {_WORDS[use]}" if use is not None else "at all"
    elif isinstance(choice, str):
        found = [key for key in keys if key.label == choice]
        wanted = f"labelled {choice!r}"
    else:
        found = [key for key in keys if key.reference == choice]
        wanted = numbered.format(choice)
    if len(found) > 1:
        raise KeyChoiceError(f"the token has {len(found)} keys {wanted}: choose by reference")
    if not found:
        raise KeyChoiceError(f"the token has no key {wanted}")
    return found[0]


def inspect_key(link: CardLink, reference: int) -> KeyInfo:
    """A key that the directory does not name, from its key file itself."""
    control = link.select(APPLICATION + (KEY_FILES | reference).to_bytes(2, "big"))
    kind = _KINDS.get(control.kind or 0)
    if kind is None or not control.size:
        raise UnsupportedError(f"file {KEY_FILES | reference:04X} holds no RSA or EC key")
    spends_pin = bool(control.proprietary and control.proprietary[0] >> 4)
    return KeyInfo(reference, "", b"", kind, control.size, frozenset(), spends_pin)


def _key(entry: PrivateKeyEntry) -> KeyInfo:
    return KeyInfo(
        reference=entry.path[-1],
        label=entry.label,
        id=entry.id,
        kind=entry.kind,
        bits=entry.bits or 0,
        usage=entry.usage,
        pin_each=bool(entry.user_consent),
    )


def _load(link: CardLink, entry: CertificateEntry) -> x509.Certificate | None:
    if not entry.path.startswith(MASTER_FILE):
        return None
    try:
        content = read_file(link, entry.path[len(MASTER_FILE) :])
        return load_certificate(first_object(content))
    except (NotFound, ValueError):
        return None
