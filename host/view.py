"""A token as anybody sees it who has no PIN: what it says of itself, its keys and certificates."""

from __future__ import annotations

import contextlib
from dataclasses import replace

from cryptography import x509

from apdu.edge import CERTIFICATE, KEY_FILES, PKCS15_AID, USER_PIN, Consent, Data, Phase
from apdu.errors import ApduError
from apdu.instruction import INS
from apdu.payload import PinStatus, parse_pin_statuses
from apdu.tlv import build_tlv, parse_tlv
from host.application import ApplicationView
from host.directory import (
    APPLICATION,
    CertificateInfo,
    KeyChoice,
    KeyInfo,
    choose,
    inspect_key,
    load_certificate,
    read_certificate_list,
    read_keys,
)
from host.errors import AnswerError, KeyChoiceError, NoCertificate, NotFound, UnsupportedError
from host.info import TokenInfo
from host.link import ALL, build
from host.publickey import PublicKey, read_public_key
from host.usage import Usage

_CHALLENGES = tuple(build(INS.GET_CHALLENGE, 0, le=length) for length in range(1, 257))


_LONGEST_NUMBER = 3
"""Digits of a key's number."""


class TokenView(ApplicationView):
    """The part of `host.client.TokenClient` that needs no PIN."""

    def select(self) -> None:
        """Select the application; the card forgets every verified PIN."""
        self.refresh()
        self.link.select_application(PKCS15_AID, "PKCS#15")

    def refresh(self) -> None:
        """Forget what was read of the keys: the directory is read again when it is needed.

        Whatever this client and its manager write does that by itself; what other programs write
        meanwhile is their doing.
        """
        self._keys: tuple[KeyInfo, ...] | None = None

    def serial(self) -> bytes:
        """The serial number, 10 bytes, given once to each token."""
        return self._object(Data.SERIAL)

    def label(self) -> str:
        """The label; empty as long as the token is blank."""
        return self._object(Data.LABEL).decode(errors="replace")

    def life_cycle(self) -> Phase:
        """The phase the token is in."""
        value = self._object(Data.PHASE)
        try:
            return Phase(value[0])
        except (IndexError, ValueError):
            raise AnswerError("the token is in no phase that is known here") from None

    def info(self) -> TokenInfo:
        """All of it at a glance, with the consent rule of each key."""
        with self.link.transaction():
            holder = next((pin for pin in self.tries() if pin.reference == USER_PIN), None)
            return TokenInfo(
                label=self.label(),
                serial=self.serial(),
                phase=self.life_cycle(),
                pin_tries_left=None if holder is None else holder.pin_left,
                puk_tries_left=None if holder is None else holder.puk_left,
                keys=tuple(
                    replace(key, consent=self.consent(key.reference)) for key in self.keys()
                ),
                certificates=self.certificates(),
            )

    def keys(self) -> tuple[KeyInfo, ...]:
        """The private keys, in the order of the token's directory."""
        if self._keys is None:
            self._keys = read_keys(self.link)
        return self._keys

    def certificates(self) -> tuple[CertificateInfo, ...]:
        """The certificates, in the order of the token's directory."""
        return read_certificate_list(self.link, self.keys())

    def certificate_der(self, key: KeyChoice = None) -> bytes:
        """The certificate of a key, as DER, chosen as for `public_key`. NoCertificate: it has none.

        A token that lists no keys gives its first certificate for None.
        """
        key = self._or_signing(key)
        wanted = build_tlv(0x5C, CERTIFICATE.to_bytes(2, "big"))
        if key is not None:
            wanted += build_tlv(0x83, bytes((self.key(key).reference,)))
        try:
            answer = self.link.command(INS.GET_DATA_ODD, Data.BY_TAG_LIST, wanted, ALL)
            return parse_tlv(answer).value
        except NotFound as refusal:
            raise NoCertificate(refusal.sw, refusal.command) from None
        except ApduError as error:
            raise AnswerError(f"the certificate object is wrong: {error}") from None

    def certificate(self, key: KeyChoice = None) -> x509.Certificate:
        """The same, read. AnswerError when it cannot be."""
        try:
            return load_certificate(self.certificate_der(key))
        except ValueError as error:
            raise AnswerError(f"the certificate cannot be read: {error}") from None

    def public_key(self, key: KeyChoice = None) -> PublicKey:
        """The public half of a key, asked from the card itself.

        None means the key that signs, or else the first one.
        """
        return read_public_key(self.link, self.key(self._or_signing(key)))

    def tries(self) -> tuple[PinStatus, ...]:
        """Tries left, and tries in all, of every PIN and its PUK."""
        try:
            return parse_pin_statuses(self._object(Data.TRIES))
        except ApduError as error:
            raise AnswerError(f"the list of tries is wrong: {error}") from None

    def pin_tries_left(self) -> int | None:
        """Tries left of the PIN; asking spends none. None: there is none."""
        return next((pin.pin_left for pin in self.tries() if pin.reference == USER_PIN), None)

    def challenge(self, length: int) -> bytes:
        """Random bytes from the card."""
        if 0 < length <= 256:
            return self.link.send(_CHALLENGES[length - 1])
        if length < 0:
            raise UnsupportedError("a challenge has no negative length")
        whole, rest = divmod(length, 256)
        return b"".join(self.challenge(part) for part in [256] * whole + [rest] * bool(rest))

    def consent(self, key: KeyChoice = None, use: Usage | None = None) -> Consent:
        """Who has to agree to each use of a key: a key with a display asks its holder."""
        reference = self.key(key, use).reference
        control = self.link.select(APPLICATION + (KEY_FILES | reference).to_bytes(2, "big"))
        try:
            return Consent(control.consent or 0)
        except ValueError:
            raise AnswerError("the key has a consent rule that is not known here") from None

    def key(self, choice: KeyChoice, use: Usage | None = None) -> KeyInfo:
        """The key that is meant; a reference may also name one that the directory does not."""
        try:
            return choose(self.keys(), choice, use)
        except KeyChoiceError:
            if isinstance(choice, int) and 0 <= choice <= 0xFF:
                with contextlib.suppress(NotFound):
                    return inspect_key(self.link, choice)
            raise

    def named(self, text: str | None) -> KeyChoice:
        """A key by its number, or by its label."""
        if text is None or not text.isdecimal() or len(text) > _LONGEST_NUMBER:
            return text
        number, keys = int(text), self.keys()
        taken = any(key.reference == number for key in keys)
        labelled = any(key.label == text for key in keys)
        return text if labelled and not taken else number

    def _object(self, tag: int) -> bytes:
        return self.link.command(INS.GET_DATA, tag, le=ALL)
