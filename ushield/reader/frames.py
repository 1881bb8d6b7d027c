"""Messages on the wire between the virtual reader (vpcd) and a card. Bytes in, messages out.

A message is its length in two bytes, most significant first, and that many bytes. TCP keeps the
order of bytes but not the borders of messages: they come glued together or cut anywhere.
"""

from functools import cache

from construct import Int16ub

LONGEST = 0xFFFF
"""The most bytes one message can carry."""

_LENGTH = Int16ub.compile()
_WIDTH: int = Int16ub.sizeof()


def build_frame(message: bytes) -> bytes:
    """The message behind its length. ValueError when it is longer than a length can say."""
    if len(message) > LONGEST:
        raise ValueError(f"a message of {len(message)} bytes is over {LONGEST}")
    return _build_length(len(message)) + message


class Frames:
    """Puts the messages of one connection together again, whatever pieces they arrive in."""

    def __init__(self) -> None:
        self._rest = b""
        self._needed = _WIDTH

    def feed(self, data: bytes) -> list[bytes]:
        """Take what was received; the messages now complete, oldest first."""
        self._rest += data
        messages: list[bytes] = []
        while len(self._rest) >= self._needed:
            # Once the length is known, nothing is looked at again before all of it is there.
            self._needed = end = _WIDTH + _parse_length(self._rest[:_WIDTH])
            if len(self._rest) < end:
                break
            messages.append(self._rest[_WIDTH:end])
            self._rest = self._rest[end:]
            self._needed = _WIDTH
        return messages


# Commands and answers have few different lengths: remembering them costs less than the codec.
@cache
def _parse_length(header: bytes) -> int:
    length: int = _LENGTH.parse(header)
    return length


@cache
def _build_length(length: int) -> bytes:
    header: bytes = _LENGTH.build(length)
    return header
