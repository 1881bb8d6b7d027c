"""The numbers of pcsc-lite's interface (pcsclite.h): return codes, modes, states, attributes."""

from enum import IntEnum, IntFlag


class Rv(IntEnum):
    """What a call returns. As pcsc-lite has it, UNSUPPORTED_FEATURE is 1F, not Windows' 22."""

    SUCCESS = 0
    INTERNAL_ERROR = 0x80100001
    CANCELLED = 0x80100002
    INVALID_HANDLE = 0x80100003
    INVALID_PARAMETER = 0x80100004
    NO_MEMORY = 0x80100006
    INSUFFICIENT_BUFFER = 0x80100008
    UNKNOWN_READER = 0x80100009
    TIMEOUT = 0x8010000A
    SHARING_VIOLATION = 0x8010000B
    NO_SMARTCARD = 0x8010000C
    PROTO_MISMATCH = 0x8010000F
    INVALID_VALUE = 0x80100011
    COMM_ERROR = 0x80100013
    NOT_TRANSACTED = 0x80100016
    READER_UNAVAILABLE = 0x80100017
    NO_SERVICE = 0x8010001D
    SERVICE_STOPPED = 0x8010001E
    UNSUPPORTED_FEATURE = 0x8010001F
    UNRESPONSIVE_CARD = 0x80100066
    UNPOWERED_CARD = 0x80100067
    RESET_CARD = 0x80100068
    REMOVED_CARD = 0x80100069
    SECURITY_VIOLATION = 0x8010006A


class Share(IntEnum):
    """How a connection shares the reader with others."""

    EXCLUSIVE = 1
    SHARED = 2
    DIRECT = 3


class Protocol(IntFlag):
    """Transmission protocols, as a set of bits or one of them; 0 while none is in force."""

    UNDEFINED = 0
    T0 = 0x0001
    T1 = 0x0002
    ANY = 0x0003
    RAW = 0x0004
    T15 = 0x0008
    ANY_OLD = 0x1000
    """What old programs say when they mean ANY."""


class Disposition(IntEnum):
    """What happens to the card at the end of a connection or a transaction."""

    LEAVE = 0
    RESET = 1
    UNPOWER = 2
    EJECT = 3


class State(IntFlag):
    """The state of a reader and its card, in records and by SCardStatus."""

    UNKNOWN = 0x0001
    ABSENT = 0x0002
    PRESENT = 0x0004
    SWALLOWED = 0x0008
    POWERED = 0x0010
    NEGOTIABLE = 0x0020
    SPECIFIC = 0x0040


class Attribute(IntEnum):
    """Attributes of a reader that SCardGetAttrib can ask for (PCSC/reader.h)."""

    VENDOR_NAME = 0x00010100
    ATR_STRING = 0x00090303
    DEVICE_FRIENDLY_NAME = 0x7FFF0003
    DEVICE_SYSTEM_NAME = 0x7FFF0004


SHARING_EXCLUSIVE = -1
"""The sharing count of a reader that one connection has for itself; else the connections."""

GET_FEATURE_REQUEST = 0x42000D48
"""The control code that asks which features a reader has (PC/SC part 10 section 2.2)."""
