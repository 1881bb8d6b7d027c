"""What is the same of every application on a card, as its holder uses it."""

from __future__ import annotations

import os
from abc import abstractmethod
from collections.abc import Callable
from typing import TYPE_CHECKING, Literal

from host.application import ApplicationView
from host.checking import encipher
from host.directory import KeyChoice, KeyInfo
from host.errors import DecipherError, UnsupportedError, WrongData
from host.padding import CipherPadding, SignPadding, check_padding, digest_of, oaep_message
from host.trace import TraceRecord
from host.transport import Transport
from host.usage import Usage

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric import ec

    from apdu.pkcs15.entries import KeyKind
    from host.keys import TokenPrivateKey

_OTHERWISE = {
    "ec": "this key is on a curve: it enciphers and deciphers nothing",
    "rsa": "this key is an RSA key: it agrees on nothing",
}


class ApplicationClient(ApplicationView):
    """What the holder of an application does with it.

    Use one client for a transport, from one thread. What is refused raises a
    `host.errors.HostError`; the card's refusals are a `CardError` among them.

    Methods that use a key take `pin`, which is presented right before: keys that want it anew each
    time (`KeyInfo.pin_each`) raise PinEachTime without. `entropy` is where PSS takes its salt from.
    """

    def __init__(
        self,
        transport: Transport,
        *,
        extended: bool = False,
        trace: Callable[[TraceRecord], None] | None = None,
        entropy: Callable[[int], bytes] = os.urandom,
    ) -> None:
        super().__init__(transport, extended=extended, trace=trace)
        self.entropy = entropy
        """Where random bytes that the card does not give are taken from."""

    # --- PINs -----------------------------------------------------------------------------------

    @abstractmethod
    def verify_pin(self, pin: str | bytes) -> None:
        """Present the PIN. WrongPin tells the tries left, PinBlocked that there are none."""

    @abstractmethod
    def change_pin(self, old: str | bytes, new: str | bytes) -> None:
        """Set a new PIN of 6 to 8 bytes, knowing the old one, which counts as verified then."""

    @abstractmethod
    def unblock_pin(self, puk: str | bytes, new: str | bytes) -> None:
        """Give the PIN its tries back and a new value. WrongPin counts the PUK's tries here."""

    @abstractmethod
    def logout(self) -> None:
        """Make the card forget that the PIN was verified."""

    # --- signatures -----------------------------------------------------------------------------

    def sign(
        self,
        message: bytes,
        key: KeyChoice = None,
        *,
        hash: str = "sha256",  # noqa: A002
        padding: SignPadding = "pkcs1",
        pin: str | bytes | None = None,
    ) -> bytes:
        """Sign a message, hashed here. RSA: as long as the key; on a curve: DER of r and s."""
        digest = digest_of(message, hash)
        return self.sign_digest(digest, key, hash=hash, padding=padding, pin=pin)

    @abstractmethod
    def sign_digest(
        self,
        digest: bytes,
        key: KeyChoice = None,
        *,
        hash: str = "sha256",  # noqa: A002
        padding: SignPadding = "pkcs1",
        pin: str | bytes | None = None,
    ) -> bytes:
        """Sign a digest that was made with this hash. `padding` is for RSA keys."""

    @abstractmethod
    def sign_block(
        self, block: bytes, key: KeyChoice = None, *, pin: str | bytes | None = None
    ) -> bytes:
        """RSA: the private operation on a whole padded block. ECDSA: over the digest as given."""

    def private_key(
        self, key: KeyChoice = None, *, pin: str | bytes | None = None
    ) -> TokenPrivateKey:
        """A key as `cryptography` takes private keys; the card does the work when it is used.

        None means the one that signs, or else the first one. It keeps `pin`, if given, and presents
        it before each use.
        """
        from host.keys import token_private_key

        return token_private_key(self, self.key(self._or_signing(key)), pin)

    # --- secrets --------------------------------------------------------------------------------

    def decipher(
        self,
        cryptogram: bytes,
        key: KeyChoice = None,
        *,
        padding: Literal[CipherPadding, "none"] = "pkcs1",
        hash: str = "sha256",  # noqa: A002
        label: bytes = b"",
        pin: str | bytes | None = None,
    ) -> bytes:
        """Decipher with an RSA key. `hash` and `label` are OAEP's; "none" gives the whole block.

        DecipherError: it was not made for this key, or is damaged. With PKCS#1 v1.5 a PKCS#15 token
        gives random bytes then, so that nobody learns from it.
        """
        check_padding(padding, "pkcs1", "oaep", "none")
        found = self._of_kind("rsa", key, Usage.DECIPHER)
        if len(cryptogram) != found.size:
            raise DecipherError(
                f"a cryptogram for this key has {found.size} bytes, not {len(cryptogram)}"
            )
        private = self._decipher_pkcs1 if padding == "pkcs1" else self._decipher_block
        try:
            block = private(found, cryptogram, pin)
        except WrongData:
            # The only data that is wrong at the right length is a number above the modulus.
            raise DecipherError("the cryptogram was made for another key, or is damaged") from None
        return oaep_message(block, hash, label) if padding == "oaep" else block

    def encipher(
        self, plain: bytes, key: KeyChoice = None, *, padding: CipherPadding = "pkcs1"
    ) -> bytes:
        """Encipher for an RSA key with its public half, OAEP with SHA-256; needs no PIN."""
        found = self._of_kind("rsa", key, Usage.DECIPHER)
        return encipher(self.public_key(found.reference), bytes(memoryview(plain)), padding)

    @abstractmethod
    def derive(
        self,
        peer: ec.EllipticCurvePublicKey,
        key: KeyChoice = None,
        *,
        pin: str | bytes | None = None,
    ) -> bytes:
        """ECDH with the other side's public key: the shared x coordinate."""

    # --- within ---------------------------------------------------------------------------------

    @abstractmethod
    def _decipher_block(self, key: KeyInfo, cryptogram: bytes, pin: str | bytes | None) -> bytes:
        """The private operation on a cryptogram."""

    @abstractmethod
    def _decipher_pkcs1(self, key: KeyInfo, cryptogram: bytes, pin: str | bytes | None) -> bytes:
        """The message in a cryptogram of PKCS#1 v1.5."""

    def _for_block(self, block: bytes, choice: KeyChoice) -> KeyInfo:
        """The key that signs a block, or a digest, of this length."""
        found = self.key(choice, Usage.SIGN)
        if found.kind == "rsa" and len(block) != found.size:
            raise UnsupportedError(f"a block for this key has {found.size} bytes, not {len(block)}")
        if not block:
            raise UnsupportedError("there is no digest to sign")
        return found

    def _of_kind(self, kind: KeyKind, choice: KeyChoice, use: Usage) -> KeyInfo:
        """The key that is meant, if it is of this kind: RSA deciphers, curves agree."""
        found = self.key(choice, use)
        if found.kind != kind:
            raise UnsupportedError(_OTHERWISE[found.kind])
        return found
