"""A PIV token, with a method for each thing that its holder does with it."""

from __future__ import annotations

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
from host.errors import AnswerError, PinEachTime, SecurityStatusError
from host.holder import ApplicationClient
from host.link import ALL
from host.padding import (
    SignPadding,
    check_digest,
    check_padding,
    pss_block,
    type_1_block,
    type_2_message,
)
from host.pin import new_pin_block, pin_block
from host.piv.keys import algorithm_of
from host.piv.view import PivView
from host.publickey import uncompressed
from host.usage import Usage

_FORGET = 0xFF00


class PivClient(ApplicationClient, PivView):
    """One PIV token behind a transport, selected when this is made; close it, or use `with`.

    Keys are chosen by slot (0x9A), by name ("signature key"), or, with None, the first one that may
    do what is asked. 9C wants the PIN each time.
    """

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
        check_digest(digest, hash)
        check_padding(padding, "pkcs1", "pss")
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
        found = self._for_block(block, key)
        return self._use(found, DynamicAuthentication(challenge=block, response=b""), pin)

    # --- secrets --------------------------------------------------------------------------------

    def derive(
        self,
        peer: ec.EllipticCurvePublicKey,
        key: KeyChoice = None,
        *,
        pin: str | bytes | None = None,
    ) -> bytes:
        """ECDH with the other side's public key: the shared x coordinate."""
        found = self._of_kind("ec", key, Usage.DERIVE)
        request = DynamicAuthentication(response=b"", point=uncompressed(peer))
        return self._use(found, request, pin)

    # --- within ---------------------------------------------------------------------------------

    def _change(
        self, ins: PivINS, reference: int, old: str | bytes, new: str | bytes, what: str
    ) -> None:
        change = PinChange(pin_block(old, what=what), new_pin_block(new))
        self.link.command(ins, reference, build_pin_change(change))

    def _decipher_block(self, key: KeyInfo, cryptogram: bytes, pin: str | bytes | None) -> bytes:
        return self._use(key, DynamicAuthentication(challenge=cryptogram, response=b""), pin)

    def _decipher_pkcs1(self, key: KeyInfo, cryptogram: bytes, pin: str | bytes | None) -> bytes:
        return type_2_message(self._decipher_block(key, cryptogram, pin))

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
