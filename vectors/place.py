"""JSON values that know where in their file they are, so that a fault can name the place."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NoReturn, TypeVar

from vectors.errors import PatternError, VectorError

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Place:
    """A JSON value in a file, at a place like ``dialogues[2].steps[0].sw``."""

    file: str
    place: str
    value: object

    def fail(self, reason: str) -> NoReturn:
        """The value is not what it must be."""
        raise VectorError(self.file, self.place, reason)

    def table(self, required: frozenset[str], optional: frozenset[str]) -> dict[str, Place]:
        """The members of an object, by name: all that are required and none that is unknown."""
        if not isinstance(self.value, dict):
            self.fail("expected an object")
        for name in sorted(required - self.value.keys()):
            self.fail(f"{name!r} is missing")
        for name in self.value.keys() - required - optional:
            self.fail(f"{name!r} is not known here")
        dot = "." if self.place else ""
        return {
            name: Place(self.file, f"{self.place}{dot}{name}", value)
            for name, value in self.value.items()
        }

    def items(self) -> Iterator[Place]:
        """The items of an array, which holds at least one."""
        if not isinstance(self.value, list) or not self.value:
            self.fail("expected an array of one or more")
        return (
            Place(self.file, f"{self.place}[{index}]", value)
            for index, value in enumerate(self.value)
        )

    def text(self, shape: str = r"[^\s](.*[^\s])?") -> str:
        """A string of this shape: by default one line that neither begins nor ends in a space."""
        if not isinstance(self.value, str):
            self.fail("expected a string")
        if not re.fullmatch(shape, self.value):
            self.fail(f"{self.value[:40]!r} has not the shape {shape}")
        return self.value

    def read(self, parse: Callable[[str], T]) -> T:
        """A string read by one of the parsers of ``vectors.pattern``."""
        if not isinstance(self.value, str):
            self.fail("expected a string")
        try:
            return parse(self.value)
        except PatternError as error:
            raise VectorError(self.file, self.place, str(error)) from error


def decode(text: str, file: str) -> Place:
    """The root of a JSON text. VectorError when it is none, or names a member twice."""
    try:
        return Place(file, "", json.loads(text, object_pairs_hook=_once))
    except json.JSONDecodeError as error:
        place = f"line {error.lineno} column {error.colno}"
        raise VectorError(file, place, f"not JSON: {error.msg}") from error
    except (ValueError, RecursionError) as error:
        raise VectorError(file, "", f"not usable JSON: {error}") from error


def _once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    table: dict[str, object] = {}
    for name, value in pairs:
        if name in table:
            raise ValueError(f"{name!r} stands twice in one object")
        table[name] = value
    return table
