"""Status words: the last two bytes of every response (ISO 7816-4 §5.6)."""

from enum import IntEnum


class SW(IntEnum):
    """The status words that this project sends or understands by name."""

    OK = 0x9000
    WARNING_UNCHANGED = 0x6200
    DEACTIVATED = 0x6283
    TERMINATED = 0x6285
    VERIFY_FAILED = 0x6300
    MEMORY_FAILURE = 0x6581
    WRONG_LENGTH = 0x6700
    LOGICAL_CHANNEL_UNSUPPORTED = 0x6881
    SECURE_MESSAGING_UNSUPPORTED = 0x6882
    LAST_COMMAND_EXPECTED = 0x6883
    CHAINING_UNSUPPORTED = 0x6884
    INCOMPATIBLE_FILE = 0x6981
    SECURITY_STATUS = 0x6982
    AUTH_BLOCKED = 0x6983
    REFERENCE_UNUSABLE = 0x6984
    CONDITIONS = 0x6985
    NO_CURRENT_EF = 0x6986
    WRONG_DATA = 0x6A80
    FUNCTION_UNSUPPORTED = 0x6A81
    NOT_FOUND = 0x6A82
    RECORD_NOT_FOUND = 0x6A83
    NO_SPACE = 0x6A84
    LENGTH_INCONSISTENT = 0x6A85
    WRONG_P1P2 = 0x6A86
    LC_INCONSISTENT = 0x6A87
    REFERENCE_NOT_FOUND = 0x6A88
    FILE_EXISTS = 0x6A89
    WRONG_OFFSET = 0x6B00
    INS_UNSUPPORTED = 0x6D00
    CLA_UNSUPPORTED = 0x6E00
    INTERNAL = 0x6F00


_WORDS: dict[int, str] = {
    SW.OK: "no error",
    SW.WARNING_UNCHANGED: "warning, nothing was changed",
    SW.DEACTIVATED: "the selected file is deactivated",
    SW.TERMINATED: "the selected file is terminated",
    SW.VERIFY_FAILED: "verification failed",
    SW.MEMORY_FAILURE: "memory failure",
    SW.WRONG_LENGTH: "wrong length",
    SW.LOGICAL_CHANNEL_UNSUPPORTED: "logical channel not supported",
    SW.SECURE_MESSAGING_UNSUPPORTED: "secure messaging not supported",
    SW.LAST_COMMAND_EXPECTED: "last command of the chain expected",
    SW.CHAINING_UNSUPPORTED: "command chaining not supported",
    SW.INCOMPATIBLE_FILE: "command does not fit the structure of the file",
    SW.SECURITY_STATUS: "security status not satisfied",
    SW.AUTH_BLOCKED: "authentication method blocked",
    SW.REFERENCE_UNUSABLE: "reference data not usable",
    SW.CONDITIONS: "conditions of use not satisfied",
    SW.NO_CURRENT_EF: "no file selected",
    SW.WRONG_DATA: "wrong data field",
    SW.FUNCTION_UNSUPPORTED: "function not supported",
    SW.NOT_FOUND: "file or application not found",
    SW.RECORD_NOT_FOUND: "record not found",
    SW.NO_SPACE: "not enough memory",
    SW.LENGTH_INCONSISTENT: "length does not fit the TLV structure",
    SW.WRONG_P1P2: "wrong P1-P2",
    SW.LC_INCONSISTENT: "Lc does not fit P1-P2",
    SW.REFERENCE_NOT_FOUND: "referenced data not found",
    SW.FILE_EXISTS: "file exists already",
    SW.WRONG_OFFSET: "offset outside the file",
    SW.INS_UNSUPPORTED: "instruction not supported",
    SW.CLA_UNSUPPORTED: "class not supported",
    SW.INTERNAL: "internal error",
}

_CLASSES = {
    0x62: "warning, nothing was changed",
    0x63: "warning, something was changed",
    0x64: "execution error, nothing was changed",
    0x65: "execution error, something was changed",
    0x66: "security error",
    0x68: "function in CLA not supported",
    0x69: "command not allowed",
    0x6A: "wrong parameters",
}


def describe(sw: int) -> str:
    """The status word in words, without its number; never empty, for any number."""
    known = _WORDS.get(sw)
    if known is not None:
        return known
    first, second = sw >> 8, sw & 0xFF
    if first == 0x61:
        return f"{second or 256} bytes of the answer are left"
    if first == 0x6C:
        return f"wrong Le, the answer has {second or 256} bytes"
    if first == 0x63 and second >> 4 == 0xC:
        return f"verification failed, {_tries(second & 0x0F)} left"
    return _CLASSES.get(first, "unknown status")


def _tries(count: int) -> str:
    return "1 try" if count == 1 else f"{count} tries"


def bytes_left(count: int) -> int:
    """61nn: the command succeeded and GET RESPONSE gives `count` more bytes; 00 from 256 on."""
    return 0x6100 | (count if count < 256 else 0)


def tries_left(count: int) -> int:
    """63Cn: the verification failed and `count` tries are left, 15 at most."""
    return 0x63C0 | min(count, 15)


def exact_length(count: int) -> int:
    """6Cnn: Le was wrong, the answer has `count` bytes (1 to 256, sent as 00)."""
    return 0x6C00 | (count if count < 256 else 0)
