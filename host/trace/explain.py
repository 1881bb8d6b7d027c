"""Commands of the PKCS#15 card edge, and of ISO 7816 at large, in words."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from apdu.command import Command
from apdu.edge import Algorithm, Data, EcPart, Operation, RsaPart, Use
from apdu.errors import ApduError
from apdu.instruction import INS
from apdu.payload import (
    parse_applet_info,
    parse_capabilities,
    parse_generate_key,
    parse_pin_statuses,
    parse_security_environment,
)
from apdu.rsablock import DIGEST_INFO
from host.trace import tags
from host.trace.names import Names
from host.trace.selection import Application, Selection, application_of


class Context:
    """What is known of a dialogue so far: what is selected, what things are called, which key."""

    def __init__(self) -> None:
        self.selection = Selection()
        self.names = Names()
        self.key = ""
        """The key that the security environment names, in words."""

    def reset(self) -> None:
        """The card was reset."""
        self.selection.reset()
        self.key = ""

    @property
    def file(self) -> str:
        """The selected file."""
        return self.names.file(self.selection.path)

    @property
    def selected_key(self) -> str:
        """The key whose file is selected; empty when it is none."""
        path = self.selection.path or b""
        is_key = len(path) == 4 and path[2] == 0x4B
        return self.names.key(path[3]) if is_key else ""


Words = tuple[str, list[str]]
"""What a command or an answer is about, in a line, and what is in it, in lines of their own."""


def command_words(command: Command, shown: bool, context: Context) -> Words:
    """What a command is about; `shown` says that its data is known."""
    explain = _COMMANDS.get(command.ins)
    return explain(command, shown, context) if explain else ("", [])


def answer_words(command: Command, data: bytes, context: Context) -> list[str]:
    """What is in the answer to a command, whose data is known."""
    explain = _ANSWERS.get(command.ins)
    if explain is None:
        return [tags.shorten(data)]
    try:
        return explain(command, data, context)
    except ApduError:
        return [tags.shorten(data)]


# --- commands -----------------------------------------------------------------------------------


def _select(command: Command, _shown: bool, context: Context) -> Words:
    if command.p1 == 0x04:
        application = application_of(command.data)
        known = "" if application is Application.UNKNOWN else f"{application.value}, "
        return f"application {known}{command.data.hex(' ').upper()}".rstrip(), []
    return context.names.file(context.selection.path_of(command)), []


def _read(command: Command, _shown: bool, context: Context) -> Words:
    offset = _offset(command)
    upto = f" to {offset + command.le - 1}" if command.le else ""
    return f"{context.file}, from byte {offset}{upto}", []


def _update(command: Command, _shown: bool, context: Context) -> Words:
    return f"{context.file}, from byte {_offset(command)}", []


def _offset(command: Command) -> int:
    """ISO 7816-4 §11.3.2: P1 with b8 set names a short identifier, and only P2 is the offset."""
    return command.p2 if command.p1 & 0x80 else command.p1p2


def _pin(command: Command, _shown: bool, context: Context) -> Words:
    return context.names.pin(command.p2), []


def _verify(command: Command, shown: bool, context: Context) -> Words:
    asks = shown and not command.data
    return f"{'state of ' if asks else ''}{context.names.pin(command.p2)}", []


def _environment(command: Command, shown: bool, context: Context) -> Words:
    use = _USES.get(command.p1p2, f"{command.p1p2:04X}")
    if not shown:
        return use, []
    try:
        environment = parse_security_environment(command.data)
    except ApduError:
        return use, tags.object_lines(command.data, tags.ENVIRONMENT)
    if environment.key_file is not None:
        context.key = context.names.key(environment.key_file & 0xFF)
    elif environment.key_reference is not None:
        context.key = context.names.key(environment.key_reference)
    how = _ALGORITHMS.get(environment.algorithm or 0, "")
    return f"{use} with {context.key or 'no key'}{how}", []


_USES: Mapping[int, str] = {
    Use.SIGN: "sign",
    Use.DECIPHER: "decipher",
    Use.AGREE: "agree",
    Use.VERIFY: "verify",
    Use.ENCIPHER: "encipher",
}
_ALGORITHMS: Mapping[int, str] = {
    Algorithm.RAW: ", the block as given",
    Algorithm.PKCS1: ", PKCS#1 v1.5",
    Algorithm.EC: ", on a curve",
}


def _operation(command: Command, shown: bool, context: Context) -> Words:
    if command.p1p2 == Operation.HASH:
        return "", []
    about = f"with {context.key}" if context.key else ""
    if not shown or not command.data:
        return about, []
    if command.p1p2 == Operation.VERIFY:
        return about, tags.object_lines(command.data, tags.SIGNATURE)
    return about, [_digest_words(command.data)]


def _digest_words(data: bytes) -> str:
    for name, head in DIGEST_INFO.items():
        if data.startswith(head):
            return f"DigestInfo of {name}: {data[len(head) :].hex().upper()}"
    return tags.shorten(data)


def _get_data(command: Command, _shown: bool, context: Context) -> Words:
    name = _DATA.get(command.p1p2, f"object {command.p1p2:04X}")
    key = context.selected_key if command.p1p2 in _OF_KEY else ""
    return f"{name} of {key}" if key else name, []


_DATA: Mapping[int, str] = {
    Data.MODULUS: "modulus",
    Data.EXPONENT: "public exponent",
    Data.POINT: "point",
    Data.APPLET_INFO: "applet information",
    Data.FILES: "files in the directory",
    Data.CAPABILITIES: "capabilities",
    Data.SERIAL: "serial number",
    Data.LABEL: "label",
    Data.PHASE: "phase of life",
    Data.TRIES: "tries left",
    Data.FORMAT: "erase and format",
}
_OF_KEY = frozenset({Data.MODULUS, Data.EXPONENT, Data.POINT})


def _put_data(command: Command, _shown: bool, context: Context) -> Words:
    if command.p1p2 == Data.FORMAT:
        return _DATA[Data.FORMAT], []
    if command.p1 != Data.STORE >> 8:
        return f"object {command.p1p2:04X}", []
    if key := context.selected_key:
        return f"{_part_name(command.p2)} of {key}", []
    return f"new {context.names.pin(command.p2)}", []


def _part_name(number: int) -> str:
    """A part of a key that is imported; P, Q and so on are of RSA keys only."""
    for parts in (RsaPart, EcPart):
        if number in list(parts):
            return parts(number).name.lower().replace("_", " ")
    return f"part {number:02X}"


def _get_objects(command: Command, shown: bool, _context: Context) -> Words:
    return "", tags.object_lines(command.data, tags.OBJECT) if shown and command.data else []


def _create(command: Command, shown: bool, _context: Context) -> Words:
    return "", tags.control_lines(command.data) if shown and command.data else []


def _delete(command: Command, shown: bool, context: Context) -> Words:
    return (command.data.hex().upper() if shown and command.data else context.file), []


def _generate(command: Command, shown: bool, context: Context) -> Words:
    about = context.selected_key or context.file
    if not shown or not command.data:
        return about, []
    try:
        return f"{about}, exponent {parse_generate_key(command.data).exponent}", []
    except ApduError:
        return about, tags.object_lines(command.data, tags.KEY_PAIR)


def _internal(command: Command, shown: bool, context: Context) -> Words:
    lines = [f"challenge: {tags.shorten(command.data)}"] if shown and command.data else []
    return f"with {context.names.key(command.p2)}", lines


def _general(command: Command, shown: bool, context: Context) -> Words:
    about = f"with {context.key}" if context.key else ""
    return about, tags.object_lines(command.data, tags.AUTHENTICATION) if shown else []


def _challenge(command: Command, _shown: bool, _context: Context) -> Words:
    return f"{command.le} random bytes", []


_Explain = Callable[[Command, bool, Context], Words]

_COMMANDS: Mapping[int, _Explain] = MappingProxyType(
    {
        INS.SELECT: _select,
        INS.READ_BINARY: _read,
        INS.UPDATE_BINARY: _update,
        INS.VERIFY: _verify,
        INS.CHANGE_REFERENCE: _pin,
        INS.RESET_RETRY: _pin,
        INS.LOGOUT: _pin,
        INS.MSE: _environment,
        INS.PSO: _operation,
        INS.GET_DATA: _get_data,
        INS.PUT_DATA: _put_data,
        INS.GET_DATA_ODD: _get_objects,
        INS.CREATE_FILE: _create,
        INS.DELETE_FILE: _delete,
        INS.GENERATE_KEY: _generate,
        INS.INTERNAL_AUTHENTICATE: _internal,
        INS.GENERAL_AUTHENTICATE: _general,
        INS.GET_CHALLENGE: _challenge,
    }
)


# --- answers ------------------------------------------------------------------------------------


def _answer_of_data(command: Command, data: bytes, _context: Context) -> list[str]:
    match command.p1p2:
        case Data.APPLET_INFO:
            info = parse_applet_info(data)
            version = f"{info.major}.{info.minor}.{info.patch}"
            serial = info.serial.hex().upper()
            return [f"version {version}, serial {serial}, change {info.change_counter}"]
        case Data.CAPABILITIES:
            most = parse_capabilities(data)
            return [f"RSA up to {most.max_rsa} bits, curves up to {most.max_ec}"]
        case Data.TRIES:
            return [
                f"PIN {pin.reference}: {pin.pin_left} of {pin.pin_max} tries left, "
                f"PUK {pin.puk_left} of {pin.puk_max}"
                for pin in parse_pin_statuses(data)
            ]
        case Data.LABEL:
            return [repr(tags.printable(data.decode(errors="replace")))]
        case Data.FILES:
            return [data.hex(" ", 2).upper()]
        case _:
            return [tags.shorten(data)]


def _answer_of_objects(_command: Command, data: bytes, _context: Context) -> list[str]:
    return tags.object_lines(data, tags.OBJECT)


def _content(command: Command, data: bytes, context: Context) -> list[str]:
    path = context.selection.path
    if path is None:
        return [tags.shorten(data)]
    lines = context.names.learn(path, _offset(command), data)
    if lines is None:
        certificate = tags.certificate_words(context.names.content(path))
        lines = [f"certificate: {certificate}" if certificate else tags.shorten(data)]
    return lines


def _control(_command: Command, data: bytes, _context: Context) -> list[str]:
    return tags.control_lines(data)


_ANSWERS: Mapping[int, Callable[[Command, bytes, Context], list[str]]] = MappingProxyType(
    {
        INS.SELECT: _control,
        INS.READ_BINARY: _content,
        INS.GET_DATA: _answer_of_data,
        INS.GET_DATA_ODD: _answer_of_objects,
    }
)
