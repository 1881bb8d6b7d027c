"""Structures of a fixed size, with every length checked in both directions."""

from struct import error as FieldError
from typing import Any

from construct import Bytes, ConstructError

from apdu.compiled import Codec, Fields
from apdu.errors import ApduError


class Layout:
    """A record of fixed size: `what` names it in errors, which are of the given family member."""

    def __init__(self, error: type[ApduError], what: str, *fields: Any) -> None:
        self._error = error
        self._what = what
        self._codec = Codec(*fields)
        self.size: int = self._codec.record.sizeof()
        self._strings = [(f.name, f.sizeof()) for f in fields if isinstance(f.subcon, Bytes)]

    def parse(self, raw: bytes) -> Fields:
        """Read the fields; the bytes must be exactly as many as the structure has."""
        if len(raw) != self.size:
            raise self._error(
                min(len(raw), self.size), f"{self._what} has {self.size} bytes, not {len(raw)}"
            )
        return self._codec.parse(raw)

    def build(self, **fields: Any) -> bytes:
        """Write the fields, given by name; each must fit its place."""
        if all(len(fields[name]) == size for name, size in self._strings):
            try:
                return self._codec.build(**fields)
            except FieldError:
                pass
        raise self._misfit(fields)

    def _misfit(self, fields: Fields) -> ApduError:
        """Which field does not fit: construct's own builder knows, the compiled one does not."""
        try:
            self._codec.record.build(fields)
        except ConstructError as error:
            name = str(error.path).rpartition(" ")[2]
            return self._error(self._offset(name), f"{name} does not fit its field")
        raise AssertionError("construct's two builders do not agree")

    def _offset(self, name: str) -> int:
        offset = 0
        for field in self._codec.record.subcons:
            if field.name == name:
                break
            offset += field.sizeof()
        return offset
