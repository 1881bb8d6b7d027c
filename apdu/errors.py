"""The one family of exceptions that the codecs of this package raise."""


class ApduError(ValueError):
    """Bytes that cannot be read, or values that cannot be written.

    `offset` is the byte at which the bytes go wrong, counted from 0; it is the length of the input
    when something is missing at its end. When building it is the place the value would have had.
    `reason` says what is wrong. Neither holds any of the data, which may be secret.
    """

    offset: int
    reason: str

    def __init__(self, offset: int, reason: str) -> None:
        super().__init__(offset, reason)
        self.offset = offset
        self.reason = reason

    def __str__(self) -> str:
        return f"byte {self.offset}: {self.reason}"


class CommandError(ApduError):
    """Not a command APDU of ISO 7816-3 §12.1."""


class ResponseError(ApduError):
    """Not a response APDU of ISO 7816-3 §12.1."""


class TlvError(ApduError):
    """Not BER-TLV as ISO 7816-4 §6.3 uses it."""


class AtrError(ApduError):
    """Not an answer to reset of ISO 7816-3 §8."""


class FileControlError(ApduError):
    """Not file control information of ISO 7816-4 §7.4."""


class PayloadError(ApduError):
    """Not the data field that this command has."""
