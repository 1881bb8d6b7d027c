"""Response APDUs: data and the status word (ISO 7816-3 §12.1)."""

from struct import error as FieldError
from typing import NamedTuple

from construct import Bytes, Int16ub, this

from apdu.compiled import Codec
from apdu.errors import ResponseError
from apdu.status import SW

_RESPONSE = Codec("data" / Bytes(this.size), "sw" / Int16ub)
"""`size` is known from outside: the data is what stands before the last two bytes."""


class Response(NamedTuple):
    """What the card answered: data, then SW1-SW2 as one number.

    The data may be a deciphered secret and has no place in the repr.
    """

    data: bytes
    sw: int

    @property
    def ok(self) -> bool:
        """Whether the status word is 9000."""
        return self.sw == SW.OK

    def __repr__(self) -> str:
        return f"<Response {len(self.data)} bytes of data, SW {self.sw:04X}>"


def parse_response(raw: bytes) -> Response:
    """Read one response APDU; ResponseError when it is shorter than a status word."""
    if len(raw) < 2:
        raise ResponseError(len(raw), "a response ends in a status word of 2 bytes")
    fields = _RESPONSE.parse(raw, size=len(raw) - 2)
    return Response(fields["data"], fields["sw"])


def build_response(response: Response) -> bytes:
    """Write a response APDU; ResponseError when the status word is not two bytes."""
    try:
        return _RESPONSE.build(data=response.data, sw=response.sw)
    except FieldError:
        raise ResponseError(len(response.data), f"SW cannot be {response.sw}") from None
