"""What Yubico's GET METADATA answers about a key, a PIN or the management key."""

from __future__ import annotations

from dataclasses import dataclass

from apdu.errors import PayloadError
from apdu.piv import PublicKey, build_public_key_parts, parse_public_key_parts
from apdu.tlv import Tlv, build_tlvs, parse_tlvs

NO_ALGORITHM = 0xFF
"""What stands for the algorithm of a PIN."""

_ALGORITHM, _POLICY, _ORIGIN, _PUBLIC, _DEFAULT, _TRIES = range(0x01, 0x07)
_LENGTHS = {_ALGORITHM: 1, _POLICY: 2, _ORIGIN: 1, _DEFAULT: 1, _TRIES: 2}
_GENERATED, _IMPORTED = 0x01, 0x02


@dataclass(frozen=True, slots=True)
class Metadata:
    """What is told, each of it only where it makes sense.

    `policy`: when the PIN, and when a touch is needed, as Yubico numbers it. `tries`: in all, and
    left. `factory`: whether the value is still the one from the factory.
    """

    algorithm: int
    policy: tuple[int, int] | None = None
    imported: bool | None = None
    public_key: PublicKey | None = None
    factory: bool | None = None
    tries: tuple[int, int] | None = None


def build_metadata(told: Metadata) -> bytes:
    """Write it, in the order of the tags."""
    values: dict[int, bytes | None] = {
        _ALGORITHM: bytes((told.algorithm,)),
        _POLICY: None if told.policy is None else bytes(told.policy),
        _ORIGIN: None
        if told.imported is None
        else bytes((_IMPORTED if told.imported else _GENERATED,)),
        _PUBLIC: None if told.public_key is None else build_public_key_parts(told.public_key),
        _DEFAULT: None if told.factory is None else bytes((told.factory,)),
        _TRIES: None if told.tries is None else bytes(told.tries),
    }
    return build_tlvs(*(Tlv(tag, value) for tag, value in values.items() if value is not None))


def parse_metadata(data: bytes) -> Metadata:
    """Read it; objects that are not known here are passed over, as later versions add some."""
    values = {tlv.tag: tlv.value for tlv in parse_tlvs(data)}
    for tag, length in _LENGTHS.items():
        if tag in values and len(values[tag]) != length:
            raise PayloadError(0, f"the object {tag:02X} has {length} bytes")
    if _ALGORITHM not in values:
        raise PayloadError(0, "metadata names an algorithm")
    public = values.get(_PUBLIC)
    origin, factory = values.get(_ORIGIN), values.get(_DEFAULT)
    return Metadata(
        algorithm=values[_ALGORITHM][0],
        policy=_pair(values.get(_POLICY)),
        imported=None if origin is None else origin[0] == _IMPORTED,
        public_key=None if public is None else parse_public_key_parts(public),
        factory=None if factory is None else factory != b"\x00",
        tries=_pair(values.get(_TRIES)),
    )


def _pair(value: bytes | None) -> tuple[int, int] | None:
    return None if value is None else (value[0], value[1])
