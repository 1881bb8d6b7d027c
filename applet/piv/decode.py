"""From a command APDU to the PIV applet's typed command (SP 800-73-4 part 2 §3).

What P1-P2 or the data cannot be is refused here with the status words of the standard: 6A86 and
6A80, whatever is wrong with the data, its length too; 6A88 for a PIN that there is not. A command
of Yubico's that has no data and comes with some is 6700, an unknown instruction 6D00.
"""

from __future__ import annotations

from collections.abc import Callable

from apdu.command import Command
from apdu.edge import Data
from apdu.errors import ApduError
from apdu.instruction import INS
from apdu.payload import PinChange, parse_pin_change
from apdu.piv import (
    PivINS,
    parse_dynamic_authentication,
    parse_imported_key,
    parse_key_template,
    parse_new_management_key,
    parse_object,
    parse_object_request,
)
from apdu.pivedge import ATTESTATION, MANAGEMENT, PIN, PUK, SLOTS
from apdu.status import SW
from applet.os.errors import CardError, refuse_unless
from applet.os.pins import BLOCK, Role
from applet.piv import commands as c

_CURRENT_APPLICATION = 0x3FFF
_OF_CONSENT = (Data.CONSENT, Data.CONSENT_SETTINGS)
_NOT_VERIFIED = 0xFF
_NO_TOUCH = 0xFFFF
_DELETED = 0xFF
_ROLES = {PIN: Role.PIN, PUK: Role.PUK}


def decode(command: Command) -> c.Typed:
    """The typed command; CardError refuses."""
    decoder = _DECODERS.get(command.ins)
    if decoder is None:
        raise CardError(SW.INS_UNSUPPORTED)
    try:
        return decoder(command)
    except ApduError:
        raise CardError(SW.WRONG_DATA) from None


def _select(_command: Command) -> c.Typed:
    """SELECT of a file: the card takes care of what names an application; there are no files."""
    raise CardError(SW.WRONG_P1P2)


def _get_data(command: Command) -> c.Typed:
    refuse_unless(command.p1p2 == _CURRENT_APPLICATION, SW.WRONG_P1P2)
    return c.GetObject(parse_object_request(command.data))


def _get_consent(command: Command) -> c.Typed:
    """PIV knows no such instruction, so a card of ours knows it for these two only."""
    refuse_unless(command.p1p2 in _OF_CONSENT, SW.INS_UNSUPPORTED)
    refuse_unless(not command.data, SW.WRONG_LENGTH)
    return c.GetConsent(Data(command.p1p2))


def _put_data(command: Command) -> c.Typed:
    refuse_unless(command.p1p2 == _CURRENT_APPLICATION, SW.WRONG_P1P2)
    return c.PutObject(parse_object(command.data))


def _verify(command: Command) -> c.Typed:
    refuse_unless(command.p2 == PIN, SW.REFERENCE_NOT_FOUND)
    refuse_unless(command.p1 in (0x00, _NOT_VERIFIED), SW.WRONG_P1P2)
    if command.p1 == _NOT_VERIFIED:
        refuse_unless(not command.data, SW.WRONG_DATA)
        return c.Logout()
    if not command.data:
        return c.AskPin()
    refuse_unless(len(command.data) == BLOCK, SW.WRONG_DATA)
    return c.Verify(command.data)


def _change(command: Command) -> c.Typed:
    change = _two_blocks(command, *_ROLES)
    return c.Change(_ROLES[command.p2], change.old, change.new)


def _unblock(command: Command) -> c.Typed:
    change = _two_blocks(command, PIN)
    return c.Unblock(change.old, change.new)


def _two_blocks(command: Command, *references: int) -> PinChange:
    refuse_unless(command.p1 == 0, SW.WRONG_P1P2)
    refuse_unless(command.p2 in references, SW.REFERENCE_NOT_FOUND)
    return parse_pin_change(command.data)


def _generate(command: Command) -> c.Typed:
    refuse_unless(command.p1 == 0 and command.p2 in SLOTS, SW.WRONG_P1P2)
    return c.GenerateKey(command.p2, parse_key_template(command.data))


def _authenticate(command: Command) -> c.Typed:
    refuse_unless(command.p2 == MANAGEMENT or command.p2 in SLOTS, SW.WRONG_P1P2)
    return c.Authenticate(command.p1, command.p2, parse_dynamic_authentication(command.data))


def _import_key(command: Command) -> c.Typed:
    refuse_unless(command.p2 in (*SLOTS, ATTESTATION), SW.WRONG_P1P2)
    return c.ImportKey(command.p1, command.p2, parse_imported_key(command.data))


def _set_management_key(command: Command) -> c.Typed:
    """P2 FE would ask for a touch, which nobody can give."""
    refuse_unless(command.p1p2 == _NO_TOUCH, SW.WRONG_P1P2)
    return c.SetManagementKey(parse_new_management_key(command.data))


def _set_tries(command: Command) -> c.Typed:
    refuse_unless(not command.data, SW.WRONG_LENGTH)
    return c.SetTries(command.p1, command.p2)


def _move_key(command: Command) -> c.Typed:
    refuse_unless(not command.data, SW.WRONG_LENGTH)
    refuse_unless(command.p2 in SLOTS, SW.WRONG_P1P2)
    if command.p1 == _DELETED:
        return c.MoveKey(command.p2, None)
    refuse_unless(command.p1 in SLOTS and command.p1 != command.p2, SW.WRONG_P1P2)
    return c.MoveKey(command.p2, command.p1)


def _get_metadata(command: Command) -> c.Typed:
    refuse_unless(not command.data, SW.WRONG_LENGTH)
    refuse_unless(command.p1 == 0, SW.WRONG_P1P2)
    return c.GetMetadata(command.p2)


def _attest(command: Command) -> c.Typed:
    refuse_unless(not command.data, SW.WRONG_LENGTH)
    refuse_unless(command.p1 in SLOTS and command.p2 == 0, SW.WRONG_P1P2)
    return c.Attest(command.p1)


def _bare(typed: c.Typed) -> Callable[[Command], c.Typed]:
    """A decoder for a command that has neither parameters nor data."""

    def decoder(command: Command) -> c.Typed:
        refuse_unless(command.p1p2 == 0, SW.WRONG_P1P2)
        refuse_unless(not command.data, SW.WRONG_LENGTH)
        return typed

    return decoder


_DECODERS: dict[int, Callable[[Command], c.Typed]] = {
    PivINS.GENERAL_AUTHENTICATE: _authenticate,
    PivINS.GET_DATA: _get_data,
    PivINS.PUT_DATA: _put_data,
    INS.GET_DATA: _get_consent,
    PivINS.VERIFY: _verify,
    PivINS.CHANGE_REFERENCE: _change,
    PivINS.RESET_RETRY: _unblock,
    PivINS.GENERATE_KEY: _generate,
    PivINS.SELECT: _select,
    PivINS.IMPORT_KEY: _import_key,
    PivINS.SET_MANAGEMENT_KEY: _set_management_key,
    PivINS.MOVE_KEY: _move_key,
    PivINS.GET_METADATA: _get_metadata,
    PivINS.ATTEST: _attest,
    PivINS.GET_SERIAL: _bare(c.GetSerial()),
    PivINS.SET_TRIES: _set_tries,
    PivINS.RESET: _bare(c.Reset()),
    PivINS.GET_VERSION: _bare(c.GetVersion()),
}
