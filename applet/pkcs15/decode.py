"""From a command APDU to the applet's typed command.

The instruction byte is looked at in one table. What an instruction's P1-P2, length or content
cannot be is refused here: 6A86, 6700, 6A80; an unknown instruction 6D00.
"""

from __future__ import annotations

from collections.abc import Callable

from apdu.command import Command
from apdu.edge import CERTIFICATE, Data, Operation, Use
from apdu.errors import ApduError
from apdu.filecontrol import parse_file_control
from apdu.instruction import INS
from apdu.payload import (
    parse_consent_settings,
    parse_cryptogram,
    parse_ecdh_request,
    parse_format_card,
    parse_generate_key,
    parse_pin_change,
    parse_pin_record,
    parse_security_environment,
    parse_signature_input,
)
from apdu.status import SW
from apdu.tlv import find, parse_tlvs
from applet.os.errors import CardError, refuse_unless
from applet.os.pins import BLOCK
from applet.pkcs15 import commands as c
from applet.pkcs15.profile import AIDS

CLA_DELETE = 0xA0
"""OpenSC's driver sends DELETE FILE in this class."""

_SELECT_TEMPLATES = {0x00: 0x6F, 0x04: 0x62, 0x0C: None}
_SELECT_MODES = frozenset({0x00, 0x01, 0x02, 0x03, 0x08, 0x09})
_USES = frozenset(Use)
_HIGHEST_PIN = 0x0E
_CHALLENGE = range(8, 65)
_CERTIFICATE = CERTIFICATE.to_bytes(2, "big")
_FOREIGN_PROBE = 0xDF30
"""Another driver's GET DATA by which it looks for its own card: unknown instruction to us."""


def decode(command: Command) -> c.Typed:
    """The typed command; CardError refuses."""
    decoder = _DECODERS.get(command.ins)
    if decoder is None:
        raise CardError(SW.INS_UNSUPPORTED)
    try:
        return decoder(command)
    except ApduError:
        raise CardError(SW.WRONG_DATA) from None


def _select(command: Command) -> c.Typed:
    refuse_unless(command.p1 in _SELECT_MODES and command.p2 in _SELECT_TEMPLATES, SW.WRONG_P1P2)
    path = command.data
    refuse_unless(len(path) % 2 == 0, SW.LC_INCONSISTENT)
    refuse_unless(command.p1 in (0x08, 0x09) or len(path) <= 2, SW.LC_INCONSISTENT)
    return c.Select(command.p1, _SELECT_TEMPLATES[command.p2], path)


def _read_binary(command: Command) -> c.Typed:
    refuse_unless(not command.p1 & 0x80, SW.WRONG_P1P2)
    refuse_unless(not command.data, SW.WRONG_LENGTH)
    return c.ReadBinary(command.p1p2, command.le or 256)


def _update_binary(command: Command) -> c.Typed:
    refuse_unless(not command.p1 & 0x80, SW.WRONG_P1P2)
    refuse_unless(command.data, SW.WRONG_LENGTH)
    return c.UpdateBinary(command.p1p2, command.data)


def _create_file(command: Command) -> c.Typed:
    refuse_unless(command.p1p2 == 0, SW.WRONG_P1P2)
    refuse_unless(command.data, SW.WRONG_LENGTH)
    control = parse_file_control(command.data)
    refuse_unless(control.template == 0x62, SW.WRONG_DATA)
    return c.CreateFile(control)


def _delete_file(command: Command) -> c.Typed:
    refuse_unless(command.p1p2 == 0, SW.WRONG_P1P2)
    refuse_unless(len(command.data) in (0, 2), SW.WRONG_LENGTH)
    return c.DeleteFile(command.data or None)


def _pin_reference(command: Command) -> int:
    refuse_unless(1 <= command.p2 <= _HIGHEST_PIN, SW.REFERENCE_NOT_FOUND)
    return command.p2


def _verify(command: Command) -> c.Typed:
    refuse_unless(command.p1 == 0, SW.WRONG_P1P2)
    reference = _pin_reference(command)
    if not command.data:
        return c.AskPin(reference)
    refuse_unless(len(command.data) == BLOCK, SW.WRONG_LENGTH)
    return c.Verify(reference, command.data)


def _change_pin(command: Command) -> c.Typed:
    refuse_unless(command.p1 == 0, SW.WRONG_P1P2)
    reference = _pin_reference(command)
    refuse_unless(len(command.data) == 2 * BLOCK, SW.WRONG_LENGTH)
    change = parse_pin_change(command.data)
    return c.ChangePin(reference, change.old, change.new)


def _unblock(command: Command) -> c.Typed:
    refuse_unless(command.p1 in (0x00, 0x01), SW.WRONG_P1P2)
    reference = _pin_reference(command)
    if command.p1 == 0x01:
        refuse_unless(len(command.data) == BLOCK, SW.WRONG_LENGTH)
        return c.Unblock(reference, command.data, None)
    refuse_unless(len(command.data) == 2 * BLOCK, SW.WRONG_LENGTH)
    change = parse_pin_change(command.data)
    return c.Unblock(reference, change.old, change.new)


def _logout(command: Command) -> c.Typed:
    refuse_unless(command.p1 == 0 and command.p2 <= _HIGHEST_PIN, SW.WRONG_P1P2)
    refuse_unless(not command.data, SW.WRONG_LENGTH)
    return c.Logout(command.p2)


def _get_challenge(command: Command) -> c.Typed:
    refuse_unless(command.p1p2 == 0, SW.WRONG_P1P2)
    refuse_unless(command.le and not command.data, SW.WRONG_LENGTH)
    return c.GetChallenge(command.le)


