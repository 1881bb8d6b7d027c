"""What of a dialogue may be seen by everybody: a strict allow-list, which no setting changes.

A PIN, a PUK, a key, a cryptogram and what comes out of it are never on it. Everything that is not
on it, any command that is not known here for instance, shows its header and lengths only.

Of what a card stores, that is shown which it gives to anybody: what it gives before a PIN, or
anything else that might open something, was presented in this dialogue; certificates; and files
whose control information lets everybody read.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import NamedTuple

from apdu.command import Command, parse_command
from apdu.edge import CERTIFICATE, Data, Operation
from apdu.errors import ApduError
from apdu.filecontrol import FileKind, parse_access, parse_file_control
from apdu.instruction import INS, name_of
from apdu.piv import PivINS, parse_dynamic_authentication, parse_object, parse_object_request
from apdu.pivnames import OBJECT_NAMES, PIN_PROTECTED, PIV_AID
from apdu.rsaencoding import is_signature_block
from apdu.tlv import build_tlv
from host.trace.record import Direction, TraceRecord


class _Shown(NamedTuple):
    """Whether the data of a command, and of its answer, may be seen by everybody."""

    command: bool
    answer: bool


_NOTHING = _Shown(command=False, answer=False)
_BOTH = _Shown(command=True, answer=True)
_COMMAND = _Shown(command=True, answer=False)
_ANSWER = _Shown(command=False, answer=True)

_ANY_PARAMETERS: Mapping[int, _Shown] = MappingProxyType(
    {
        INS.SELECT: _BOTH,
        INS.MSE: _COMMAND,
        INS.GENERATE_KEY: _BOTH,
        PivINS.GENERATE_KEY: _BOTH,
        INS.INTERNAL_AUTHENTICATE: _BOTH,
        INS.GENERAL_AUTHENTICATE: _COMMAND,
        INS.CREATE_FILE: _COMMAND,
        INS.DELETE_FILE: _COMMAND,
        INS.ACTIVATE: _COMMAND,
    }
)
"""Paths, control parameters, public points, challenges and signatures over them."""

_PUBLIC_DATA = (
    *(Data.MODULUS, Data.EXPONENT, Data.POINT),
    *(Data.APPLET_INFO, Data.FILES, Data.CAPABILITIES),
    *(Data.SERIAL, Data.LABEL, Data.PHASE, Data.TRIES),
)

_BY_PARAMETERS: Mapping[tuple[int, int], _Shown] = MappingProxyType(
    {
        (INS.PSO, Operation.VERIFY): _COMMAND,
        (INS.PSO, Operation.ENCIPHER): _ANSWER,
        (INS.PUT_DATA, Data.FORMAT): _COMMAND,
        **{(INS.GET_DATA, tag): _ANSWER for tag in _PUBLIC_DATA},
    }
)
"""Signatures to verify, what was enciphered, access rules, public keys and the card's state."""

_LONGEST_DIGEST_INFO = 19 + 64
"""Bytes of a DigestInfo of SHA-512; a longer input of PSO SIGN may be a cryptogram."""

_LONGEST_DIGEST = 64
_CURVES = frozenset({0x11, 0x14})
"""Algorithms of PIV that sign a digest; the others take whole blocks (SP 800-78-4 table 6-2)."""

_MANAGEMENT_KEY = 0x9B

_OF_PIV = frozenset({PivINS.GET_VERSION, PivINS.GET_METADATA, PivINS.GET_SERIAL, PivINS.ATTEST})
"""What Yubico's cards tell anybody, by instructions that mean something else outside PIV."""
_CERTIFICATE_REQUEST = build_tlv(0x5C, CERTIFICATE.to_bytes(2, "big"))
_PUBLIC_OBJECTS = OBJECT_NAMES.keys() - PIN_PROTECTED

_READ_RECORD = 0xB2
_SELECT, _GET_RESPONSE = int(INS.SELECT), int(INS.GET_RESPONSE)
_BY_NAME = 0x04
_STORED = frozenset({INS.READ_BINARY, _READ_RECORD, INS.GET_DATA, INS.GET_DATA_ODD})
"""What gives something that the card stores."""

