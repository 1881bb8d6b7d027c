"""Everything that uses a key: the security environment and the operations of ISO 7816-8.

Each use asks the same questions first: does the key's access rule hold, was its PIN presented anew
if the key wants that each time, does its declared usage allow this, and is the key there. Then the
holder is asked, if the key's consent rule wants that. A PIN is spent when the key has worked, so a
command that is refused before that costs none.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256

from apdu.edge import KEY_FILES, Algorithm, Consent, Usage, Use
from apdu.payload import Cryptogram, SecurityEnvironment, SignatureInput
from apdu.rsablock import DIGEST_INFO
from apdu.rsaencoding import is_message_block, is_signature_block
from apdu.status import SW
from applet.consent.words import Word
from applet.os.access import SecurityStatus
from applet.os.errors import CardError, refuse_unless
from applet.os.files import File, FileSystem
from applet.os.keys.ec import EcKey
from applet.os.keys.keystore import Key, KeyStore, usage_of
from applet.os.keys.rsa import RsaKey
from applet.pkcs15.asking import Asking
from applet.pkcs15.profile import APP_DF

_ALGORITHMS = frozenset(Algorithm)
_SIGN, _DECIPHER, _DERIVE, _AUTHENTICATE = map(int, Usage)
"""As bare numbers: they are compared at every use of a key."""

_WHOLE, _FIRST_HALF, _SECOND_HALF = 0x00, 0x81, 0x82
"""Padding indicators of a cryptogram; the halves are for hosts that do not chain."""

_SHA256_DIGEST_INFO = DIGEST_INFO["sha256"]


@dataclass(frozen=True, slots=True)
class Prepared:
    """A key chosen by MANAGE SECURITY ENVIRONMENT, with its algorithm."""

    path: bytes
    algorithm: int


class KeyDesk:
    """The security environment, and the key operations that it prepares. All of it volatile."""

    def __init__(
        self, files: FileSystem, keys: KeyStore, status: SecurityStatus, asking: Asking
    ) -> None:
        self._files = files
        self._keys = keys
        self._status = status
        self._asking = asking
        self.clear()

    def clear(self) -> None:
        """Forget the environment, the message and the first half of a cryptogram."""
        self._prepared: dict[Use, Prepared] = {}
        self._message: bytes | None = None
        self._half = b""

    def prepare(self, use: Use, environment: SecurityEnvironment) -> None:
        """MSE SET: choose a key, by file or by reference, and an algorithm; 6A88 without one."""
        fid = environment.key_file
        if fid is None:
            refuse_unless(environment.key_reference, SW.WRONG_DATA)
            path = self._by_reference(environment.key_reference or 0)
        else:
            path = APP_DF + fid.to_bytes(2, "big")
        algorithm = environment.algorithm or Algorithm.RAW
        refuse_unless(algorithm in _ALGORITHMS, SW.WRONG_DATA)
        refuse_unless(self._files.get(path) is not None, SW.REFERENCE_NOT_FOUND)
        self._prepared[use] = Prepared(path, algorithm)
        self._half = b""

    def sign(self, data: bytes) -> bytes:
        """A signature over `data`, or over the digest of the last PSO HASH when it is empty."""
        key, file, algorithm = self._use(Use.SIGN, _SIGN)
        if not data:
            result = self._sign_message(key, file, self._take_message())
        elif isinstance(key, EcKey) or algorithm == Algorithm.PKCS1:
            self._asking.use(file, Word.SIGN_WITH, data)
            result = key.sign(data)
        else:
            return self._sign_block(key, file, data)
        self._spend(file)
        return result

    def _sign_message(self, key: Key, file: File, message: bytes) -> bytes:
        """The digest that is signed is that of the very bytes that were shown."""
        digest = sha256(message).digest()
        if file.consent is Consent.CONTENT:
            self._asking.message(message)
        else:
            self._asking.use(file, Word.SIGN_WITH, digest)
        return self._sign_digest(key, digest)

    def _sign_block(self, key: RsaKey, file: File, data: bytes) -> bytes:
        """The raw operation; a key that may not decipher keeps a message to itself."""
        block = key.full_block(data)
        self._asking.use(file, Word.SIGN_WITH, block)
        result = key.sign_block(block)
        self._spend(file)
        if not usage_of(file) & _DECIPHER and is_message_block(result):
            refuse_unless(is_signature_block(block, key.bits), SW.CONDITIONS)
        return result

    def decipher(self, cryptogram: Cryptogram) -> bytes:
        """The plain text of a cryptogram; nothing yet for the first of two halves."""
        key, file, algorithm = self._use(Use.DECIPHER, _DECIPHER)
        if not isinstance(key, RsaKey):
            raise CardError(SW.CONDITIONS)
        body = cryptogram.body
        if cryptogram.indicator == _FIRST_HALF:
            self._half = body
            return b""
        if cryptogram.indicator == _SECOND_HALF:
            body, self._half = self._half + body, b""
        elif cryptogram.indicator != _WHOLE:
            raise CardError(SW.WRONG_DATA)
        if algorithm == Algorithm.PKCS1:
            self._asking.use(file, Word.DECIPHER_WITH, body)
            plain = key.decipher(body)
        else:
            block = key.full_block(body)
            if not usage_of(file) & _SIGN:
                refuse_unless(not is_signature_block(block, key.bits), SW.CONDITIONS)
            self._asking.use(file, Word.DECIPHER_WITH, block)
            plain = key.decipher_block(block)
        self._spend(file)
        return plain

    def agree(self, point: bytes) -> bytes:
        """ECDH with the other side's point: the x coordinate."""
        key, file, _ = self._use(Use.AGREE, _DERIVE)
        if not isinstance(key, EcKey):
            raise CardError(SW.CONDITIONS)
        self._asking.use(file, Word.AGREE_WITH, point)
        shared = key.agree(point)
        self._spend(file)
        return shared

    def authenticate(self, reference: int, challenge: bytes) -> bytes:
        """INTERNAL AUTHENTICATE: a signature over the challenge's SHA-256, made on the chip."""
        key, file = self._open(self._by_reference(reference), _AUTHENTICATE)
        self._asking.use(file, Word.LOG_IN_WITH, challenge)
        signature = self._sign_digest(key, sha256(challenge).digest())
        self._spend(file)
        return signature

    def hash(self, message: bytes, *, answer: bool) -> bytes:
        """PSO HASH: keep the message for the next signature; its SHA-256 if that is asked for."""
        self._message = message
        return sha256(message).digest() if answer else b""

    def encipher(self, plain: bytes) -> bytes:
        """Encipher with the public key: padding indicator 00 and the cryptogram."""
        key = self._public(Use.ENCIPHER)
        if not isinstance(key, RsaKey):
            raise CardError(SW.CONDITIONS)
        return bytes((_WHOLE,)) + key.encipher(plain)

    def verify(self, given: SignatureInput) -> None:
        """PSO VERIFY DIGITAL SIGNATURE over the given data, or over the last PSO HASH; 6300."""
        key = self._public(Use.VERIFY)
        data = given.data
        if not data:
            digest = sha256(self._take_message()).digest()
            data = _SHA256_DIGEST_INFO + digest if isinstance(key, RsaKey) else digest
        refuse_unless(key.verify(given.signature, data), SW.VERIFY_FAILED)

    def _use(self, use: Use, usage: int) -> tuple[Key, File, int]:
        prepared = self._prepared.get(use)
        if prepared is None:
            raise CardError(SW.CONDITIONS)
        key, file = self._open(prepared.path, usage)
        return key, file, prepared.algorithm

    def _open(self, path: bytes, usage: int) -> tuple[Key, File]:
        """The key behind the questions, and its file."""
        file = self._files.get(path)
        if file is None:
            raise CardError(SW.REFERENCE_NOT_FOUND)
        self._status.require(file.access.first)
        if file.pin_each:
            self._status.require_fresh(file.pin_each)
        if not usage_of(file) & usage:
            raise CardError(SW.CONDITIONS)
        return self._keys.get(path), file

    def _spend(self, file: File) -> None:
        """The key has worked: it wants its PIN anew, if it is one that does."""
        if file.pin_each:
            self._status.spend(file.pin_each)

    def _public(self, use: Use) -> Key:
        prepared = self._prepared.get(use)
        if prepared is None:
            raise CardError(SW.CONDITIONS)
        return self._keys.get(prepared.path)

    def _take_message(self) -> bytes:
        """The message of the last PSO HASH, which serves once; 6985 when there is none."""
        message, self._message = self._message, None
        if message is None:
            raise CardError(SW.CONDITIONS)
        return message

    @staticmethod
    def _sign_digest(key: Key, digest: bytes) -> bytes:
        return key.sign(_SHA256_DIGEST_INFO + digest if isinstance(key, RsaKey) else digest)

    @staticmethod
    def _by_reference(reference: int) -> bytes:
        return APP_DF + (KEY_FILES | reference).to_bytes(2, "big")
