"""A token, with a method for each thing that its holder does with it."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Literal

from cryptography.hazmat.primitives.asymmetric import ec

from apdu.edge import SO_PIN, USER_PIN, Algorithm, Operation, Use
from apdu.instruction import INS
from apdu.order import Order, build_order
from apdu.payload import (
    Cryptogram,
    EcdhRequest,
    PinChange,
    SignatureInput,
    build_cryptogram,
    build_ecdh_request,
    build_pin_change,
    build_signature_input,
)
from apdu.status import SW
from host import uses
from host.checking import oaep_encipher
from host.directory import KeyChoice, KeyInfo
from host.errors import (
    CardError,
    DecipherError,
    PinBlocked,
    PinEachTime,
    SecurityStatusError,
    UnsupportedError,
    WrongPin,
)
from host.info import PinState, TokenInfo
from host.link import build
from host.padding import digest_of, oaep_message
from host.pin import new_pin_block, pin_block
from host.publickey import read_public_key, uncompressed
from host.trace import TraceRecord
from host.transport import Transport
from host.usage import Usage
from host.view import TokenView

__all__ = ["KeyInfo", "PinState", "TokenClient", "TokenInfo"]

if TYPE_CHECKING:
    from host.keys import TokenPrivateKey

_MOST_HASHED = 65535
_PKCS1_OVERHEAD = 11
"""Bytes that PKCS#1 v1.5 puts around a message at least (RFC 8017 §7.2.1)."""


