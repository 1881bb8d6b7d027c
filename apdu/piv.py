"""Data fields of the PIV card edge (NIST SP 800-73-4 part 2): templates of BER-TLV.

Values are written in the order of the standard, with length fields as short as can be. What is
read may come in another order; an object that is not known, or there twice, is refused.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import IntEnum

from apdu.command import Command
from apdu.errors import PayloadError
from apdu.instruction import name_of
from apdu.tlv import Tlv, build_tlv, build_tlvs, parse_tlvs

DISCOVERY, BIOMETRIC_GROUP = 0x7E, 0x7F61
"""Objects that are answered under their own tag; all others come in a 53."""

_DYNAMIC, _GENERATE, _PUBLIC_KEY = 0x7C, 0xAC, 0x7F49
_TAG_LIST, _DATA = 0x5C, 0x53
_PIN_POLICY, _TOUCH_POLICY = 0xAA, 0xAB
_BARE = frozenset({DISCOVERY, BIOMETRIC_GROUP})


class PivINS(IntEnum):
    """Instruction bytes of the card edge (part 2 table 2); those from F6 on are Yubico's."""

    VERIFY = 0x20
    CHANGE_REFERENCE = 0x24
    RESET_RETRY = 0x2C
    GENERATE_KEY = 0x47
    GENERAL_AUTHENTICATE = 0x87
    SELECT = 0xA4
    GET_DATA = 0xCB
    PUT_DATA = 0xDB
    MOVE_KEY = 0xF6
    GET_METADATA = 0xF7
    GET_SERIAL = 0xF8
    ATTEST = 0xF9
    SET_TRIES = 0xFA
    RESET = 0xFB
    GET_VERSION = 0xFD
    IMPORT_KEY = 0xFE
    SET_MANAGEMENT_KEY = 0xFF


_ADDED = range(PivINS.MOVE_KEY, 0x100)
"""Instructions that mean something else outside PIV, or nothing."""


def piv_name_of(command: Command) -> str:
    """The command's name in this application."""
    if command.ins in _ADDED and command.ins in list(PivINS):
        return PivINS(command.ins).name.replace("_", " ")
    return name_of(command)


@dataclass(frozen=True, slots=True)
class DynamicAuthentication:
    """The template of GENERAL AUTHENTICATE (part 2 §3.2.4). Empty bytes ask for the object."""

    witness: bytes | None = field(default=None, repr=False)
    challenge: bytes | None = field(default=None, repr=False)
    response: bytes | None = field(default=None, repr=False)
    point: bytes | None = None


_DYNAMIC_TAGS = {"witness": 0x80, "challenge": 0x81, "response": 0x82, "point": 0x85}


def parse_dynamic_authentication(data: bytes) -> DynamicAuthentication:
    """Read 7C { 80 witness, 81 challenge, 82 response, 85 point }, each of them optional."""
    values = _values(_only(data, _DYNAMIC), _DYNAMIC_TAGS.values())
    return DynamicAuthentication(*(values.get(tag) for tag in _DYNAMIC_TAGS.values()))


def build_dynamic_authentication(template: DynamicAuthentication) -> bytes:
    """Write the template."""
    return build_tlv(
        _DYNAMIC, _join({tag: getattr(template, name) for name, tag in _DYNAMIC_TAGS.items()})
    )


@dataclass(frozen=True, slots=True)
class KeyTemplate:
    """What GENERATE ASYMMETRIC KEY PAIR is to make; the policies are Yubico's addition."""

    algorithm: int
    exponent: int | None = None
    pin_policy: int | None = None
    touch_policy: int | None = None


def parse_key_template(data: bytes) -> KeyTemplate:
    """Read AC { 80 algorithm [, 81 exponent] [, AA pin policy] [, AB touch policy] }."""
    values = _values(_only(data, _GENERATE), (0x80, 0x81, _PIN_POLICY, _TOUCH_POLICY))
    algorithm, exponent = _byte(values, 0x80), values.get(0x81)
    if algorithm is None:
        raise PayloadError(2, "a key template names its algorithm")
    if exponent is not None and exponent[:1] in (b"", b"\x00"):
        raise PayloadError(2, "an exponent has no leading zeros")
    return KeyTemplate(
        algorithm,
        None if exponent is None else int.from_bytes(exponent, "big"),
        _byte(values, _PIN_POLICY),
        _byte(values, _TOUCH_POLICY),
    )


