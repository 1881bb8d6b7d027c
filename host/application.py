"""What is the same of every application on a card, as its client sees it."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from typing import TYPE_CHECKING

from host.checking import is_signature
from host.directory import KeyChoice
from host.link import CardLink, Explain
from host.trace import TraceRecord
from host.transport import ClosedByWith, Transport
from host.uses import SignPadding

if TYPE_CHECKING:
    from cryptography import x509


class ApplicationView(ClosedByWith):
    """An application behind a transport, selected when this is made.

    `extended` and `trace` are as in `host.link.CardLink`.
    """

    def __init__(
        self,
        transport: Transport,
        *,
        extended: bool = False,
        trace: Callable[[TraceRecord], None] | None = None,
    ) -> None:
        self.link = CardLink(transport, extended=extended, trace=trace, explain=self._explain())
        """Where the commands go through: for what has no method here."""
        self.select()

    @abstractmethod
    def select(self) -> None:
        """Select the application, and forget what was read of it."""

    @abstractmethod
    def certificate(self, key: KeyChoice = None) -> x509.Certificate:
        """The certificate of a key, or of the first one. NotFound: there is none."""

    def close(self) -> None:
        """Let the card go."""
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

    def _explain(self) -> Explain | None:
        """Who may ask the card what it meant by a refusal."""
        return None
