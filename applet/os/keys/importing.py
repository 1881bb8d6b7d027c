"""Putting an imported key together from its parts, which arrive one command after another.

The parts wait in volatile memory until the last one is there, so a broken import leaves the key
file as it was. A key whose parts do not fit each other, or not the file, is refused (6A80).
"""

from __future__ import annotations

from collections.abc import Mapping

from cryptography.hazmat.primitives.asymmetric import ec, rsa

from apdu.edge import EcPart, RsaPart
from apdu.filecontrol import FileKind
from apdu.status import SW
from applet.os.errors import CardError
from applet.os.files import File
from applet.os.keys.ec import CURVES, EcKey
from applet.os.keys.keystore import Key
from applet.os.keys.rsa import RsaKey

_NEEDED: Mapping[FileKind, frozenset[int]] = {
    FileKind.RSA_KEY: frozenset({RsaPart.MODULUS, RsaPart.EXPONENT, RsaPart.P, RsaPart.Q}),
    FileKind.EC_KEY: frozenset(EcPart),
}
_KNOWN: Mapping[FileKind, frozenset[int]] = {
    FileKind.RSA_KEY: frozenset(RsaPart),
    FileKind.EC_KEY: frozenset(EcPart),
}


class KeyImport:
    """The parts of one key that have arrived."""

    def __init__(self, file: File) -> None:
        self._file = file
        self._parts: dict[int, bytes] = {}

    def add(self, component: int, value: bytes) -> Key | None:
        """Take one part; the key when it was the last one needed."""
        if component not in _KNOWN[self._file.kind] or not value:
            raise CardError(SW.WRONG_DATA)
        self._parts[component] = value
        if not self._parts.keys() >= _NEEDED[self._file.kind]:
            return None
        return key_of(self._file.kind, self._file.size, self._parts)


def key_of(
    kind: FileKind, bits: int, parts: Mapping[int, bytes], *, exponent: int | None = None
) -> Key:
    """The key of these parts; 6A80 when they do not fit each other or the number of bits.

    An RSA key without an exponent among its parts has the given one. A modulus and a point that
    are not given follow from the rest.
    """
    if any(len(value) > 2 * -(-bits // 8) + 1 for value in parts.values()):
        raise CardError(SW.WRONG_DATA)
    try:
        if kind is FileKind.RSA_KEY:
            return _rsa(bits, parts, exponent)
        return _ec(bits, parts)
    except (ValueError, KeyError):
        raise CardError(SW.WRONG_DATA) from None


def _rsa(bits: int, parts: Mapping[int, bytes], exponent: int | None) -> RsaKey:
    number = {component: int.from_bytes(value, "big") for component, value in parts.items()}
    p, q = number[RsaPart.P], number[RsaPart.Q]
    e = number.get(RsaPart.EXPONENT, exponent or 0)
    d = rsa.rsa_recover_private_exponent(e, p, q)
    numbers = rsa.RSAPrivateNumbers(
        p=p,
        q=q,
        d=d,
        dmp1=number.get(RsaPart.DP) or rsa.rsa_crt_dmp1(d, p),
        dmq1=number.get(RsaPart.DQ) or rsa.rsa_crt_dmq1(d, q),
        iqmp=number.get(RsaPart.Q_INVERSE) or rsa.rsa_crt_iqmp(p, q),
        public_numbers=rsa.RSAPublicNumbers(e, number.get(RsaPart.MODULUS, p * q)),
    )
    if numbers.public_numbers.n.bit_length() != bits:
        raise ValueError
    return RsaKey(numbers.private_key())


def _ec(bits: int, parts: Mapping[int, bytes]) -> EcKey:
    key = EcKey(ec.derive_private_key(int.from_bytes(parts[EcPart.PRIVATE], "big"), CURVES[bits]))
    if key.point != parts.get(EcPart.POINT, key.point):
        raise ValueError
    return key
