"""What the service says of itself and its readers: version, attributes, features."""

from __future__ import annotations

from ushield.reader.codes import GET_FEATURE_REQUEST, Attribute, Rv
from ushield.reader.messages import MAX_ATTRIBUTE, ControlCode, Request, Version, build_body
from ushield.reader.messages import Attribute as AttributeBody
from ushield.reader.slots import Reader, Wait

MAJOR, NEWEST_MINOR, OLDEST_MINOR = 4, 6, 3
"""The versions of the protocol that clients may speak."""

VENDOR = b"ushield\0"

Answer = bytes | Wait
"""What is sent to the client, or WAIT."""


class Hangup(Exception):
    """The client broke the rules and is to be dropped; the reason is for the log."""


def is_known(body: Version) -> bool:
    """Whether a client's version is one of ours."""
    return body.major == MAJOR and OLDEST_MINOR <= body.minor <= NEWEST_MINOR


def version_answer(body: Version) -> bytes:
    """The client's own version if it is known, else ours, and that there is no service for it."""
    if is_known(body):
        return build_body(body._replace(rv=0))
    return build_body(Version(MAJOR, NEWEST_MINOR, Rv.SERVICE_STOPPED))


def attribute_answer(reader: Reader, command: Request, body: AttributeBody) -> bytes:
    """SCardGetAttrib; there is nothing that SCardSetAttrib could set."""
    if body.length > MAX_ATTRIBUTE:
        raise Hangup(f"an attribute of {body.length} bytes")
    rv = Rv.SHARING_VIOLATION if reader.locked_for(body.card) else reader.event_of(body.card)
    if rv is not Rv.SUCCESS:
        return build_body(body._replace(rv=rv))
    value = _value_of(reader, body.id) if command is Request.GET_ATTRIBUTE else None
    if value is None:
        return build_body(body._replace(rv=Rv.UNSUPPORTED_FEATURE))
    if len(value) > body.length:
        return build_body(body._replace(length=len(value), rv=Rv.INSUFFICIENT_BUFFER))
    padded = value.ljust(MAX_ATTRIBUTE, b"\0")
    return build_body(body._replace(data=padded, length=len(value), rv=0))


def control_answer(reader: Reader, body: ControlCode) -> bytes:
    """SCardControl: no feature is there; who asks for the list of features gets an empty one."""
    rv = Rv.SUCCESS if body.code == GET_FEATURE_REQUEST else Rv.UNSUPPORTED_FEATURE
    if reader.locked_for(body.card):
        rv = Rv.SHARING_VIOLATION
    return build_body(body._replace(returned=0, rv=rv))


def _value_of(reader: Reader, attribute: int) -> bytes | None:
    match attribute:
        case Attribute.ATR_STRING:
            return reader.contacts.atr or None
        case Attribute.DEVICE_FRIENDLY_NAME | Attribute.DEVICE_SYSTEM_NAME:
            return reader.name.encode() + b"\0"
        case Attribute.VENDOR_NAME:
            return VENDOR
        case _:
            return None
