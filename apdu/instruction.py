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
        return f"INS {command.ins:02X}"
    if instruction is INS.PSO:
        operation = _OPERATIONS.get(command.p1p2)
        if operation is not None:
            return operation
    return _NAMES.get(instruction, instruction.name.replace("_", " "))
