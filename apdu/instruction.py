"""Instruction bytes (ISO 7816-4, -8 and -9), and the names of commands for a trace."""

from enum import IntEnum

from apdu.command import Command
from apdu.edge import Operation


class INS(IntEnum):
    """The instructions that this project sends or serves."""

    DEACTIVATE = 0x04
    VERIFY = 0x20
    MSE = 0x22
    CHANGE_REFERENCE = 0x24
    PSO = 0x2A
    RESET_RETRY = 0x2C
    LOGOUT = 0x2E
    ACTIVATE = 0x44
    GENERATE_KEY = 0x46
    GET_CHALLENGE = 0x84
    GENERAL_AUTHENTICATE = 0x86
    INTERNAL_AUTHENTICATE = 0x88
    SELECT = 0xA4
    READ_BINARY = 0xB0
    GET_RESPONSE = 0xC0
    GET_DATA = 0xCA
    GET_DATA_ODD = 0xCB
    UPDATE_BINARY = 0xD6
    PUT_DATA = 0xDA
    CREATE_FILE = 0xE0
    DELETE_FILE = 0xE4
    TERMINATE = 0xFE


_NAMES = {
    INS.MSE: "MANAGE SECURITY ENVIRONMENT",
    INS.CHANGE_REFERENCE: "CHANGE REFERENCE DATA",
    INS.PSO: "PERFORM SECURITY OPERATION",
    INS.RESET_RETRY: "RESET RETRY COUNTER",
    INS.GENERATE_KEY: "GENERATE ASYMMETRIC KEY PAIR",
    INS.GET_DATA_ODD: "GET DATA",
    INS.TERMINATE: "TERMINATE CARD USAGE",
}

_STANDARD: dict[int, str] = {
    0x0E: "ERASE BINARY",
    0x21: "VERIFY",
    0x26: "DISABLE VERIFICATION REQUIREMENT",
    0x28: "ENABLE VERIFICATION REQUIREMENT",
    0x47: "GENERATE ASYMMETRIC KEY PAIR",
    0x70: "MANAGE CHANNEL",
    0x82: "EXTERNAL AUTHENTICATE",
    0x87: "GENERAL AUTHENTICATE",
    0xA2: "SEARCH RECORD",
    0xB1: "READ BINARY",
    0xB2: "READ RECORD",
    0xB3: "READ RECORD",
    0xC2: "ENVELOPE",
    0xD0: "WRITE BINARY",
    0xD2: "WRITE RECORD",
    0xD7: "UPDATE BINARY",
    0xDB: "PUT DATA",
    0xDC: "UPDATE RECORD",
    0xDD: "UPDATE RECORD",
    0xE2: "APPEND RECORD",
    0xE6: "TERMINATE DF",
    0xE8: "TERMINATE EF",
}
"""Instructions of the standards that nobody here sends or serves, but which a trace may show."""

_OPERATIONS: dict[int, str] = {
    Operation.VERIFY: "PSO VERIFY SIGNATURE",
    Operation.DECIPHER: "PSO DECIPHER",
    Operation.ENCIPHER: "PSO ENCIPHER",
    Operation.HASH: "PSO HASH",
    Operation.SIGN: "PSO SIGN",
}


def name_of(command: Command) -> str:
    """The command's name as the standards have it; ``INS nn`` when it is not known here.

    P1-P2 say which operation PERFORM SECURITY OPERATION is; it is named by that, in short.
    """
    try:
        instruction = INS(command.ins)
    except ValueError:
        return _STANDARD.get(command.ins, f"INS {command.ins:02X}")
    if instruction is INS.PSO:
        operation = _OPERATIONS.get(command.p1p2)
        if operation is not None:
            return operation
    return _NAMES.get(instruction, instruction.name.replace("_", " "))
