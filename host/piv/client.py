"""A PIV token, with a method for each thing that its holder does with it."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Literal

from cryptography.hazmat.primitives.asymmetric import ec

from apdu.errors import ApduError
from apdu.payload import PinChange, build_pin_change
from apdu.piv import (
    DynamicAuthentication,
    PivINS,
    build_dynamic_authentication,
    parse_dynamic_authentication,
)
from apdu.pivedge import PIN, PUK
from apdu.rsablock import DIGEST_INFO
from host.directory import KeyChoice, KeyInfo
from host.errors import (
    AnswerError,
    DecipherError,
    PinEachTime,
    SecurityStatusError,
    UnsupportedError,
)
from host.padding import (
    digest_of,
    digest_size,
    oaep_message,
    pss_block,
    type_1_block,
    type_2_message,
)
from host.pin import new_pin_block, pin_block
from host.piv.keys import algorithm_of
from host.piv.view import ALL, PivView
from host.publickey import uncompressed
from host.trace import TraceRecord
from host.transport import Transport
from host.usage import Usage
from host.uses import SignPadding

if TYPE_CHECKING:
    from host.keys import TokenPrivateKey

_FORGET = 0xFF00


class PivClient(PivView):
    """One PIV token behind a transport, selected when this is made; close it, or use `with`.

    Keys are chosen by slot (0x9A), by name ("signature key"), or, with None, the first one that may
    do what is asked. Methods that use a key take `pin`, which is presented right before: keys that
    want it each time, as 9C does, raise PinEachTime without.
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
        """Where PSS takes its salt from."""

    # --- PINs -----------------------------------------------------------------------------------

    def verify_pin(self, pin: str | bytes) -> None:
        """Present the PIN. WrongPin tells the tries left, PinBlocked that there are none."""
        self.link.command(PivINS.VERIFY, PIN, pin_block(pin))

    def logout(self) -> None:
        """Make the card forget that the PIN was verified."""
        self.link.command(PivINS.VERIFY, _FORGET | PIN)

    def change_pin(self, old: str | bytes, new: str | bytes) -> None:
        """Set a new PIN of 6 to 8 bytes, knowing the old one, which counts as verified then."""
        self._change(PivINS.CHANGE_REFERENCE, PIN, old, new, "the old PIN")

    def change_puk(self, old: str | bytes, new: str | bytes) -> None:
        """Set a new PUK of 6 to 8 bytes, knowing the old one."""
        self._change(PivINS.CHANGE_REFERENCE, PUK, old, new, "the old PUK")

    def unblock_pin(self, puk: str | bytes, new: str | bytes) -> None:
        """Give the PIN its tries back and a new value. WrongPin counts the PUK's tries here."""
        self._change(PivINS.RESET_RETRY, PIN, puk, new, "the PUK")

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
        found = self.key(key, Usage.SIGN)
        if len(digest) != digest_size(hash):
            raise UnsupportedError(
                f"a {hash} digest has {digest_size(hash)} bytes, not {len(digest)}"
            )
        if found.kind == "ec":
            block = digest[: found.size]
        elif padding == "pss":
            block = pss_block(digest, hash, self.entropy(len(digest)), found.bits)
        else:
            block = type_1_block(DIGEST_INFO[hash] + digest, found.size)
        return self._use(found, DynamicAuthentication(challenge=block, response=b""), pin)

    def sign_block(
        self, block: bytes, key: KeyChoice = None, *, pin: str | bytes | None = None
    ) -> bytes:
        """RSA: the private operation on a whole padded block. ECDSA: over the digest as given."""
        found = self.key(key, Usage.SIGN)
        return self._use(found, DynamicAuthentication(challenge=block, response=b""), pin)

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
        """Decipher with an RSA key. `hash` and `label` are OAEP's; "none" gives the whole block."""
        found = self.key(key, Usage.DECIPHER)
        if found.kind != "rsa":
            raise UnsupportedError(f"key {found.reference:02X} is on a curve: it deciphers nothing")
        if len(cryptogram) != found.size:
            raise DecipherError(
                f"a cryptogram for this key has {found.size} bytes, not {len(cryptogram)}"
            )
        block = self._use(found, DynamicAuthentication(challenge=cryptogram, response=b""), pin)
        if padding == "oaep":
            return oaep_message(block, hash, label)
        return type_2_message(block) if padding == "pkcs1" else block

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
            raise UnsupportedError(f"key {found.reference:02X} is an RSA key: it agrees on nothing")
        request = DynamicAuthentication(response=b"", point=uncompressed(peer))
        return self._use(found, request, pin)

    # --- within ---------------------------------------------------------------------------------

    def _change(
        self, ins: PivINS, reference: int, old: str | bytes, new: str | bytes, what: str
    ) -> None:
        change = PinChange(pin_block(old, what=what), new_pin_block(new))
        self.link.command(ins, reference, build_pin_change(change))

    def _use(self, key: KeyInfo, request: DynamicAuthentication, pin: str | bytes | None) -> bytes:
        """GENERAL AUTHENTICATE with a key, after its PIN if it is given."""
        p1p2 = algorithm_of(key) << 8 | key.reference
        data = build_dynamic_authentication(request)
        try:
            with self.link.transaction():
                if pin is not None:
                    self.verify_pin(pin)
                answer = self.link.command(PivINS.GENERAL_AUTHENTICATE, p1p2, data, ALL)
        except SecurityStatusError as refusal:
            if key.pin_each:
                raise PinEachTime(refusal.sw, refusal.command) from None
            raise
        return _response(answer)


def _response(answer: bytes) -> bytes:
    try:
        response = parse_dynamic_authentication(answer).response
    except ApduError:
        response = None
    if response is None:
        raise AnswerError("the card's answer holds no response")
    return response
