"""A token, with a method for each thing that its holder does with it."""

from __future__ import annotations

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
from host.directory import KeyChoice, KeyInfo
from host.errors import (
    CardError,
    PinBlocked,
    PinEachTime,
    SecurityStatusError,
    UnsupportedError,
    WrongPin,
)
from host.holder import ApplicationClient
from host.info import PinState, TokenInfo
from host.link import ALL, build
from host.padding import CipherPadding, SignPadding, check_digest, check_length, digest_of
from host.pin import new_pin_block, pin_block
from host.publickey import uncompressed
from host.usage import Usage
from host.view import TokenView

__all__ = ["KeyInfo", "PinState", "TokenClient", "TokenInfo"]

_MOST_HASHED = 65535


class TokenClient(ApplicationClient, TokenView):
    """One token behind a transport, selected when this is made. Close it, or use it with `with`.

    Keys are chosen by reference (1 for key file 4B01), by label, or, with None, the first one that
    may do what is asked. `extended` sends long commands with extended lengths instead of chains;
    `trace` gets a record of each APDU, in which no secret is.
    """

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
        ready = self._signing.get((key, hash, padding))
        if ready is None:
            ready = self._make_ready(key, hash, padding)
        if len(digest) != ready.length:
            check_digest(digest, hash)
        encode = ready.encode
        command = encode(digest) if encode else ready.head + digest + b"\x00"
        return self._use(ready.key, pin, ready.environment, command)

    def sign_block(
        self, block: bytes, key: KeyChoice = None, *, pin: str | bytes | None = None
    ) -> bytes:
        """RSA: the private operation on a whole padded block. ECDSA: over the digest as given."""
        found = self._for_block(block, key)
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
                return self.link.command(INS.INTERNAL_AUTHENTICATE, found.reference, challenge, ALL)
        except SecurityStatusError as refusal:
            raise _explained(refusal, found) from None

    # --- secrets --------------------------------------------------------------------------------

    def encipher(
        self, plain: bytes, key: KeyChoice = None, *, padding: CipherPadding = "pkcs1"
    ) -> bytes:
        """Encipher for an RSA key with its public half; needs no PIN.

        PKCS#1 v1.5 is the card's work; OAEP with SHA-256 is done here, and so is an empty message,
        which no command can carry.
        """
        chosen = self._of_kind("rsa", key, Usage.DECIPHER)
        if chosen.usage and not chosen.fits(Usage.DECIPHER):
            raise UnsupportedError("this key deciphers nothing: what it is given would be lost")
        if padding != "pkcs1" or not plain:
            return super().encipher(plain, key, padding=padding)
        check_length(plain, chosen.size, padding)
        prepared = uses.environment(chosen, Use.ENCIPHER, Algorithm.PKCS1)
        answer = self.link.use(prepared, build(INS.PSO, Operation.ENCIPHER, plain, ALL))
        return answer[1:]

    def derive(
        self,
        peer: ec.EllipticCurvePublicKey,
        key: KeyChoice = None,
        *,
        pin: str | bytes | None = None,
    ) -> bytes:
        """ECDH with the other side's public key: the shared x coordinate."""
        found = self._of_kind("ec", key, Usage.DERIVE)
        request = build_ecdh_request(EcdhRequest(uncompressed(peer)))
        prepared = uses.environment(found, Use.AGREE, Algorithm.EC)
        command = build(INS.GENERAL_AUTHENTICATE, 0, request, ALL)
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

    def _decipher_block(self, key: KeyInfo, cryptogram: bytes, pin: str | bytes | None) -> bytes:
        return self._decipher(key, Algorithm.RAW, cryptogram, pin)

    def _decipher_pkcs1(self, key: KeyInfo, cryptogram: bytes, pin: str | bytes | None) -> bytes:
        """The card takes the padding off; what is damaged comes out as random bytes."""
        return self._decipher(key, Algorithm.PKCS1, cryptogram, pin)

    def _decipher(
        self, key: KeyInfo, algorithm: Algorithm, cryptogram: bytes, pin: str | bytes | None
    ) -> bytes:
        prepared = uses.environment(key, Use.DECIPHER, algorithm)
        data = build_cryptogram(Cryptogram(0, cryptogram))
        return self._use(key, pin, prepared, build(INS.PSO, Operation.DECIPHER, data, ALL))

    def _salt(self, length: int) -> bytes:
        return self.entropy(length)

    def _make_ready(self, key: KeyChoice, hash_name: str, padding: SignPadding) -> uses.ReadyToSign:
        found = self.key(key, Usage.SIGN)
        ready = uses.ready_to_sign(found, hash_name, padding, self._salt)
        self._signing[key, hash_name, padding] = ready
        return ready


def _explained(refusal: SecurityStatusError, key: KeyInfo) -> SecurityStatusError:
    return PinEachTime(refusal.sw, refusal.command) if key.pin_each else refusal


def _hash_command(message: bytes) -> bytes:
    if len(message) > _MOST_HASHED:
        raise UnsupportedError(f"the card hashes up to {_MOST_HASHED} bytes, not {len(message)}")
    return build(INS.PSO, Operation.HASH, message, 32)
