"""File control information: what SELECT answers and CREATE FILE takes.

Templates of ISO 7816-4 §7.4, with their objects: size (80 or 81), file
descriptor (82), identifier (83), name (84), proprietary bytes (85) and objects (A5), access rules
(86), life cycle (8A). The 3 bytes of access rules are those of OpenSC's driver ``myeid``.
"""

from dataclasses import dataclass
from enum import IntEnum
from typing import NamedTuple

from construct import Int8ub

from apdu.errors import FileControlError, TlvError
from apdu.layout import Layout
from apdu.tlv import Tlv, build_tlv, build_tlvs, find, parse_tlvs, read_tlv

_TEMPLATES = (0x62, 0x64, 0x6F)
_SIZES = (0x80, 0x81)
_KIND, _FID, _NAME, _PROPRIETARY, _ACCESS, _LIFE_CYCLE = 0x82, 0x83, 0x84, 0x85, 0x86, 0x8A
_OBJECTS, _USAGE, _CONSENT = 0xA5, 0x95, 0x96

_LENGTHS = {
    0x80: range(1, 9),
    0x81: range(1, 9),
    _KIND: range(1, 7),
    _FID: range(2, 3),
    _NAME: range(1, 17),
    _LIFE_CYCLE: range(1, 2),
}


class FileKind(IntEnum):
    """The first byte of the file descriptor (82), with the key files of the ``myeid`` card edge."""

    EF = 0x01
    RSA_KEY = 0x11
    EC_KEY = 0x22
    DF = 0x38
    SECRET_KEY = 0x41


class AccessRules(NamedTuple):
    """Who may do what with a file, one nibble each: 0 everyone, F nobody, n who knows PIN n.

    Of a file: read, update, delete. Of a key: use, update, delete, generate. Of a directory:
    create a directory, create a file, delete. `rest` is the third byte, which has no meaning.
    """

    first: int
    second: int
    third: int
    fourth: int
    rest: int = 0xFF


_ACCESS_RULES = Layout(
    FileControlError, "an access rule", "upper" / Int8ub, "lower" / Int8ub, "rest" / Int8ub
)


def parse_access(raw: bytes) -> AccessRules:
    """Read the 3 bytes of access rules."""
    fields = _ACCESS_RULES.parse(raw)
    first, second = divmod(fields["upper"], 16)
    third, fourth = divmod(fields["lower"], 16)
    return AccessRules(first, second, third, fourth, fields["rest"])


