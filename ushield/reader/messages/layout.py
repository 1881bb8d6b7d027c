"""Structures of C as records of construct: one tuple in, one tuple out, every length checked.

Client and service are on one machine, so numbers are in its own byte order. Nothing is padded
unless the declaration says so.
"""

from collections.abc import Callable, Iterator
from functools import cached_property
from io import BytesIO
from itertools import groupby
from struct import error as FieldError
from typing import Any, Generic, NamedTuple, TypeVar

from construct import Adapter, Bytes, FormatField

from apdu.compiled import Record

Row = TypeVar("Row", bound=NamedTuple)

NAME_SIZE = 128
"""Bytes of a reader's name, the last of which ends it."""


class MessageError(ValueError):
    """The bytes are no message of the protocol, or a value fits no message."""


class Value(Adapter):  # type: ignore[misc]  # construct has no types
    """An adapter that compiles, which construct's own do not."""

    def _emitparse(self, code: Any) -> str:
        code.linkedparsers[id(self)] = lambda obj: self._decode(obj, None, None)
        return f"linkedparsers[{id(self)}]({self.subcon._compileparse(code)})"  # noqa: SLF001

    def _emitbuild(self, code: Any) -> str:
        code.linkedbuilders[id(self)] = lambda obj: self._encode(obj, None, None)
        written = self.subcon._compilebuild(code)  # noqa: SLF001
        return f"reuse(linkedbuilders[{id(self)}](obj), lambda obj: {written})"


class Name(Value):
    """A reader's name in UTF-8, filled up with zeros; what follows the first zero is ignored.

    Bytes that are not UTF-8 are kept as surrogates (PEP 383): such a reader is simply unknown.
    """

    def __init__(self) -> None:
        super().__init__(Bytes(NAME_SIZE))

    def _decode(self, obj: bytes, _context: Any, _path: Any) -> str:
        return obj[: NAME_SIZE - 1].partition(b"\0")[0].decode("utf-8", "surrogateescape")

    def _encode(self, obj: str, _context: Any, _path: Any) -> bytes:
        try:
            name = obj.encode("utf-8", "surrogateescape")
        except UnicodeEncodeError:
            raise MessageError("a reader's name cannot be written in UTF-8") from None
        if len(name) >= NAME_SIZE or b"\0" in name:
            raise MessageError("a reader's name has up to 127 bytes, none of them zero")
        return name.ljust(NAME_SIZE, b"\0")


class Buffer(Value):
    """A buffer of fixed size; what is shorter is filled up with zeros."""

    def __init__(self, size: int) -> None:
        super().__init__(Bytes(size))
        self._size = size

    def _decode(self, obj: bytes, _context: Any, _path: Any) -> bytes:
        return obj

    def _encode(self, obj: bytes, _context: Any, _path: Any) -> bytes:
        if len(obj) > self._size:
            raise MessageError(f"{len(obj)} bytes do not fit a buffer of {self._size}")
        return obj.ljust(self._size, b"\0")


class Table(Record):
    """A structure of C that compiles to tuples: numbers side by side are one call of `struct`."""

    def _emitparse(self, code: Any) -> str:
        name = f"parse_table_{code.allocateId()}"
        parts = []
        for numbers, fields in self._runs():
            if numbers:
                layout = _emit_layout(code, fields)
                parts.append(f"*{layout}.unpack(io.read({layout}.size))")
            else:
                parts += [field._compileparse(code) for field in fields]  # noqa: SLF001
        code.append(f"def {name}(io, this):\n    return ({', '.join(parts)},)")
        return f"{name}(io, this)"

    def _emitbuild(self, code: Any) -> str:
        name = f"build_table_{code.allocateId()}"
        lines = [f"def {name}(row, io, this):"]
        at = 0
        for numbers, fields in self._runs():
            if numbers:
                layout = _emit_layout(code, fields)
                lines.append(f"    io.write({layout}.pack(*row[{at}:{at + len(fields)}]))")
            else:
                for index, field in enumerate(fields, at):
                    written = field._compilebuild(code)  # noqa: SLF001
                    lines += [f"    obj = row[{index}]", f"    {written}"]
            at += len(fields)
        code.append("\n".join(lines))
        return f"{name}(obj, io, this)"

    def _runs(self) -> Iterator[tuple[bool, list[Any]]]:
        """The fields in order, neighbours together that are numbers, or that are not."""
        for numbers, fields in groupby(self.subcons, _is_number):
            yield numbers, list(fields)


def _is_number(field: Any) -> bool:
    return isinstance(field.subcon, FormatField)


def _emit_layout(code: Any, fields: list[Any]) -> str:
    """Declare one struct for these numbers in the compiled code; its name."""
    name = f"layout_{code.allocateId()}"
    formats = "".join(field.subcon.fmtstr[1:] for field in fields)
    code.append(f"{name} = struct.Struct({'=' + formats!r})")
    return name


class Layout(Generic[Row]):
    """A structure on the wire and the value it stands for. `what` names it in errors.

    Compiling takes half a millisecond, so it waits until the layout is used for the first time.
    """

    def __init__(self, kind: type[Row], what: str, **fields: Any) -> None:
        self.kind = kind
        self.what = what
        self.record = Table(*(name / field for name, field in fields.items()))
        self.size: int = self.record.sizeof()

    @cached_property
    def parse(self) -> Callable[[bytes | bytearray], Row]:
        """Read a value; MessageError when it has the wrong size."""
        run, make, size = self._compiled.parsefunc, self.kind._make, self.size

        def parse(raw: bytes | bytearray) -> Row:
            if len(raw) != size:
                raise MessageError(f"{self.what} has {size} bytes, not {len(raw)}")
            return make(run(BytesIO(raw), None))

        return parse

    @cached_property
    def build(self) -> Callable[[Row], bytes]:
        """Write a value; MessageError when something in it does not fit."""
        run = self._compiled.buildfunc

        def build(value: Row) -> bytes:
            stream = BytesIO()
            try:
                run(value, stream, None)
            except FieldError:
                raise MessageError(f"a number does not fit {self.what}") from None
            return stream.getvalue()

        return build

    @cached_property
    def _compiled(self) -> Any:
        return self.record.compile()