_HARMLESS = _STORED | {
    *(INS.SELECT, INS.GET_RESPONSE, INS.MSE, INS.GET_CHALLENGE, INS.INTERNAL_AUTHENTICATE)
}
"""What cannot make the card give more than it gives to anybody."""

_KEEPS_FILE = _HARMLESS | {
    *(INS.VERIFY, INS.CHANGE_REFERENCE, INS.RESET_RETRY, INS.LOGOUT),
    *(INS.UPDATE_BINARY, INS.PSO, INS.GENERAL_AUTHENTICATE),
}
"""What certainly leaves the selected file selected."""

_CARD_EDGES = (b"OsEID", b"MyEID")
"""In the answer to reset of cards whose access rules are known here (`apdu.filecontrol`)."""

_TO_CARD, _FROM_CARD = Direction.TO_CARD, Direction.FROM_CARD
_CHAINING = 0x10
_LONGEST_CHAIN = 0x10000


class Redactor:
    """Makes records of one card's dialogue. Give it each command and each answer, in order.

    Until the dialogue is said to have `started`, nothing that the card stores counts as anybody's.
    """

    def __init__(self) -> None:
        self._forget()

    def _forget(self) -> None:
        self._application = b""
        self._control = b""
        self._anybody = False
        self._rules_known = False
        self._shown = _NOTHING
        self._command = _unreadable(b"")
        self._in_chain, self._chain = False, b""
        self._name, self._header = "", b""

    def started(self, atr: bytes = b"") -> None:
        """The dialogue begins, or begins anew by a reset, with a card of this answer to reset."""
        self._forget()
        self._anybody = True
        self._rules_known = any(edge in atr for edge in _CARD_EDGES)

    def command(self, raw: bytes) -> TraceRecord:
        """The record of a command."""
        command, record = _bare(raw) if len(raw) <= _BARE else _read(raw)
        if command.ins != _GET_RESPONSE:
            self._shown = self._judge(command)
            self._command = command
        self._name, self._header = record.name, record.header
        return record if self._shown.command or not command.data else record._replace(data=None)

    def answer(self, raw: bytes) -> TraceRecord:
        """The record of the answer to the last command."""
        malformed = len(raw) < 2
        data, sw = (raw, 0) if malformed else (raw[:-2], raw[-2] << 8 | raw[-1])
        if sw == 0x9000 or sw >> 8 == 0x61:
            self._succeeded(data)
        seen = data if self._shown.answer or not data else None
        return TraceRecord(
            _FROM_CARD, self._name, self._header, len(data), seen, 0, sw, False, malformed
        )

    def _succeeded(self, data: bytes) -> None:
        """What the command did, as far as it matters for what may be seen from now on."""
        command = self._command
        ins = command.ins
        if ins == _SELECT:
            self._control = data
            if command.p1 == _BY_NAME:
                self._application = command.data
        elif ins not in _KEEPS_FILE:
            self._control = b""
        if self._anybody and (command.cla or ins not in _HARMLESS):
            # VERIFY without data only asks.
            self._anybody = not command.cla and ins == INS.VERIFY and not command.data

    def _judge(self, command: Command) -> _Shown:
        """Also the pieces of a chain; of these at most the answer to the last is shown."""
        continues, self._in_chain = self._in_chain, bool(command.cla & _CHAINING)
        earlier, self._chain = self._chain, b""
        if self._in_chain:
            self._chain = (earlier + command.data)[:_LONGEST_CHAIN]
            return _NOTHING
        if command.cla not in (0x00, 0xA0):
            return _NOTHING
        if not continues:
            return self._judge_whole(command)
        if self._command[1:4] != command[1:4]:
            return _NOTHING
        whole = self._judge_whole(command._replace(data=earlier + command.data))
        return _ANSWER if whole.answer else _NOTHING

    def _judge_whole(self, command: Command) -> _Shown:
        ins = command.ins
        known = _ANY_PARAMETERS.get(ins) or _BY_PARAMETERS.get((ins, command.p1p2))
        if known is not None:
            return known
        shown = _by_data(command)
        if not shown.answer and ins in _STORED and self._is_for_anybody(command):
            shown = shown._replace(answer=True)
        if ins in _OF_PIV and self._application.startswith(PIV_AID):
            shown = _ANSWER
        return shown

    def _is_for_anybody(self, command: Command) -> bool:
        """Whether the card gives this to whoever asks."""
        if self._anybody:
            return not _is_pin_protected(command)
        by_identifier = command.p1 & 0x80
        if not self._rules_known or command.ins != INS.READ_BINARY or by_identifier:
            return False
        try:
            control = parse_file_control(self._control)
        except ApduError:
            return False
        access = control.access
        everyone = access is not None and len(access) == 3 and not parse_access(access).first
        return everyone and control.kind == FileKind.EF


