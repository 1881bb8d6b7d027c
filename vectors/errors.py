"""What can be wrong with a vector file, and with an answer."""

from __future__ import annotations


class VectorError(ValueError):
    """A vector file that cannot be used: which file, which place in it, and why."""

    def __init__(self, file: str, place: str, reason: str) -> None:
        super().__init__(f"{file}: {place}: {reason}" if place else f"{file}: {reason}")
        self.file = file
        self.place = place
        self.reason = reason


class PatternError(ValueError):
    """A text that is no command, data pattern or status word; `at` counts characters from 0."""

    def __init__(self, at: int, reason: str) -> None:
        super().__init__(f"character {at}: {reason}")
        self.at = at
        self.reason = reason


class MismatchError(ValueError):
    """Bytes that a pattern does not allow; `offset` counts bytes from 0."""

    def __init__(self, offset: int, reason: str) -> None:
        super().__init__(f"byte {offset}: {reason}")
        self.offset = offset
        self.reason = reason
