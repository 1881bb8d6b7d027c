"""Commands of the PIV card edge in words (SP 800-73-4 part 2), and Yubico's additions to it."""

from __future__ import annotations

from collections.abc import Iterator

from apdu.command import Command
from apdu.errors import ApduError
from apdu.piv import PivINS, parse_object, parse_object_answer, parse_object_request
from apdu.pivedge import PIN, PUK, PinPolicy, TouchPolicy
from apdu.pivmetadata import NO_ALGORITHM, Metadata, parse_metadata
from apdu.pivnames import ALGORITHM_NAMES, KEY_NAMES, OBJECT_NAMES, PIN_NAMES
from host.trace import tags
from host.trace.explain import Words

_AWAY = 0xFF
_PIN_POLICIES: dict[int, str] = {
    PinPolicy.NEVER: "never",
    PinPolicy.ONCE: "once",
    PinPolicy.ALWAYS: "each time",
}
_TOUCH_POLICIES: dict[int, str] = {
    TouchPolicy.NEVER: "never",
    TouchPolicy.ALWAYS: "each time",
    TouchPolicy.CACHED: "cached",
}


def command_words(command: Command, shown: bool) -> Words | None:
    """What a command is about; None for one that is as in any other application."""
    data = command.data if shown else b""
    match command.ins:
        case PivINS.VERIFY if command.p1 == 0xFF:
            return f"forget the {_pin(command.p2)}", []
        case PivINS.VERIFY:
            asks = shown and not command.data
            return f"{'state of the ' if asks else ''}{_pin(command.p2)}", []
        case PivINS.CHANGE_REFERENCE | PivINS.RESET_RETRY:
            return _pin(command.p2), []
        case PivINS.GET_DATA:
            return _wanted(data), []
        case PivINS.PUT_DATA:
            return _given(data)
        case PivINS.GENERAL_AUTHENTICATE:
            return f"{_algorithm(command.p1)} with the {_key(command.p2)}", _template(data)
        case PivINS.GENERATE_KEY:
            return f"{_key(command.p2)}", _objects(data, tags.KEY_PAIR)
        case _:
            about = _added(command)
            return None if about is None else (about, [])


def _added(command: Command) -> str | None:
    """What one of Yubico's commands is about."""
    match command.ins:
        case PivINS.IMPORT_KEY:
            return f"{_algorithm(command.p1)} into the {_key(command.p2)}"
        case PivINS.MOVE_KEY if command.p1 == _AWAY:
            return f"{_key(command.p2)}, to be deleted"
        case PivINS.MOVE_KEY:
            return f"{_key(command.p2)} to the {_key(command.p1)}"
        case PivINS.GET_METADATA:
            return _pin(command.p2) if command.p2 in (PIN, PUK) else _key(command.p2)
        case PivINS.ATTEST:
            return _key(command.p1)
        case PivINS.SET_TRIES:
            return f"PIN {command.p1}, PUK {command.p2}"
        case _:
            return None


def answer_words(command: Command, data: bytes) -> list[str] | None:
    """What is in the answer to a command; None for one that is as in any other application."""
    match command.ins:
        case PivINS.SELECT:
            return tags.object_lines(data, tags.APPLICATION)
        case PivINS.GENERAL_AUTHENTICATE:
            return tags.object_lines(data, tags.AUTHENTICATION)
        case PivINS.GENERATE_KEY:
            return tags.object_lines(data, tags.KEY_PAIR)
        case PivINS.GET_DATA:
            return _object(command.data, data)
        case PivINS.GET_VERSION:
            return [".".join(map(str, data))]
        case PivINS.GET_METADATA:
            return _metadata(data)
        case PivINS.GET_SERIAL:
            return [str(int.from_bytes(data, "big"))]
        case _:
            return None


def _pin(reference: int) -> str:
    return f"{PIN_NAMES.get(reference, 'reference')} ({reference:02X})"


def _key(reference: int) -> str:
    return f"{KEY_NAMES.get(reference, 'key')} ({reference:02X})"


def _algorithm(number: int) -> str:
    return ALGORITHM_NAMES.get(number, f"algorithm {number:02X}")


def _named(tag: int) -> str:
    return f"{OBJECT_NAMES.get(tag, 'object')} ({tag:X})"


def _wanted(data: bytes) -> str:
    try:
        return _named(parse_object_request(data)) if data else ""
    except ApduError:
        return ""


def _given(data: bytes) -> Words:
    try:
        given = parse_object(data) if data else None
    except ApduError:
        return "", tags.object_lines(data, tags.OBJECT)
    if given is None:
        return "", []
    if not given.content:
        return f"{_named(given.tag)}, to be removed", []
    return _named(given.tag), tags.object_lines(given.content, tags.OBJECT)


def _metadata(data: bytes) -> list[str]:
    try:
        return list(_told(parse_metadata(data)))
    except ApduError:
        return [tags.shorten(data)]


def _told(metadata: Metadata) -> Iterator[str]:
    if metadata.algorithm != NO_ALGORITHM:
        yield _algorithm(metadata.algorithm)
    if metadata.policy is not None:
        pin, touch = metadata.policy
        yield f"PIN {_PIN_POLICIES.get(pin, pin)}, touch {_TOUCH_POLICIES.get(touch, touch)}"
    if metadata.imported is not None:
        yield "imported" if metadata.imported else "made on the card"
    if metadata.factory is not None:
        yield "as from the factory" if metadata.factory else "changed since the factory"
    if metadata.tries is not None:
        yield f"{metadata.tries[1]} of {metadata.tries[0]} tries left"


def _template(data: bytes) -> list[str]:
    return _objects(data, tags.AUTHENTICATION)


def _objects(data: bytes, names: tags.TagNames) -> list[str]:
    return tags.object_lines(data, names) if data else []


def _object(request: bytes, data: bytes) -> list[str]:
    try:
        content = parse_object_answer(parse_object_request(request), data).content
    except ApduError:
        return tags.object_lines(data, tags.OBJECT)
    return tags.object_lines(content, tags.OBJECT)