def build_key_template(template: KeyTemplate) -> bytes:
    """Write the template."""
    exponent = template.exponent
    parts = {
        0x80: _as_byte(template.algorithm),
        0x81: None if exponent is None else _number(exponent),
        _PIN_POLICY: _as_byte(template.pin_policy),
        _TOUCH_POLICY: _as_byte(template.touch_policy),
    }
    return build_tlv(_GENERATE, _join(parts))


@dataclass(frozen=True, slots=True)
class PublicKey:
    """The public half of a key: modulus and exponent of RSA, or the point (04 x y) of a curve."""

    modulus: bytes | None = None
    exponent: bytes | None = None
    point: bytes | None = None


_PUBLIC_TAGS = {"modulus": 0x81, "exponent": 0x82, "point": 0x86}


def parse_public_key(data: bytes) -> PublicKey:
    """Read 7F49 { 81 modulus, 82 exponent } or 7F49 { 86 point } (part 2 §3.3.2)."""
    return parse_public_key_parts(_only(data, _PUBLIC_KEY))


def parse_public_key_parts(data: bytes) -> PublicKey:
    """Read what is inside the 7F49."""
    values = _values(data, _PUBLIC_TAGS.values())
    if values.keys() not in ({0x81, 0x82}, {0x86}):
        raise PayloadError(0, "a public key is a modulus with an exponent, or a point")
    return PublicKey(*(values.get(tag) for tag in _PUBLIC_TAGS.values()))


def build_public_key(key: PublicKey) -> bytes:
    """Write the public half of a key."""
    return build_tlv(_PUBLIC_KEY, build_public_key_parts(key))


def build_public_key_parts(key: PublicKey) -> bytes:
    """Write what is inside the 7F49."""
    return _join({tag: getattr(key, name) for name, tag in _PUBLIC_TAGS.items()})


@dataclass(frozen=True, slots=True)
class DataObject:
    """A data object by its tag. Printed information and fingerprints are nobody's business."""

    tag: int
    content: bytes = field(repr=False)


def parse_object_request(data: bytes) -> int:
    """The tag that GET DATA asks for: 5C { tag } (part 2 §3.1.2)."""
    return _tag(_only(data, _TAG_LIST))


def build_object_request(tag: int) -> bytes:
    """Write the request."""
    return build_tlv(_TAG_LIST, _tag_bytes(tag))


def parse_object(data: bytes) -> DataObject:
    """What PUT DATA keeps: 5C { tag } 53 { content }, or a whole 7E or 7F61 (part 2 §3.3.1)."""
    objects = parse_tlvs(data)
    tags = [tlv.tag for tlv in objects]
    if len(tags) == 1 and tags[0] in _BARE:
        return DataObject(tags[0], objects[0].value)
    if tags != [_TAG_LIST, _DATA]:
        raise PayloadError(0, "an object is put as its tag and its content")
    tag = _tag(objects[0].value)
    if tag in _BARE:
        raise PayloadError(0, f"the object {tag:X} is put under its own tag")
    return DataObject(tag, objects[1].value)


def build_object(kept: DataObject) -> bytes:
    """Write an object as PUT DATA takes it."""
    if kept.tag in _BARE:
        return build_object_answer(kept)
    return build_object_request(kept.tag) + build_object_answer(kept)


def parse_object_answer(tag: int, data: bytes) -> DataObject:
    """Read what GET DATA answers when it was asked for this tag."""
    return DataObject(tag, _only(data, tag if tag in _BARE else _DATA))


def build_object_answer(kept: DataObject) -> bytes:
    """Write an object as GET DATA answers it: 53 { content }, or under its own tag."""
    return build_tlv(kept.tag if kept.tag in _BARE else _DATA, kept.content)


