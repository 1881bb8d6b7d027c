"""Data fields of the commands that make and use keys (ISO 7816-8, ISO 7816-4)."""

from collections.abc import Mapping
from dataclasses import dataclass

from construct import Bytes, Int8ub, this

from apdu.compiled import Codec
from apdu.errors import PayloadError, TlvError
from apdu.tlv import Tlv, build_tlv, build_tlvs, parse_tlvs

_ALGORITHM, _KEY_FILE, _PUBLIC_REFERENCE, _PRIVATE_REFERENCE = 0x80, 0x81, 0x83, 0x84
_SIGNATURE, _DATA = 0x9E, 0x9A
_SEQUENCE, _EXPONENT = 0x30, 0x81
_AUTHENTICATION, _POINT = 0x7C, 0x85


@dataclass(frozen=True, slots=True)
class SecurityEnvironment:
    """MANAGE SECURITY ENVIRONMENT: the algorithm (80), the key file (81), the key's reference.

    The reference is tag 84, or 83 of a public key; each may be absent. `order` lists the tags as
    they stand on the wire when that is not 80, 81, 84.
    """

    algorithm: int | None = None
    key_file: int | None = None
    key_reference: int | None = None
    order: tuple[int, ...] = ()


_ENVIRONMENT = {_ALGORITHM: 1, _KEY_FILE: 2, _PUBLIC_REFERENCE: 1, _PRIVATE_REFERENCE: 1}


def parse_security_environment(data: bytes) -> SecurityEnvironment:
    """Read the objects of a security environment, in any order, each once at most."""
    found = _read_objects(data, _ENVIRONMENT)
    if _PUBLIC_REFERENCE in found and _PRIVATE_REFERENCE in found:
        raise PayloadError(0, "both a public and a private key")
    numbers = {tag: int.from_bytes(value, "big") for tag, value in found.items()}
    order = tuple(numbers)
    usual = (_ALGORITHM, _KEY_FILE, _PRIVATE_REFERENCE)
    return SecurityEnvironment(
        algorithm=numbers.get(_ALGORITHM),
        key_file=numbers.get(_KEY_FILE),
        key_reference=numbers.get(_PRIVATE_REFERENCE, numbers.get(_PUBLIC_REFERENCE)),
        order=() if order == tuple(tag for tag in usual if tag in numbers) else order,
    )


def build_security_environment(environment: SecurityEnvironment) -> bytes:
    """Write a security environment; PayloadError when `order` does not list what is there."""
    public = _PUBLIC_REFERENCE in environment.order
    numbers = {
        _ALGORITHM: environment.algorithm,
        _KEY_FILE: environment.key_file,
        _PUBLIC_REFERENCE if public else _PRIVATE_REFERENCE: environment.key_reference,
    }
    values = {
        tag: _number(number, _ENVIRONMENT[tag])
        for tag, number in numbers.items()
        if number is not None
    }
    return _write_objects(values, environment.order)


@dataclass(frozen=True, slots=True)
class SignatureInput:
    """PSO VERIFY DIGITAL SIGNATURE: the signature (9E) and what it is over (9A).

    Without data it is over the last hash. `order` lists the tags as they stand on the wire when
    that is not 9E, 9A.
    """

    signature: bytes
    data: bytes | None = None
    order: tuple[int, ...] = ()


def parse_signature_input(data: bytes) -> SignatureInput:
    """Read the signature and, when it is there, the data; in either order."""
    found = _read_objects(data, {_SIGNATURE: None, _DATA: None})
    signature = found.get(_SIGNATURE)
    if signature is None:
        raise PayloadError(len(data), "the signature (9E) is missing")
    order = tuple(found)
    return SignatureInput(
        signature, found.get(_DATA), order=() if order[0] == _SIGNATURE else order
    )


def build_signature_input(given: SignatureInput) -> bytes:
    """Write a signature and the data, if any; PayloadError when `order` does not list them."""
    values = {_SIGNATURE: given.signature}
    if given.data is not None:
        values[_DATA] = given.data
    return _write_objects(values, given.order)


@dataclass(frozen=True, slots=True)
class GenerateKey:
    """GENERATE KEY PAIR: the public exponent of an RSA key, or nothing."""

    exponent: int | None = None


def parse_generate_key(data: bytes) -> GenerateKey:
    """Read ``30 {81 exponent}``, the exponent without leading zeros, or no bytes at all."""
    if not data:
        return GenerateKey()
    value = _inner(data, _SEQUENCE, _EXPONENT)
    if not value or not value[0]:
        raise PayloadError(len(data) - len(value), "the exponent is empty or begins with zero")
    return GenerateKey(int.from_bytes(value, "big"))


