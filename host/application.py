"""What is the same of every application on a card, as anybody sees it who has no PIN.

`ApplicationView`, and `host.holder.ApplicationClient` for whoever knows the PIN, are what PKCS#15
and PIV have in common: a program that knows these two need not know which of them it has.
"""

from __future__ import annotations

import contextlib
from abc import abstractmethod
from collections.abc import Callable
from typing import TYPE_CHECKING

from apdu.edge import Consent, Data
from apdu.errors import ApduError
from apdu.instruction import INS, name_of
from apdu.payload import ConsentSettings, parse_consent_settings
from host.checking import is_signature
from host.consent import explained
from host.directory import KeyChoice, KeyInfo
from host.errors import AnswerError, KeyChoiceError
from host.link import ALL, CardLink
from host.padding import SignPadding
from host.publickey import PublicKey
from host.trace import TraceRecord
from host.transport import ClosedByWith, Transport
from host.usage import Usage

if TYPE_CHECKING:
    from cryptography import x509


class ApplicationView(ClosedByWith):
    """An application behind a transport, selected when this is made.

    `extended` and `trace` are as in `host.link.CardLink`.
    """

    _name = staticmethod(name_of)
    """What commands are called in errors."""

    def __init__(
        self,
        transport: Transport,
        *,
        extended: bool = False,
        trace: Callable[[TraceRecord], None] | None = None,
    ) -> None:
        self.link = CardLink(
            transport, extended=extended, trace=trace, explain=explained, name=self._name
        )
        """Where the commands go through: for what has no method here."""
        self.closed = False
        """Whether this client has let the card go."""
        self.select()

    @abstractmethod
    def select(self) -> None:
        """Select the application, and forget what was read of it."""

    @abstractmethod
    def key(self, choice: KeyChoice, use: Usage | None = None) -> KeyInfo:
        """The key that is meant; with None, the first one for `use`. KeyChoiceError: none is."""

    @abstractmethod
    def named(self, text: str | None) -> KeyChoice:
        """The choice that people mean by a key's number or label, as they are shown to them."""

    @abstractmethod
    def consent(self, key: KeyChoice = None, use: Usage | None = None) -> Consent:
        """Who has to agree to each use of a key: a key with a display asks its holder."""

    @abstractmethod
    def public_key(self, key: KeyChoice = None) -> PublicKey:
        """The public half of a key; None means the one that signs, or else the first one."""

    @abstractmethod
    def certificate(self, key: KeyChoice = None) -> x509.Certificate:
        """The certificate of a key, chosen as for `public_key`. NoCertificate: it has none."""

    def consent_settings(self) -> ConsentSettings:
        """How the holder is asked: in which language, for how long, and for what else.

        NotFound or NotSupported of a card that knows no such thing.
        """
        try:
            return parse_consent_settings(
                self.link.command(INS.GET_DATA, Data.CONSENT_SETTINGS, le=ALL)
            )
        except ApduError as error:
            raise AnswerError(f"the consent settings are wrong: {error}") from None

    @abstractmethod
    def pin_tries_left(self) -> int | None:
        """Tries left of the PIN; asking spends none. None: the card does not tell."""

    def close(self) -> None:
        """Let the card go."""
        self.closed = True
        self.link.transport.close()

    def reset(self) -> None:
        """Reset the card and select the application; also goes on after somebody else's reset."""
        self.link.transport.reset()
        self.select()

    def check_signature(
        self,
        signature: bytes,
        message: bytes,
        key: KeyChoice = None,
        *,
        hash: str = "sha256",  # noqa: A002
        padding: SignPadding = "pkcs1",
    ) -> bool:
        """Whether a signature is right, checked here with the certificate of the key."""
        return is_signature(self.certificate(key), signature, message, hash, padding=padding)

    def _or_signing(self, choice: KeyChoice) -> KeyChoice:
        """What None stands for where no use is said: the key that signs by itself, if any does."""
        if choice is None:
            with contextlib.suppress(KeyChoiceError):
                return self.key(None, Usage.SIGN).reference
        return choice
