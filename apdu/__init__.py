"""The language between a host and a card, as codecs: bytes to frozen values and back.

Every ``parse_x`` takes bytes and raises nothing but `ApduError` and its subclasses, whatever the
bytes; every ``build_x`` gives the bytes back. Nothing here knows a card, a reader or a file.
The data fields of single commands are in `apdu.payload`, the numbers of the card edge in
`apdu.edge`, the files of ISO 7816-15 in ``apdu.pkcs15``.
"""

from apdu.atr import Atr, InterfaceBytes, build_atr, parse_atr
from apdu.command import Case, Command, build_command, parse_command
from apdu.errors import (
    ApduError,
    AtrError,
    CommandError,
    FileControlError,
    PayloadError,
    ResponseError,
    TlvError,
)
from apdu.filecontrol import (
    AccessRules,
    FileControl,
    FileKind,
    build_access,
    build_file_control,
    parse_access,
    parse_file_control,
)
from apdu.instruction import INS, name_of
from apdu.response import Response, build_response, parse_response
from apdu.status import SW, bytes_left, describe, exact_length, tries_left
from apdu.tlv import Tlv, build_tlv, build_tlvs, find, parse_tlv, parse_tlvs, read_tlv

__all__ = [
    "INS",
    "SW",
    "AccessRules",
    "ApduError",
    "Atr",
    "AtrError",
    "Case",
    "Command",
    "CommandError",
    "FileControl",
    "FileControlError",
    "FileKind",
    "InterfaceBytes",
    "PayloadError",
    "Response",
    "ResponseError",
    "Tlv",
    "TlvError",
    "build_access",
    "build_atr",
    "build_command",
    "build_file_control",
    "build_response",
    "build_tlv",
    "build_tlvs",
    "bytes_left",
    "describe",
    "exact_length",
    "find",
    "name_of",
    "parse_access",
    "parse_atr",
    "parse_command",
    "parse_file_control",
    "parse_response",
    "parse_tlv",
    "parse_tlvs",
    "read_tlv",
    "tries_left",
]