def build_generate_key(command: GenerateKey) -> bytes:
    """Write the exponent, or nothing; PayloadError when it is not positive."""
    exponent = command.exponent
    if exponent is None:
        return b""
    if exponent <= 0:
        raise PayloadError(4, "the exponent is not positive")
    value = exponent.to_bytes((exponent.bit_length() + 7) // 8, "big")
    return build_tlv(_SEQUENCE, build_tlv(_EXPONENT, value))


@dataclass(frozen=True, slots=True)
class Cryptogram:
    """PSO DECIPHER: the padding indicator (00, or 81 and 82 for halves) and the cipher text."""

    indicator: int
    body: bytes


_CRYPTOGRAM = Codec("indicator" / Int8ub, "body" / Bytes(this.size))


def parse_cryptogram(data: bytes) -> Cryptogram:
    """Read a cryptogram; it has at least its padding indicator."""
    if not data:
        raise PayloadError(0, "the padding indicator is missing")
    fields = _CRYPTOGRAM.parse(data, size=len(data) - 1)
    return Cryptogram(fields["indicator"], fields["body"])


def build_cryptogram(cryptogram: Cryptogram) -> bytes:
    """Write a cryptogram; PayloadError when the indicator is not one byte."""
    if not 0 <= cryptogram.indicator <= 0xFF:
        raise PayloadError(0, f"the padding indicator cannot be {cryptogram.indicator}")
    return _CRYPTOGRAM.build(indicator=cryptogram.indicator, body=cryptogram.body)


@dataclass(frozen=True, slots=True)
class EcdhRequest:
    """GENERAL AUTHENTICATE for a key agreement: the other side's public point."""

    point: bytes


def parse_ecdh_request(data: bytes) -> EcdhRequest:
    """Read ``7C {85 point}``."""
    return EcdhRequest(_inner(data, _AUTHENTICATION, _POINT))


def build_ecdh_request(request: EcdhRequest) -> bytes:
    """Write the point."""
    return build_tlv(_AUTHENTICATION, build_tlv(_POINT, request.point))


def _objects(data: bytes, base: int = 0) -> tuple[Tlv, ...]:
    """Data objects with length fields no longer than needed; `base` counts bytes before them."""
    try:
        objects = parse_tlvs(data)
    except TlvError as error:
        raise PayloadError(base + error.offset, error.reason) from None
    for place, tlv in enumerate(objects):
        if tlv.width:
            offset = base + _start(objects, place)
            raise PayloadError(offset, f"the length of object {tlv.tag:02X} is longer than needed")
    return objects


def _start(objects: tuple[Tlv, ...], place: int) -> int:
    """Where the object of this place begins."""
    return len(build_tlvs(*objects[:place]))


def _inner(data: bytes, outer: int, tag: int) -> bytes:
    """The value of the only object, of this tag, in the only object, of tag `outer`."""
    value = _only(_objects(data), outer, 0)
    base = len(data) - len(value)
    return _only(_objects(value, base), tag, base)


def _only(objects: tuple[Tlv, ...], tag: int, base: int) -> bytes:
    if len(objects) != 1 or objects[0].tag != tag:
        raise PayloadError(base, f"one object {tag:02X} is expected here")
    return objects[0].value


def _read_objects(data: bytes, known: Mapping[int, int | None]) -> dict[int, bytes]:
    """Known objects, each once at most and of its length in bytes, if it has a fixed one."""
    found: dict[int, bytes] = {}
    objects = _objects(data)
    for place, (tag, value, _) in enumerate(objects):
        if tag not in known:
            raise PayloadError(_start(objects, place), f"object {tag:02X} has no meaning here")
        if tag in found:
            raise PayloadError(_start(objects, place), f"object {tag:02X} is there twice")
        if known[tag] not in (None, len(value)):
            raise PayloadError(_start(objects, place), f"object {tag:02X} has {known[tag]} bytes")
        found[tag] = value
    return found


def _write_objects(values: dict[int, bytes], order: tuple[int, ...]) -> bytes:
    if order and sorted(order) != sorted(values):
        raise PayloadError(0, "the order lists other objects than there are")
    return build_tlvs(*(Tlv(tag, values[tag]) for tag in order or values))


def _number(number: int, size: int) -> bytes:
    try:
        return number.to_bytes(size, "big")
    except OverflowError:
        raise PayloadError(0, f"{number} does not fit {size} bytes") from None