class TokenClient(TokenView):
    """One token behind a transport, selected when this is made. Close it, or use it with `with`.

    Use one client for a transport, from one thread. Keys are chosen by reference (1 for key file
    4B01), by label, or, with None, the first one that may do what is asked. What is refused raises
    a `host.errors.HostError`; the card's refusals are a `CardError` among them.

    `extended` sends long commands with extended lengths instead of chains; `trace` gets a record
    of each APDU, in which no secret is; `entropy` is where PSS takes its salt from.

    Methods that use a key take `pin`, which is presented right before: keys that want it anew each
    time (`KeyInfo.pin_each`) raise PinEachTime without.
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

    def refresh(self) -> None:
        """Forget what was read of the keys: the directory is read again when it is needed."""
        super().refresh()
        self._signing: dict[tuple[KeyChoice, str, str], uses.ReadyToSign] = {}

    # --- PINs ---------------------------------------------------------------------------------

    def verify_pin(self, pin: str | bytes, reference: int = USER_PIN) -> None:
        """Present a PIN. WrongPin tells the tries left, PinBlocked that there are none."""
        self.link.command(INS.VERIFY, reference, pin_block(pin))

    def verify_so_pin(self, pin: str | bytes) -> None:
        """Present the security officer's PIN."""
        self.verify_pin(pin, SO_PIN)

    def pin_status(self, reference: int = USER_PIN) -> PinState:
        """Whether a PIN is verified and how many tries it has; spends none."""
        with self.link.transaction():
            left = next((pin.pin_left for pin in self.tries() if pin.reference == reference), 0)
            try:
                self.link.command(INS.VERIFY, reference)
            except (WrongPin, PinBlocked):
                return PinState(verified=False, tries_left=left)
            return PinState(verified=True, tries_left=left)

    def change_pin(self, old: str | bytes, new: str | bytes, reference: int = USER_PIN) -> None:
        """Set a new PIN of 6 to 8 bytes, knowing the old one, which counts as verified then."""
        change = PinChange(pin_block(old, what="the old PIN"), new_pin_block(new))
        self.link.command(INS.CHANGE_REFERENCE, reference, build_pin_change(change))

    def unblock_pin(self, puk: str | bytes, new: str | bytes, reference: int = USER_PIN) -> None:
        """Give a PIN its tries back and a new value. WrongPin counts the tries of the PUK here."""
        change = PinChange(pin_block(puk, what="the PUK"), new_pin_block(new))
        self.link.command(INS.RESET_RETRY, reference, build_pin_change(change))

    def logout(self) -> None:
        """Make the card forget every verified PIN."""
        self.link.command(INS.LOGOUT, 0)

    # --- signatures -----------------------------------------------------------------------------

    def sign(
        self,
        message: bytes,
        key: KeyChoice = None,
        *,
        hash: str = "sha256",  # noqa: A002
        padding: uses.SignPadding = "pkcs1",
        pin: str | bytes | None = None,
    ) -> bytes:
        """Sign a message, hashed here. RSA: as long as the key; on a curve: DER of r and s."""
        digest = digest_of(message, hash)
        return self.sign_digest(digest, key, hash=hash, padding=padding, pin=pin)

    def sign_digest(
        self,
        digest: bytes,
        key: KeyChoice = None,
        *,
        hash: str = "sha256",  # noqa: A002
        padding: uses.SignPadding = "pkcs1",
        pin: str | bytes | None = None,
    ) -> bytes:
        """Sign a digest that was made with this hash. `padding` is for RSA keys."""
        ready = self._signing.get((key, hash, padding))
        if ready is None:
            ready = self._make_ready(key, hash, padding)
        if len(digest) != ready.length:
            raise UnsupportedError(f"a {hash} digest has {ready.length} bytes, not {len(digest)}")
        encode = ready.encode
        command = encode(digest) if encode else ready.head + digest + b"\x00"
        return self._use(ready.key, pin, ready.environment, command)

    def sign_block(
        self, block: bytes, key: KeyChoice = None, *, pin: str | bytes | None = None
    ) -> bytes:
        """RSA: the private operation on a whole padded block. ECDSA: over the digest as given."""
        found = self.key(key, Usage.SIGN)
        algorithm = Algorithm.RAW if found.kind == "rsa" else Algorithm.EC
        prepared = uses.environment(found, Use.SIGN, algorithm)
        return self._use(found, pin, prepared, uses.sign_command(block))

    def sign_message(
        self, message: bytes, key: KeyChoice = None, *, pin: str | bytes | None = None
    ) -> bytes:
        """Sign a message of up to 65,535 bytes that the card itself hashes (SHA-256, PKCS#1).

        A key with a display may show it first and wait for its holder: ConsentCancelled,
        ConsentTimedOut, and MessageRefused for what it cannot show.
        """
        found = self.key(key, Usage.SIGN)
        prepared = uses.environment(found, Use.SIGN, uses.algorithm_of(found))
        return self._use(found, pin, prepared, _hash_command(message), uses.sign_command(b""))

    def sign_order(
        self, order: Order, key: KeyChoice = None, *, pin: str | bytes | None = None
    ) -> bytes:
        """Sign a payment order, as `sign_message` does; what is signed is `build_order(order)`.

        OrderError: it is none, and nothing was sent.
        """
        return self.sign_message(build_order(order), key, pin=pin)

    def hash_on_card(self, message: bytes) -> bytes:
        """The SHA-256 of a message of up to 65,535 bytes, computed by the card."""
        return self.link.send(_hash_command(message))

    def verify_signature(
        self,
        signature: bytes,
        message: bytes,
        key: KeyChoice = None,
        *,
        hash: str = "sha256",  # noqa: A002
    ) -> bool:
        """Whether the card finds this to be the key's signature: PKCS#1 v1.5 or ECDSA."""
        found = self.key(key, Usage.SIGN)
        prepared = uses.environment(found, Use.VERIFY, uses.algorithm_of(found))
        data = uses.signature_input(found, digest_of(message, hash), hash)
        given = build_signature_input(SignatureInput(signature, data))
        try:
            self.link.use(prepared, build(INS.PSO, Operation.VERIFY, given))
        except CardError as refusal:
            if refusal.sw == SW.VERIFY_FAILED:
                return False
            raise
        return True

    def internal_authenticate(
        self, challenge: bytes, key: KeyChoice = None, *, pin: str | bytes | None = None
    ) -> bytes:
        """Sign a challenge of 8 to 64 bytes, hashed by the card (SHA-256; PKCS#1 v1.5 or ECDSA)."""
        found = self.key(key, Usage.SIGN)
        try:
            with self.link.transaction():
                if pin is not None:
                    self.verify_pin(pin)
                return self.link.command(
                    INS.INTERNAL_AUTHENTICATE, found.reference, challenge, uses.ALL
                )
        except SecurityStatusError as refusal:
            raise _explained(refusal, found) from None

    def private_key(
        self, key: KeyChoice = None, *, pin: str | bytes | None = None
    ) -> TokenPrivateKey:
        """A key as `cryptography` takes private keys; the card does the work when it is used.

        It keeps `pin`, if given, and presents it before each use.
        """
        from host.keys import token_private_key

        return token_private_key(self, self.key(key), pin)

    # --- secrets --------------------------------------------------------------------------------

    def decipher(
        self,
        cryptogram: bytes,
        key: KeyChoice = None,
        *,
        padding: Literal["pkcs1", "oaep", "none"] = "pkcs1",
        hash: str = "sha256",  # noqa: A002
        label: bytes = b"",
        pin: str | bytes | None = None,
    ) -> bytes:
        """Decipher with an RSA key. `hash` and `label` are OAEP's; "none" gives the whole block.

        A damaged PKCS#1 cryptogram comes out as random bytes, so that nobody learns from it.
        """
        found = self._rsa(key)
        if len(cryptogram) != found.size:
            raise DecipherError(
                f"a cryptogram for this key has {found.size} bytes, not {len(cryptogram)}"
            )
        algorithm = Algorithm.PKCS1 if padding == "pkcs1" else Algorithm.RAW
        prepared = uses.environment(found, Use.DECIPHER, algorithm)
        data = build_cryptogram(Cryptogram(0, cryptogram))
        command = build(INS.PSO, Operation.DECIPHER, data, uses.ALL)
        plain = self._use(found, pin, prepared, command)
        return oaep_message(plain, hash, label) if padding == "oaep" else plain

    def encipher(
        self, plain: bytes, key: KeyChoice = None, *, padding: Literal["pkcs1", "oaep"] = "pkcs1"
    ) -> bytes:
        """Encipher for an RSA key with its public half; needs no PIN.

        PKCS#1 v1.5 is the card's work, OAEP with SHA-256 is done here.
        """
        found = self._rsa(key)
        if padding == "oaep":
            return oaep_encipher(read_public_key(self.link, found), plain)
        if len(plain) > found.size - _PKCS1_OVERHEAD:
            most = found.size - _PKCS1_OVERHEAD
            raise UnsupportedError(f"this key takes {most} bytes at most, not {len(plain)}")
        prepared = uses.environment(found, Use.ENCIPHER, Algorithm.PKCS1)
        answer = self.link.use(prepared, build(INS.PSO, Operation.ENCIPHER, plain, uses.ALL))
        return answer[1:]

    def derive(
        self,
        peer: ec.EllipticCurvePublicKey,
        key: KeyChoice = None,
        *,
        pin: str | bytes | None = None,
    ) -> bytes:
        """ECDH with the other side's public key: the shared x coordinate."""
        found = self.key(key, Usage.DERIVE)
        if found.kind != "ec":
            raise UnsupportedError(f"key {found.reference} is an RSA key and agrees on nothing")
        request = build_ecdh_request(EcdhRequest(uncompressed(peer)))
        prepared = uses.environment(found, Use.AGREE, Algorithm.EC)
        command = build(INS.GENERAL_AUTHENTICATE, 0, request, uses.ALL)
        return self._use(found, pin, prepared, command)

    # --- within ---------------------------------------------------------------------------------

    def _use(
        self, key: KeyInfo, pin: str | bytes | None, environment: bytes, *commands: bytes
    ) -> bytes:
        """Commands under a security environment for a private key, after its PIN if it is given."""
        if pin is not None:
            commands = (build(INS.VERIFY, USER_PIN, pin_block(pin)), *commands)
        try:
            return self.link.use(environment, *commands)
        except SecurityStatusError as refusal:
            raise _explained(refusal, key) from None

    def _rsa(self, choice: KeyChoice) -> KeyInfo:
        found = self.key(choice, Usage.DECIPHER)
        if found.kind != "rsa":
            raise UnsupportedError(f"key {found.reference} is on a curve and enciphers nothing")
        return found

    def _make_ready(
        self, key: KeyChoice, hash_name: str, padding: uses.SignPadding
    ) -> uses.ReadyToSign:
        found = self.key(key, Usage.SIGN)
        ready = uses.ready_to_sign(found, hash_name, padding, self.entropy)
        self._signing[key, hash_name, padding] = ready
        return ready


def _explained(refusal: SecurityStatusError, key: KeyInfo) -> SecurityStatusError:
    return PinEachTime(refusal.sw, refusal.command) if key.pin_each else refusal


def _hash_command(message: bytes) -> bytes:
    if len(message) > _MOST_HASHED:
        raise UnsupportedError(f"the card hashes up to {_MOST_HASHED} bytes, not {len(message)}")
    return build(INS.PSO, Operation.HASH, message, 32)
