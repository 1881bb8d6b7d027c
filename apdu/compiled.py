"""The only module that knows how construct compiles: fast records, and how they are called.

construct's compiled code makes two dictionaries with a dozen entries for every structure that it
reads or writes, so that fields may look at the structures around them. Nothing here needs that, so
`Record` compiles to a few assignments, and reads numbers that stand together as one; for a command
APDU that is a third of the time.

construct has no types, so this is also where they begin.
"""

from collections.abc import Callable
from functools import cached_property
from io import BytesIO
from itertools import groupby
from struct import calcsize
from typing import Any

from construct import FormatField, Rebuild, Renamed, Struct

Fields = dict[str, Any]


class Record(Struct):  # type: ignore[misc]  # construct has no types
    """A structure whose fields look at nothing but the fields before them.

    Compiled code reads short input as if it had ended there, and writes byte strings of any
    length: whoever calls checks the lengths first.
    """

    def _emitparse(self, code: Any) -> str:
        name = f"parse_record_{code.allocateId()}"
        lines = [f"def {name}(io, this):"]
        for numbers, fields in groupby(self.subcons, key=_is_number):
            if numbers:
                lines.append(f"    {_read_numbers(code, list(fields))}")
                continue
            for field in fields:
                value = field._compileparse(code)  # noqa: SLF001
                lines.append(f"    this[{field.name!r}] = {value}")
        code.append("\n".join([*lines, "    return this"]))
        return f"{name}(io, this)"

    def _emitbuild(self, code: Any) -> str:
        name = f"build_record_{code.allocateId()}"
        lines = [f"def {name}(this, io):"]
        for field in self.subcons:
            value = "None" if field.flagbuildnone else f"this[{field.name!r}]"
            written = field._compilebuild(code)  # noqa: SLF001
            lines += [f"    obj = {value}", f"    {written}"]
        code.append("\n".join(lines))
        return f"{name}(this, io)"


def _number(field: Any) -> Any:
    """What a field is underneath its name; a number that is rebuilt is read like any other."""
    while isinstance(field, Renamed | Rebuild):
        field = field.subcon
    return field


def _is_number(field: Any) -> bool:
    return isinstance(_number(field), FormatField)


def _read_numbers(code: Any, fields: list[Any]) -> str:
    """One statement that reads numbers that stand next to each other, all at once."""
    form = ">" + "".join(_number(field).fmtstr.removeprefix(">") for field in fields)
    name = f"numbers_{code.allocateId()}"
    code.append(f"{name} = struct.Struct({form!r}).unpack")
    places = ", ".join(f"this[{field.name!r}]" for field in fields)
    return f"{places}, = {name}(io.read({calcsize(form)}))"


class Codec:
    """A record ready for use: `parse` and `build` take and give the record's fields.

    Compiling takes half a millisecond, so it waits until the codec is used for the first time.
    """

    def __init__(self, *fields: Any) -> None:
        self.record = Record(*fields)

    @cached_property
    def parse(self) -> Callable[..., Fields]:
        """Read the fields from bytes; further arguments are fields that are known already."""
        run = self._compiled.parsefunc

        def parse(raw: bytes, **known: Any) -> Fields:
            return run(BytesIO(raw), known)  # type: ignore[no-any-return]

        return parse

    @cached_property
    def build(self) -> Callable[..., bytes]:
        """Write the fields, given by name. A number that does not fit raises struct.error."""
        run = self._compiled.buildfunc

        def build(**fields: Any) -> bytes:
            stream = BytesIO()
            run(fields, stream, fields)
            return stream.getvalue()

        return build

    @cached_property
    def _compiled(self) -> Any:
        return self.record.compile()