def build_access(access: AccessRules) -> bytes:
    """Write access rules; FileControlError when one is not a nibble."""
    for place, nibble in enumerate(access[:4]):
        if not 0 <= nibble <= 15:
            raise FileControlError(place // 2, f"no access rule {nibble}")
    first, second, third, fourth, rest = access
    return _ACCESS_RULES.build(upper=first << 4 | second, lower=third << 4 | fourth, rest=rest)


@dataclass(frozen=True, slots=True)
class FileControl:
    """A template (62 FCP, 64 FMD, 6F FCI) and its objects as they stand in it.

    A property reads the first object with its tag, and is None when there is none. `width` is as in
    `Tlv`, for the template.
    """

    template: int
    objects: tuple[Tlv, ...]
    width: int = 0

    @classmethod
    def of(
        cls,
        template: int,
        *,
        size_tag: int,
        size: int,
        kind: int,
        fid: int,
        access: bytes,
        proprietary: bytes,
        life_cycle: int,
        name: bytes = b"",
        usage: int | None = None,
        consent: int | None = None,
    ) -> "FileControl":
        """The control information of the ``myeid`` card edge; empty bytes leave an object out."""
        objects = [
            Tlv(size_tag, _number(size, 2, "size")),
            Tlv(_KIND, _number(kind, 1, "kind")),
            Tlv(_FID, _number(fid, 2, "identifier")),
            Tlv(_ACCESS, access),
            Tlv(_PROPRIETARY, proprietary),
            Tlv(_LIFE_CYCLE, _number(life_cycle, 1, "life cycle")),
            Tlv(_NAME, name),
        ]
        rules = [
            Tlv(tag, _number(value, 1, what))
            for tag, value, what in ((_USAGE, usage, "usage"), (_CONSENT, consent, "consent"))
            if value is not None
        ]
        objects.append(Tlv(_OBJECTS, build_tlvs(*rules)))
        return cls(template, tuple(tlv for tlv in objects if tlv.value))

    @property
    def size(self) -> int | None:
        """Bytes of data in the file (80, or 81 with structural information); bits of a key."""
        for tlv in self.objects:
            if tlv.tag in _SIZES:
                return int.from_bytes(tlv.value, "big")
        return None

    @property
    def kind(self) -> int | None:
        """The file descriptor byte (82)."""
        value = find(self.objects, _KIND)
        return None if value is None else value[0]

    @property
    def fid(self) -> int | None:
        """The file identifier (83)."""
        return self._whole_number(_FID)

    @property
    def name(self) -> bytes | None:
        """The name of a directory or application (84)."""
        return find(self.objects, _NAME)

    @property
    def proprietary(self) -> bytes | None:
        """Proprietary bytes (85)."""
        return find(self.objects, _PROPRIETARY)

    @property
    def access(self) -> bytes | None:
        """Access rules (86), for `parse_access`."""
        return find(self.objects, _ACCESS)

    @property
    def life_cycle(self) -> int | None:
        """The life cycle status byte (8A)."""
        return self._whole_number(_LIFE_CYCLE)

    @property
    def usage(self) -> int | None:
        """Uses of a key (95 in A5): 01 sign, 02 decipher, 04 derive, 08 authenticate."""
        return self._rule(_USAGE)

    @property
    def consent(self) -> int | None:
        """Who agrees to each use of a key (96 in A5): 00 nobody, 01 a press, 02 what was shown."""
        return self._rule(_CONSENT)

    def _rule(self, tag: int) -> int | None:
        value = find(self.objects, _OBJECTS)
        rule = None if value is None else find(parse_tlvs(value), tag)
        return None if rule is None else rule[0]

    def _whole_number(self, tag: int) -> int | None:
        value = find(self.objects, tag)
        return None if value is None else int.from_bytes(value, "big")


def parse_file_control(data: bytes) -> FileControl:
    """Read one template; FileControlError also when an object has a length it cannot have."""
    offset = 0
    try:
        tlv, end = read_tlv(data)
        _check_template(tlv.tag)
        offset = end - len(tlv.value)
        objects = parse_tlvs(tlv.value)
    except TlvError as error:
        raise FileControlError(offset + error.offset, error.reason) from None
    if end != len(data):
        raise FileControlError(end, "more bytes after the template")
    _check_objects(objects, offset)
    return FileControl(tlv.tag, objects, tlv.width)


def build_file_control(control: FileControl) -> bytes:
    """Write a template; FileControlError when `parse_file_control` would not read it."""
    _check_template(control.template)
    try:
        built = build_tlv(control.template, build_tlvs(*control.objects), control.width)
    except TlvError as error:
        raise FileControlError(error.offset, error.reason) from None
    _check_objects(control.objects, 0)
    return built


def _check_template(tag: int) -> None:
    if tag not in _TEMPLATES:
        raise FileControlError(0, f"{tag:02X} is no template of file control information")


def _check_objects(objects: tuple[Tlv, ...], offset: int) -> None:
    """The properties above rely on this."""
    for place, tlv in enumerate(objects):
        reason = _fault(tlv)
        if reason:
            offset += len(build_tlvs(*objects[:place]))
            raise FileControlError(offset, f"object {tlv.tag:02X} {reason}")


def _fault(tlv: Tlv) -> str:
    allowed = _LENGTHS.get(tlv.tag)
    if allowed is not None and len(tlv.value) not in allowed:
        return f"cannot have {len(tlv.value)} bytes"
    if tlv.tag != _OBJECTS:
        return ""
    try:
        held = parse_tlvs(tlv.value)
    except TlvError:
        return "does not hold data objects"
    for rule, name in ((_USAGE, "usage (95)"), (_CONSENT, "consent rule (96)")):
        value = find(held, rule)
        if value is not None and len(value) != 1:
            return f"holds a {name} that is not one byte"
    return ""


def _number(value: int, size: int, what: str) -> bytes:
    try:
        return value.to_bytes(size, "big")
    except OverflowError:
        raise FileControlError(0, f"{what} cannot be {value}") from None
