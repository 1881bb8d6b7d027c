"""The keys of one applet in its memory, each under the path of its key file."""

from __future__ import annotations

from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import load_der_private_key

from apdu.edge import Usage
from apdu.filecontrol import FileKind
from apdu.status import SW
from applet.os.errors import CardError, refuse_unless
from applet.os.files import File
from applet.os.keys.ec import CURVES, EcKey
from applet.os.keys.entropy import Entropy
from applet.os.keys.rsa import RsaKey
from applet.os.store import Records, Store

Key = RsaKey | EcKey

RSA_BITS = frozenset({1024, 2048, 3072, 4096})
_RSA_EXPONENTS = frozenset({3, 65537})
_ANY = sum(Usage)


def usage_of(file: File) -> int:
    """The `Usage` that a key file declares; without a declaration all that its kind can do."""
    return _ANY if file.usage is None else file.usage


def check_key_file(file: File) -> None:
    """Refuse (6A80) a key file that the chip has no algorithm for, and a consent rule elsewhere.

    A secret key can be announced for the session, as PKCS#11 does for what ECDH gives; the chip
    keeps none.
    """
    refuse_unless(file.is_key or not file.consent, SW.WRONG_DATA)
    if file.kind is FileKind.RSA_KEY:
        refuse_unless(file.size in RSA_BITS, SW.WRONG_DATA)
    if file.kind is FileKind.SECRET_KEY:
        refuse_unless(file.for_session, SW.WRONG_DATA)
    elif file.for_session:
        raise CardError(SW.WRONG_DATA)
    if file.kind is FileKind.EC_KEY:
        refuse_unless(file.size in CURVES, SW.WRONG_DATA)


def _decode(raw: bytes) -> Key:
    private = load_der_private_key(raw, None, unsafe_skip_rsa_key_validation=True)
    if isinstance(private, rsa.RSAPrivateKey):
        return RsaKey(private)
    if isinstance(private, ec.EllipticCurvePrivateKey):
        return EcKey(private)
    raise CardError(SW.MEMORY_FAILURE)


def _encode(key: Key) -> bytes:
    return key.to_memory()


class KeyStore:
    """Private keys by the path of their key file."""

    def __init__(self, store: Store, prefix: str, entropy: Entropy) -> None:
        self._keys = Records(store, prefix + "key/", _decode, _encode)
        self._entropy = entropy

    def get(self, path: bytes) -> Key:
        """The key of this file; 6A88 when none was made or imported yet."""
        key = self._keys.get(path.hex())
        if key is None:
            raise CardError(SW.REFERENCE_NOT_FOUND)
        return key

    def holds(self, path: bytes) -> bool:
        """Whether there is a key."""
        return self._keys.get(path.hex()) is not None

    def put(self, path: bytes, key: Key) -> None:
        """Keep a key."""
        self._keys.put(path.hex(), key)

    def generate(self, path: bytes, kind: FileKind, bits: int, exponent: int | None) -> None:
        """Make a key of this kind and size; RSA with this exponent, 65537 by default."""
        if kind is FileKind.RSA_KEY:
            exponent = 65537 if exponent is None else exponent
            refuse_unless(exponent in _RSA_EXPONENTS, SW.WRONG_DATA)
            self.put(path, RsaKey(self._entropy.rsa_key(bits, exponent)))
        elif kind is FileKind.EC_KEY:
            refuse_unless(exponent is None, SW.WRONG_DATA)
            self.put(path, EcKey(self._entropy.ec_key(CURVES[bits])))
        else:
            raise CardError(SW.INCOMPATIBLE_FILE)

    def delete(self, path: bytes) -> None:
        """Forget the keys of this file, and of every file under it."""
        for name in list(self._keys.names(path.hex())):
            self._keys.delete(name)