@dataclass(frozen=True, slots=True)
class ImportedKey:
    """A private key for Yubico's IMPORT ASYMMETRIC KEY.

    `parts` are the objects 01 p, 02 q, 03 dp, 04 dq, 05 q inverse of RSA, or 06 the private value
    of a curve.
    """

    parts: tuple[Tlv, ...] = field(repr=False)
    pin_policy: int | None = None
    touch_policy: int | None = None


def parse_imported_key(data: bytes) -> ImportedKey:
    """Read the parts of a key and its policies."""
    values = _values(data, (*range(0x01, 0x07), _PIN_POLICY, _TOUCH_POLICY))
    parts = tuple(Tlv(tag, value) for tag, value in sorted(values.items()) if tag < _PIN_POLICY)
    return ImportedKey(parts, _byte(values, _PIN_POLICY), _byte(values, _TOUCH_POLICY))


def build_imported_key(key: ImportedKey) -> bytes:
    """Write the parts of a key and its policies."""
    policies = {
        _PIN_POLICY: _as_byte(key.pin_policy),
        _TOUCH_POLICY: _as_byte(key.touch_policy),
    }
    return build_tlvs(*key.parts) + _join(policies)


@dataclass(frozen=True, slots=True)
class NewManagementKey:
    """What Yubico's SET MANAGEMENT KEY keeps for the key reference 9B."""

    algorithm: int
    key: bytes = field(repr=False)


_MANAGEMENT = 0x9B


def parse_new_management_key(data: bytes) -> NewManagementKey:
    """Read algorithm, 9B, length, key."""
    if len(data) < 3 or data[1] != _MANAGEMENT or data[2] != len(data) - 3:
        raise PayloadError(
            min(1, len(data)), "a management key comes as algorithm, 9B, length, key"
        )
    return NewManagementKey(data[0], data[3:])


def build_new_management_key(new: NewManagementKey) -> bytes:
    """Write algorithm, 9B, length, key."""
    head = (new.algorithm, _MANAGEMENT, len(new.key))
    return b"".join(_as_byte(value) or b"" for value in head) + new.key


# The parts that they are made of


def _only(data: bytes, tag: int) -> bytes:
    """The value of the one object that the data is."""
    objects = parse_tlvs(data)
    if len(objects) != 1 or objects[0].tag != tag:
        raise PayloadError(0, f"the data is one object {tag:X}")
    return objects[0].value


def _values(data: bytes, known: Iterable[int]) -> dict[int, bytes]:
    """Objects by their tags, none of them unknown or there twice."""
    objects = parse_tlvs(data)
    values = {tlv.tag: tlv.value for tlv in objects}
    if len(values) != len(objects) or not values.keys() <= set(known):
        raise PayloadError(0, "an object is not known here, or there twice")
    return values


def _join(values: Mapping[int, bytes | None]) -> bytes:
    return build_tlvs(*(Tlv(tag, value) for tag, value in values.items() if value is not None))


def _byte(values: Mapping[int, bytes], tag: int) -> int | None:
    value = values.get(tag)
    if value is not None and len(value) != 1:
        raise PayloadError(0, f"the object {tag:02X} has one byte")
    return None if value is None else value[0]


def _as_byte(value: int | None) -> bytes | None:
    if value is not None and not 0 <= value <= 0xFF:
        raise PayloadError(0, "a number does not fit its byte")
    return None if value is None else bytes((value,))


def _number(value: int) -> bytes:
    if value < 1:
        raise PayloadError(0, "an exponent is a positive number")
    return value.to_bytes(-(-value.bit_length() // 8), "big")


def _tag(raw: bytes) -> int:
    """A tag that is the value of an object; refused unless it is written as tags are."""
    tag = int.from_bytes(raw, "big")
    if _tag_bytes(tag) != raw:
        raise PayloadError(2, "this is no tag")
    return tag


def _tag_bytes(tag: int) -> bytes:
    return build_tlv(tag, b"")[:-1]