def _get_data(command: Command) -> c.Typed:
    refuse_unless(not command.data, SW.WRONG_LENGTH)
    refuse_unless(command.p1p2 != _FOREIGN_PROBE, SW.INS_UNSUPPORTED)
    return c.GetObject(command.p1p2)


def _get_certificate(command: Command) -> c.Typed:
    refuse_unless(command.p1p2 == Data.BY_TAG_LIST, SW.WRONG_P1P2)
    refuse_unless(command.data, SW.WRONG_LENGTH)
    objects = parse_tlvs(command.data)
    refuse_unless(find(objects, 0x5C) == _CERTIFICATE, SW.REFERENCE_NOT_FOUND)
    reference = find(objects, 0x83)
    refuse_unless(reference is None or len(reference) == 1, SW.WRONG_DATA)
    return c.GetCertificate(reference[0] if reference else None)


def _put_data(command: Command) -> c.Typed:
    refuse_unless(command.p1 == 0x01, SW.WRONG_P1P2)
    data = command.data
    if command.p1p2 == Data.FORMAT:
        refuse_unless(len(data) == 8, SW.WRONG_LENGTH)
        return c.Format(parse_format_card(data))
    if command.p1p2 == Data.CONSENT_SETTINGS:
        return c.SetConsent(parse_consent_settings(data))
    if 1 <= command.p2 <= _HIGHEST_PIN:
        refuse_unless(len(data) == 19, SW.WRONG_LENGTH)
        return c.StorePin(command.p2, parse_pin_record(data))
    refuse_unless(0x80 <= command.p2 <= 0x87, SW.WRONG_P1P2)
    refuse_unless(data, SW.WRONG_LENGTH)
    return c.ImportPart(command.p2, data)


def _generate_key(command: Command) -> c.Typed:
    refuse_unless(command.p1p2 == 0, SW.WRONG_P1P2)
    return c.GenerateKey(parse_generate_key(command.data).exponent)


def _mse(command: Command) -> c.Typed:
    refuse_unless(command.p1p2 in _USES, SW.WRONG_P1P2)
    use = Use(command.p1p2)
    refuse_unless(command.data, SW.WRONG_LENGTH)
    return c.SetEnvironment(use, parse_security_environment(command.data))


def _pso(command: Command) -> c.Typed:
    decoder = _OPERATIONS.get(command.p1p2)
    if decoder is None:
        raise CardError(SW.WRONG_P1P2)
    return decoder(command)


def _sign(command: Command) -> c.Typed:
    return c.Sign(command.data)


def _decipher(command: Command) -> c.Typed:
    refuse_unless(command.data, SW.WRONG_LENGTH)
    return c.Decipher(parse_cryptogram(command.data))


def _hash(command: Command) -> c.Typed:
    return c.Hash(command.data, answer=bool(command.le))


def _encipher(command: Command) -> c.Typed:
    refuse_unless(command.data, SW.WRONG_LENGTH)
    return c.Encipher(command.data)


def _verify_signature(command: Command) -> c.Typed:
    refuse_unless(command.data, SW.WRONG_LENGTH)
    return c.VerifySignature(parse_signature_input(command.data))


def _general_authenticate(command: Command) -> c.Typed:
    refuse_unless(command.p1p2 == 0, SW.WRONG_P1P2)
    refuse_unless(command.data, SW.WRONG_LENGTH)
    return c.Agree(parse_ecdh_request(command.data).point)


def _internal_authenticate(command: Command) -> c.Typed:
    refuse_unless(command.p1 == 0 and command.p2, SW.WRONG_P1P2)
    refuse_unless(len(command.data) in _CHALLENGE, SW.WRONG_LENGTH)
    return c.Authenticate(command.p2, command.data)


def _activate(command: Command) -> c.Typed:
    refuse_unless(command.p1p2 in (0x0000, 0x0400), SW.WRONG_P1P2)
    if command.p1 == 0x04:
        refuse_unless(command.data in AIDS, SW.NOT_FOUND)
    else:
        refuse_unless(not command.data, SW.WRONG_LENGTH)
    return c.Activate()


def _bare(typed: c.Typed) -> Callable[[Command], c.Typed]:
    """A decoder for a command that has neither parameters nor data."""

    def decoder(command: Command) -> c.Typed:
        refuse_unless(command.p1p2 == 0, SW.WRONG_P1P2)
        refuse_unless(not command.data, SW.WRONG_LENGTH)
        return typed

    return decoder


_OPERATIONS: dict[int, Callable[[Command], c.Typed]] = {
    Operation.SIGN: _sign,
    Operation.DECIPHER: _decipher,
    Operation.HASH: _hash,
    Operation.ENCIPHER: _encipher,
    Operation.VERIFY: _verify_signature,
}

_DECODERS: dict[int, Callable[[Command], c.Typed]] = {
    INS.PSO: _pso,
    INS.MSE: _mse,
    INS.GET_CHALLENGE: _get_challenge,
    INS.SELECT: _select,
    INS.READ_BINARY: _read_binary,
    INS.UPDATE_BINARY: _update_binary,
    INS.CREATE_FILE: _create_file,
    INS.DELETE_FILE: _delete_file,
    INS.VERIFY: _verify,
    INS.CHANGE_REFERENCE: _change_pin,
    INS.RESET_RETRY: _unblock,
    INS.LOGOUT: _logout,
    INS.GET_DATA: _get_data,
    INS.GET_DATA_ODD: _get_certificate,
    INS.PUT_DATA: _put_data,
    INS.GENERATE_KEY: _generate_key,
    INS.GENERAL_AUTHENTICATE: _general_authenticate,
    INS.INTERNAL_AUTHENTICATE: _internal_authenticate,
    INS.ACTIVATE: _activate,
    INS.DEACTIVATE: _bare(c.Deactivate()),
    INS.TERMINATE: _bare(c.Terminate()),
}
