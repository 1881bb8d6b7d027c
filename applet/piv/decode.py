"""From a command APDU to the PIV applet's typed command (SP 800-73-4 part 2 §3).

What P1-P2, length or content cannot be is refused here: 6A86, 6700, 6A80; an unknown key
reference 6A88, an unknown instruction 6D00.
"""

from __future__ import annotations

from collections.abc import Callable

from apdu.command import Command
from apdu.errors import ApduError
from apdu.payload import parse_pin_change
from apdu.piv import (
    parse_dynamic_authentication,
    parse_key_parts,
    parse_key_template,
    parse_object,
    parse_object_request,
)
from apdu.status import SW
from applet.os.errors import CardError, refuse_unless
from applet.os.pins import BLOCK, Role
from applet.piv import commands as c
from applet.piv.profile import MANAGEMENT, PIN, PUK, SLOTS

_CURRENT_APPLICATION = 0x3FFF
_NOT_VERIFIED = 0xFF
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


def _get_data(command: Command) -> c.Typed:
    refuse_unless(command.p1p2 == _CURRENT_APPLICATION, SW.WRONG_P1P2)
    refuse_unless(command.data, SW.WRONG_LENGTH)
    return c.GetObject(parse_object_request(command.data))


def _put_data(command: Command) -> c.Typed:
    refuse_unless(command.p1p2 == _CURRENT_APPLICATION, SW.WRONG_P1P2)
    refuse_unless(command.data, SW.WRONG_LENGTH)
    return c.PutObject(*parse_object(command.data))


def _verify(command: Command) -> c.Typed:
    refuse_unless(command.p2 == PIN, SW.REFERENCE_NOT_FOUND)
    refuse_unless(command.p1 in (0x00, _NOT_VERIFIED), SW.WRONG_P1P2)
    if command.p1 == _NOT_VERIFIED:
        refuse_unless(not command.data, SW.WRONG_LENGTH)
        return c.Logout()
    if not command.data:
        return c.AskPin()
    refuse_unless(len(command.data) == BLOCK, SW.WRONG_LENGTH)
    return c.Verify(command.data)


def _change(command: Command) -> c.Typed:
    refuse_unless(command.p1 == 0, SW.WRONG_P1P2)
    refuse_unless(command.p2 in _ROLES, SW.REFERENCE_NOT_FOUND)
    refuse_unless(len(command.data) == 2 * BLOCK, SW.WRONG_LENGTH)
    change = parse_pin_change(command.data)
    return c.Change(_ROLES[command.p2], change.old, change.new)


def _unblock(command: Command) -> c.Typed:
    refuse_unless(command.p1 == 0, SW.WRONG_P1P2)
    refuse_unless(command.p2 == PIN, SW.REFERENCE_NOT_FOUND)
    refuse_unless(len(command.data) == 2 * BLOCK, SW.WRONG_LENGTH)
    change = parse_pin_change(command.data)
    return c.Unblock(change.old, change.new)


def _generate(command: Command) -> c.Typed:
    refuse_unless(command.p1 == 0, SW.WRONG_P1P2)
    refuse_unless(command.p2 in SLOTS, SW.REFERENCE_NOT_FOUND)
    refuse_unless(command.data, SW.WRONG_LENGTH)
    return c.GenerateKey(command.p2, parse_key_template(command.data))


def _authenticate(command: Command) -> c.Typed:
    refuse_unless(command.p2 == MANAGEMENT or command.p2 in SLOTS, SW.REFERENCE_NOT_FOUND)
    refuse_unless(command.data, SW.WRONG_LENGTH)
    return c.Authenticate(command.p1, command.p2, parse_dynamic_authentication(command.data))


def _import_key(command: Command) -> c.Typed:
    refuse_unless(command.p2 in SLOTS, SW.REFERENCE_NOT_FOUND)
    refuse_unless(command.data, SW.WRONG_LENGTH)
    return c.ImportKey(command.p1, command.p2, parse_key_parts(command.data))


def _set_management_key(command: Command) -> c.Typed:
    """Data: algorithm, 9B, length, key. P2 FE would ask for a touch, which nobody can give."""
    refuse_unless(command.p1p2 == 0xFFFF, SW.WRONG_P1P2)
    refuse_unless(len(command.data) > 3, SW.WRONG_LENGTH)
    algorithm, reference, length = command.data[:3]
    refuse_unless(reference == MANAGEMENT and length == len(command.data) - 3, SW.WRONG_DATA)
    return c.SetManagementKey(algorithm, command.data[3:])


def _set_tries(command: Command) -> c.Typed:
    refuse_unless(not command.data, SW.WRONG_LENGTH)
    return c.SetTries(command.p1, command.p2)


def _bare(typed: c.Typed) -> Callable[[Command], c.Typed]:
    """A decoder for a command that has neither parameters nor data."""

    def decoder(command: Command) -> c.Typed:
        refuse_unless(command.p1p2 == 0, SW.WRONG_P1P2)
        refuse_unless(not command.data, SW.WRONG_LENGTH)
        return typed

    return decoder


_DECODERS: dict[int, Callable[[Command], c.Typed]] = {
    0x87: _authenticate,
    0xCB: _get_data,
    0xDB: _put_data,
    0x20: _verify,
    0x24: _change,
    0x2C: _unblock,
    0x47: _generate,
    0xFE: _import_key,
    0xFF: _set_management_key,
    0xFA: _set_tries,
    0xFB: _bare(c.Reset()),
    0xFD: _bare(c.GetVersion()),
}
"""SP 800-73-4 part 2 table 2, and Yubico's additions from FA on."""
