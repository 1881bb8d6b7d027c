"""Data objects in lines: each tag named, each value as people read it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from apdu.errors import ApduError
from apdu.filecontrol import FileKind, parse_file_control
from apdu.pivnames import ALGORITHM_NAMES
from apdu.pkcs15.read import first_object
from apdu.tlv import Tlv, parse_tlvs
from host.trace.names import access_words

MOST_SHOWN = 32
"""Bytes of a value that are shown."""

TagNames = Mapping[int, str]

CONTROL: TagNames = MappingProxyType(
    {
        0x62: "file control parameters",
        0x64: "file management data",
        0x6F: "file control information",
        0x80: "size",
        0x81: "size",
        0x82: "descriptor",
        0x83: "identifier",
        0x84: "name",
        0x85: "proprietary",
        0x86: "access rules",
        0x8A: "life cycle",
        0x95: "uses of the key",
        0x96: "how the key asks its holder",
        0xA5: "proprietary objects",
    }
)
"""ISO 7816-4 §7.4; `apdu.filecontrol` has the codecs."""

APPLICATION: TagNames = MappingProxyType(
    {
        0x4F: "application identifier",
        0x50: "label",
        0x5F2F: "which PINs",
        0x5F50: "address of a specification",
        0x61: "application template",
        0x79: "authority",
        0x7E: "discovery object",
        0xAC: "algorithms",
    }
)
"""SP 800-73-4 part 2 table 3, part 1 §3.3.2."""

OBJECT: TagNames = MappingProxyType(
    {
        0x30: "FASC-N",
        0x34: "GUID",
        0x35: "expiration date",
        0x3E: "issuer's signature",
        0x53: "content",
        0x5C: "tag wanted",
        0x70: "certificate",
        0x71: "certificate information",
        0x7F21: "certificate",
        0x83: "key reference",
        0xFE: "error detection code",
    }
)
"""SP 800-73-4 part 1 appendix A, and our certificates."""

AUTHENTICATION: TagNames = MappingProxyType(
    {
        0x7C: "dynamic authentication",
        0x80: "witness",
        0x81: "challenge",
        0x82: "response",
        0x85: "point",
    }
)
"""ISO 7816-4 table 94; SP 800-73-4 part 2 table 7."""

KEY_PAIR: TagNames = MappingProxyType(
    {
        0x30: "key parameters",
        0x7F49: "public key",
        0x80: "algorithm",
        0x81: "modulus or exponent",
        0x82: "public exponent",
        0x86: "point",
        0xAA: "PIN policy",
        0xAB: "touch policy",
        0xAC: "key template",
    }
)
"""ISO 7816-8 §5.1; SP 800-73-4 part 2 §3.3.2."""

ENVIRONMENT: TagNames = MappingProxyType(
    {0x80: "algorithm", 0x81: "key file", 0x83: "key", 0x84: "key", 0x91: "random number"}
)
"""ISO 7816-4 table 79."""

SIGNATURE: TagNames = MappingProxyType({0x9A: "signed data", 0x9E: "signature"})
"""ISO 7816-8 §5.6."""


_CERTIFICATES = (0x70, 0x7F21)


def shorten(data: bytes) -> str:
    """Bytes in hexadecimal, the first of them at least."""
    if len(data) <= MOST_SHOWN:
        return data.hex().upper()
    return f"{data[:MOST_SHOWN].hex().upper()} ... {len(data)} bytes"


def printable(text: str) -> str:
    """What a card says may be meant for the terminal; it is shown, not obeyed."""
    return "".join(sign if sign.isprintable() else "\N{REPLACEMENT CHARACTER}" for sign in text)


def object_lines(data: bytes, names: TagNames) -> list[str]:
    """Data objects, one a line, those within others indented; what is none, as bytes."""
    try:
        return _lines(parse_tlvs(data), names, "")
    except ApduError:
        return [shorten(data)]


def control_lines(data: bytes) -> list[str]:
    """File control information, its values in words."""
    try:
        control = parse_file_control(data)
    except ApduError:
        return object_lines(data, APPLICATION)
    words: dict[int, Callable[[bytes], str]] = {
        0x80: _number,
        0x81: _number,
        0x82: lambda value: _kind(value[0]),
        0x86: lambda _: access_words(control),
    }
    lines = [CONTROL[control.template]]
    for tlv in control.objects:
        said = words[tlv.tag](tlv.value) if tlv.tag in words else ""
        name = CONTROL.get(tlv.tag, "object")
        if tlv.tag in (0x80, 0x81) and control.kind in (FileKind.RSA_KEY, FileKind.EC_KEY):
            name = "bits"
        if tlv.constructed:
            lines += _lines((tlv,), CONTROL, "  ")
        else:
            lines.append(f"  {tlv.tag:02X} {name}: {said or shorten(tlv.value)}")
    return lines


def _lines(objects: tuple[Tlv, ...], names: TagNames, indent: str) -> list[str]:
    lines = []
    for tlv in objects:
        head = f"{indent}{tlv.tag:02X} {names.get(tlv.tag, 'object')}"
        children = _children(tlv)
        if children:
            lines += [head, *_lines(children, names, indent + "  ")]
        else:
            lines.append(f"{head}: {_value(tlv, names)}" if tlv.value else f"{head}: empty")
    return lines


def _children(tlv: Tlv) -> tuple[Tlv, ...]:
    """The objects within an object; of a certificate more is known than these."""
    if tlv.tag in _CERTIFICATES and certificate_words(tlv.value):
        return ()
    try:
        return tlv.children
    except ApduError:
        return ()


def _value(tlv: Tlv, names: TagNames) -> str:
    """A value, with words where it is a number with a meaning."""
    shown = shorten(tlv.value)
    if tlv.tag == 0x80 and names is KEY_PAIR and len(tlv.value) == 1:
        return f"{shown} {ALGORITHM_NAMES.get(tlv.value[0], '')}".rstrip()
    if tlv.tag in _CERTIFICATES:
        return certificate_words(tlv.value) or shown
    return shown


def certificate_words(der: bytes) -> str:
    """Whose certificate stands there, perhaps with something after it; empty for what is none."""
    from host.directory import load_certificate

    try:
        der = first_object(der)
        certificate = load_certificate(der)
    except ValueError:
        return ""
    subject = printable(certificate.subject.rfc4514_string())
    return f"{subject}, until {certificate.not_valid_after_utc:%Y-%m-%d}, {len(der)} bytes"


def _kind(descriptor: int) -> str:
    try:
        return FileKind(descriptor).name.replace("_", " ")
    except ValueError:
        return f"{descriptor:02X}"


def _number(value: bytes) -> str:
    return str(int.from_bytes(value, "big"))
