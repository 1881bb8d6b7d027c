"""A PIV token as anybody sees it who has no PIN: its objects, its keys and certificates."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterable, Iterator
from dataclasses import replace

from cryptography import x509

from apdu.edge import Consent
from apdu.errors import ApduError
from apdu.piv import PivINS, build_object_request, parse_object_answer, piv_name_of
from apdu.pivedge import ATTESTATION, CERTIFICATES, CHUID, PIN, PUK, SLOTS
from apdu.pivmetadata import Metadata, parse_metadata
from apdu.pivnames import KEY_NAMES, PIV_AID
from host.application import ApplicationView
from host.checking import key_of
from host.directory import CertificateInfo, KeyChoice, KeyInfo, choose, load_certificate
from host.errors import (
    AnswerError,
    CardError,
    NoCertificate,
    NotFound,
    NotSupported,
    PinBlocked,
    UnsupportedError,
    WrongPin,
)
from host.link import ALL
from host.piv.info import PivInfo
from host.piv.keys import consent_of, key_info, public_key, wants_pin_each_time
from host.piv.objects import certificate_in, guid_of
from host.publickey import PublicKey
from host.usage import Usage

_CURRENT_APPLICATION = 0x3FFF
_SLOT = re.compile("[0-9a-f]{2}", re.IGNORECASE | re.ASCII)


class PivView(ApplicationView):
    """The part of `host.piv.client.PivClient` that needs no PIN."""

    _name = staticmethod(piv_name_of)

    def select(self) -> None:
        """Select the application. Unlike PKCS#15, PIV keeps a verified PIN."""
        self.refresh()
        self.link.select_application(PIV_AID, "PIV")

    def refresh(self) -> None:
        """Forget what was read of the keys: they are looked up again when they are needed."""
        self._keys: dict[int, KeyInfo | None] = {}
        self._public: dict[int, PublicKey] = {}

    def info(self) -> PivInfo:
        """All of it at a glance."""
        with self.link.transaction():
            pin, puk = self._tries()
            return PivInfo(
                guid=self.guid(),
                version=self.version(),
                pin_tries_left=pin,
                puk_tries_left=puk,
                keys=self.keys(),
                certificates=self.certificates(),
            )

    def pin_tries_left(self) -> int | None:
        """Tries left of the PIN; asking spends none. None: the card does not tell."""
        return self._tries()[0]

    def guid(self) -> bytes | None:
        """The number of the card holder unique identifier; None without one."""
        try:
            return guid_of(self.read_object(CHUID))
        except (NotFound, ApduError):
            return None

    def version(self) -> tuple[int, ...] | None:
        """The version that Yubico's GET VERSION tells; None for a card that knows no such thing."""
        try:
            return tuple(self.link.command(PivINS.GET_VERSION, 0, le=ALL))
        except CardError:
            return None

    def serial(self) -> int | None:
        """The card's number by Yubico's GET SERIAL; None for a card that knows no such thing."""
        try:
            return int.from_bytes(self.link.command(PivINS.GET_SERIAL, 0, le=ALL), "big")
        except CardError:
            return None

    def attestation(self, key: KeyChoice = None) -> x509.Certificate:
        """The card's word that a key was made on it (Yubico's ATTEST), with the key's policies.

        Who signs it is `attestation_issuer`. WrongData: the key was brought. NotSupported or
        NotFound: the card does not do this, or has not the key for it.
        """
        slot = self.key(self._or_signing(key)).reference
        der = self.link.command(PivINS.ATTEST, slot << 8, le=ALL)
        try:
            return load_certificate(der)
        except ValueError as error:
            raise AnswerError(f"the attestation cannot be read: {error}") from None

    def attestation_issuer(self) -> x509.Certificate:
        """The certificate of the key in F9, which signs attestations. NotFound: there is none."""
        return self._certificate(ATTESTATION)

    def read_object(self, tag: int) -> bytes:
        """The content of a data object. NotFound: there is none of this tag."""
        request = build_object_request(tag)
        answer = self.link.command(PivINS.GET_DATA, _CURRENT_APPLICATION, request, ALL)
        try:
            return parse_object_answer(tag, answer).content
        except ApduError as error:
            raise AnswerError(f"the object {tag:X} is wrong: {error}") from None

    def metadata(self, reference: int) -> Metadata:
        """What Yubico's GET METADATA tells of a key or a PIN. NotSupported by cards without it."""
        answer = self.link.command(PivINS.GET_METADATA, reference, le=ALL)
        try:
            return parse_metadata(answer)
        except ApduError as error:
            raise AnswerError(f"the metadata of {reference:02X} is wrong: {error}") from None

    def keys(self) -> tuple[KeyInfo, ...]:
        """The keys, the usual slots first. Of cards without metadata: those with a certificate."""
        with self.link.transaction():
            return tuple(self._each(SLOTS))

    def key(self, choice: KeyChoice, use: Usage | None = None) -> KeyInfo:
        """The key that is meant: by its slot, by its name, or the first one for this use."""
        slots = [slot for slot in SLOTS if choice in (None, slot, KEY_NAMES[slot])]
        with self.link.transaction():
            return choose(self._each(slots), choice, use, "in slot {:02X}")

    def named(self, text: str | None) -> KeyChoice:
        """A slot by its two digits, as 9c, or a key by its name."""
        if text is not None and _SLOT.fullmatch(text):
            return int(text, 16)
        return text

    def consent(self, key: KeyChoice = None, use: Usage | None = None) -> Consent:
        """Whether each use of a key wants a press, by its touch policy."""
        return self.key(key, use).consent

    def public_key(self, key: KeyChoice = None) -> PublicKey:
        """The public half of a key; None means the one that signs, or else the first one."""
        return self._public[self.key(self._or_signing(key)).reference]

    def certificates(self) -> tuple[CertificateInfo, ...]:
        """The certificates; an object that holds none is passed over."""
        present = {key.reference for key in self.keys()}
        found = []
        for slot in SLOTS:
            with contextlib.suppress(NotFound, AnswerError):
                key = slot if slot in present else None
                found.append(CertificateInfo(KEY_NAMES[slot], b"", key, self._certificate(slot)))
        return tuple(found)

    def certificate(self, key: KeyChoice = None) -> x509.Certificate:
        """The certificate of a key, chosen as for `public_key`. NoCertificate: it has none."""
        return self._certificate(self.key(self._or_signing(key)).reference)

    # --- within ---------------------------------------------------------------------------------

    def _certificate(self, slot: int) -> x509.Certificate:
        try:
            return certificate_in(self.read_object(CERTIFICATES[slot]))
        except NotFound as refusal:
            raise NoCertificate(refusal.sw, refusal.command) from None
        except (ValueError, ApduError) as error:
            raise AnswerError(f"the certificate of {slot:02X} cannot be read: {error}") from None

    def _each(self, slots: Iterable[int]) -> Iterator[KeyInfo]:
        """The keys of these slots; each is looked up when it is wanted, and once."""
        for slot in slots:
            if slot not in self._keys:
                self._keys[slot] = self._look(slot)
            key = self._keys[slot]
            if key is not None:
                yield key

    def _look(self, slot: int) -> KeyInfo | None:
        """The key of a slot, if there is one; its public half is kept."""
        told: Metadata | None = None
        try:
            told = self.metadata(slot)
        except NotFound:
            return None
        except NotSupported:
            pass
        try:
            self._public[slot] = _public_half(told) or key_of(self._certificate(slot))
        except (NotFound, AnswerError, UnsupportedError):
            return None
        pin_each = wants_pin_each_time(slot, told)
        return replace(
            key_info(slot, self._public[slot], pin_each=pin_each), consent=consent_of(told)
        )

    def _tries(self) -> tuple[int | None, int | None]:
        """Tries left of the PIN and of the PUK; asking spends none."""
        try:
            told = [self.metadata(reference).tries for reference in (PIN, PUK)]
        except NotSupported:
            return self._asked(), None
        pin, puk = (None if tries is None else tries[1] for tries in told)
        return pin, puk

    def _asked(self) -> int | None:
        """VERIFY without data tells the tries left, unless the PIN is verified."""
        try:
            self.link.command(PivINS.VERIFY, PIN)
        except WrongPin as wrong:
            return wrong.tries_left
        except PinBlocked:
            return 0
        return None


def _public_half(told: Metadata | None) -> PublicKey | None:
    if told is None or told.public_key is None:
        return None
    return public_key(told.algorithm, told.public_key)