def _sign(command: Command) -> _Shown:
    """PSO SIGN: a digest, or a block that is certainly a signature's and no cryptogram."""
    if command.p1p2 != Operation.SIGN:
        return _NOTHING
    block = command.data
    if len(block) <= _LONGEST_DIGEST_INFO or is_signature_block(block, 8 * len(block)):
        return _BOTH
    return _NOTHING


def _authenticate(command: Command) -> _Shown:
    """GENERAL AUTHENTICATE of PIV: signatures as above; of an agreement the other's point."""
    if command.p2 == _MANAGEMENT_KEY:
        return _NOTHING
    template = parse_dynamic_authentication(command.data)
    if template.point is not None:
        return _COMMAND
    block = template.challenge or b""
    if command.p1 in _CURVES:
        return _BOTH if 0 < len(block) <= _LONGEST_DIGEST else _NOTHING
    return _BOTH if is_signature_block(block, 8 * len(block)) else _NOTHING


def _get_object(command: Command) -> _Shown:
    """GET DATA of a certificate, or of one of PIV's public objects."""
    if command.p1p2 != Data.BY_TAG_LIST:
        return _NOTHING
    if command.data.startswith(_CERTIFICATE_REQUEST):
        return _BOTH
    return _BOTH if parse_object_request(command.data) in _PUBLIC_OBJECTS else _COMMAND


def _put_object(command: Command) -> _Shown:
    """PUT DATA of one of PIV's public objects."""
    if command.p1p2 != Data.BY_TAG_LIST:
        return _NOTHING
    return _COMMAND if parse_object(command.data).tag in _PUBLIC_OBJECTS else _NOTHING


_BY_DATA: Mapping[int, Callable[[Command], _Shown]] = MappingProxyType(
    {
        INS.PSO: _sign,
        INS.GET_DATA_ODD: _get_object,
        PivINS.GENERAL_AUTHENTICATE: _authenticate,
        PivINS.PUT_DATA: _put_object,
    }
)
"""What can be told only by looking at the data."""


def _by_data(command: Command) -> _Shown:
    judge = _BY_DATA.get(command.ins)
    try:
        return judge(command) if judge else _NOTHING
    except ApduError:
        return _NOTHING


def _is_pin_protected(command: Command) -> bool:
    """Whether this asks for an object of PIV that no card should give without its PIN."""
    if command.ins != INS.GET_DATA_ODD:
        return False
    try:
        return parse_object_request(command.data) in PIN_PROTECTED
    except ApduError:
        return False


_NO_CLASS = 0xFF
"""A class that no command has (ISO 7816-4 §5.4.1): for bytes that are none."""


def _unreadable(raw: bytes) -> Command:
    ins, p1, p2 = raw[1:4].ljust(3, b"\x00")
    return Command(_NO_CLASS, ins, p1, p2, raw[4:])


_BARE = 5
"""Bytes of a command without data, which is no secret, and comes again and again."""


def _read(raw: bytes) -> tuple[Command, TraceRecord]:
    """A command, and its record as if all of it may be seen."""
    try:
        command, malformed = parse_command(raw), False
    except ApduError:
        command, malformed = _unreadable(raw), True
    _, ins, p1, p2, data, le, extended = command
    name, size = _name(ins, p1 << 8 | p2), len(data)
    return command, TraceRecord(_TO_CARD, name, raw[:4], size, data, le, 0, extended, malformed)


@lru_cache(maxsize=1024)
def _bare(raw: bytes) -> tuple[Command, TraceRecord]:
    return _read(raw)


@lru_cache(maxsize=1024)
def _name(ins: int, p1p2: int) -> str:
    return name_of(Command(0, ins, p1p2 >> 8, p1p2 & 0xFF))
