"""Data fields of the PIV card edge (NIST SP 800-73-4 part 2): templates of BER-TLV."""

from __future__ import annotations

from dataclasses import dataclass, field

from apdu.errors import PayloadError
from apdu.tlv import Tlv, build_tlv, find, parse_tlvs

_DYNAMIC, _GENERATE, _TAG_LIST, _DATA = 0x7C, 0xAC, 0x5C, 0x53
_WITNESS, _CHALLENGE, _RESPONSE, _POINT = 0x80, 0x81, 0x82, 0x85
_ALGORITHM, _PIN_POLICY = 0x80, 0xAA


@dataclass(frozen=True, slots=True)
class DynamicAuthentication:
    """The template of GENERAL AUTHENTICATE (part 2 §3.2.4). Empty bytes ask for the object."""

    witness: bytes | None = field(default=None, repr=False)
    challenge: bytes | None = field(default=None, repr=False)
    response: bytes | None = field(default=None, repr=False)
    point: bytes | None = None


def parse_dynamic_authentication(data: bytes) -> DynamicAuthentication:
    """Read 7C { 80 witness, 81 challenge, 82 response, 85 point }."""
    objects = parse_tlvs(_only(data, _DYNAMIC))
    return DynamicAuthentication(
        find(objects, _WITNESS),
        find(objects, _CHALLENGE),
        find(objects, _RESPONSE),
        find(objects, _POINT),
    )


def build_dynamic_authentication(template: DynamicAuthentication) -> bytes:
    """Write the template, its objects in the order of their tags."""
    values = (
        (_WITNESS, template.witness),
        (_CHALLENGE, template.challenge),
        (_RESPONSE, template.response),
        (_POINT, template.point),
    )
    inner = b"".join(build_tlv(tag, value) for tag, value in values if value is not None)
    return build_tlv(_DYNAMIC, inner)


@dataclass(frozen=True, slots=True)
class KeyTemplate:
    """What key GENERATE ASYMMETRIC KEY PAIR makes; `pin_policy` is Yubico's addition."""

    algorithm: int
    pin_policy: int | None = None


def parse_key_template(data: bytes) -> KeyTemplate:
    """Read AC { 80 algorithm [, AA pin policy] } (part 2 §3.3.2)."""
    objects = parse_tlvs(_only(data, _GENERATE))
    algorithm = find(objects, _ALGORITHM)
    policy = find(objects, _PIN_POLICY)
    if algorithm is None or len(algorithm) != 1 or (policy is not None and len(policy) != 1):
        raise PayloadError(2, "a key template has an algorithm of one byte")
    return KeyTemplate(algorithm[0], policy[0] if policy else None)


def parse_object_request(data: bytes) -> int:
    """The tag that GET DATA asks for: 5C { tag } (part 2 §3.1.2)."""
    return int.from_bytes(_only(data, _TAG_LIST), "big")


def parse_object(data: bytes) -> tuple[int, bytes]:
    """What PUT DATA keeps: 5C { tag } 53 { content }, or a whole 7E or 7F61 (part 2 §3.3.1)."""
    objects = parse_tlvs(data)
    if len(objects) == 1 and objects[0].tag in (0x7E, 0x7F61):
        return objects[0].tag, objects[0].value
    tag, content = find(objects, _TAG_LIST), find(objects, _DATA)
    if len(objects) != 2 or not tag or content is None:
        raise PayloadError(0, "an object is put as its tag and its content")
    return int.from_bytes(tag, "big"), content


def build_object(content: bytes) -> bytes:
    """An object as GET DATA answers it: 53 { content }."""
    return build_tlv(_DATA, content)


def parse_key_parts(data: bytes) -> tuple[Tlv, ...]:
    """The parts of a key that is imported (Yubico's command FE): 01 p, 02 q, ..., 06 d."""
    return parse_tlvs(data)


def _only(data: bytes, tag: int) -> bytes:
    objects = parse_tlvs(data)
    if len(objects) != 1 or objects[0].tag != tag:
        raise PayloadError(0, f"the data is one object {tag:X}")
    return objects[0].value
