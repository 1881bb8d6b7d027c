"""Mutants: our card with one rule broken, to see that the dialogues notice.

A mutant is one small change, made while a dialogue is held and undone afterwards: in the source of
one function, in one value of a module, in the memory that the card was given, or in its answers.
Nothing is written to disk, and whoever imported the function has the changed one too.
"""

from __future__ import annotations
import __future__

import ast
import importlib
import inspect
import textwrap
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from types import CodeType, FunctionType
from typing import Any, TypeAlias


class StaleMutant(Exception):
    """The source has changed and the mutant has not: it says what it looked for and where."""


Place: TypeAlias = tuple[str, int]
"""A piece of code: its file and the number of its first line."""


def place_of(code: CodeType) -> Place:
    """Where the code stands."""
    return code.co_filename, code.co_firstlineno


@dataclass(frozen=True, slots=True)
class Source:
    """Other source in one function: `old`, which stands there once, becomes `new`.

    `where` is "module:function" or "module:Class.method".
    """

    where: str
    old: str
    new: str

    def places(self) -> frozenset[Place]:
        """The code that behaves otherwise: that function."""
        return frozenset({place_of(_function(self.where).__code__)})

    @contextmanager
    def made(self) -> Generator[None]:
        """The function has the other source."""
        function = _function(self.where)
        code = function.__code__
        function.__code__ = self._compiled(function)
        try:
            yield
        finally:
            function.__code__ = code

    def _compiled(self, function: FunctionType) -> CodeType:
        source = textwrap.dedent(inspect.getsource(function))
        if source.count(self.old) != 1:
            raise StaleMutant(f"{self.old!r} stands {source.count(self.old)} times in {self.where}")
        tree = ast.parse(source.replace(self.old, self.new))
        (definition,) = tree.body
        assert isinstance(definition, ast.FunctionDef)
        definition.decorator_list = []
        definition.args.defaults = []
        definition.args.kw_defaults = [None] * len(definition.args.kwonlyargs)
        scope: dict[str, Any] = {}
        flags = __future__.annotations.compiler_flag
        exec(compile(tree, inspect.getfile(function), "exec", flags, dont_inherit=True), scope)
        code: CodeType = scope[definition.name].__code__
        return code


@dataclass(frozen=True, slots=True)
class Value:
    """Another value of a name in a module: `new` is made of the old one."""

    where: str
    new: Callable[[Any], Any]

    @classmethod
    def of(cls, where: str, expression: str) -> Value:
        """The value of an expression in the module, where the name still has its old one."""
        module = importlib.import_module(where.partition(":")[0])
        return cls(where, lambda _: eval(expression, dict(vars(module))))

    def places(self) -> frozenset[Place]:
        """The code that behaves otherwise: whatever in the module reads the name."""
        module, name = self._place()
        return frozenset(place_of(code) for code in _codes(module) if name in code.co_names)

    @contextmanager
    def made(self) -> Generator[None]:
        """The name has the other value."""
        module, name = self._place()
        old = getattr(module, name)
        setattr(module, name, self.new(old))
        try:
            yield
        finally:
            setattr(module, name, old)

    def _place(self) -> tuple[Any, str]:
        module, _, name = self.where.partition(":")
        return importlib.import_module(module), name


@dataclass(frozen=True, slots=True)
class Memory:
    """Other bytes in the memory that the card was given: it was personalised wrongly."""

    cell: str
    old: str
    new: str

    def spoil(self, cells: Mapping[str, bytes]) -> Mapping[str, bytes]:
        """The memory with the other bytes, as many as before; a blank card's has no such cell."""
        if self.cell not in cells:
            return cells
        old, new = bytes.fromhex(self.old), bytes.fromhex(self.new)
        content = cells[self.cell]
        if content.count(old) != 1 or len(old) != len(new):
            raise StaleMutant(f"{self.old} stands {content.count(old)} times in {self.cell}")
        return {**cells, self.cell: content.replace(old, new)}


@dataclass(frozen=True, slots=True)
class Answers:
    """Other answers: what the card says is changed on its way out, by command and answer."""

    change: Callable[[bytes, bytes], bytes]


@dataclass(frozen=True, slots=True)
class Mutant:
    """A card that breaks one rule. `breaks` says which, `seen_by` names dialogues that notice.

    `about` is the part of the card that it is of, in words.
    """

    name: str
    breaks: str
    change: Source | Value | Memory | Answers
    seen_by: tuple[str, ...]
    about: str


def _function(where: str) -> FunctionType:
    module, _, path = where.partition(":")
    found: Any = importlib.import_module(module)
    for name in path.split("."):
        found = vars(found).get(name)
        if found is None:
            raise StaleMutant(f"there is no {where}")
    found = getattr(found, "__func__", None) or getattr(found, "fget", None) or found
    assert isinstance(found, FunctionType), where
    return found


def _codes(module: Any) -> Iterator[CodeType]:
    """Every piece of code of a module, also that of functions within functions."""
    source = inspect.getsource(module)
    waiting = [compile(source, inspect.getfile(module), "exec", dont_inherit=True)]
    while waiting:
        code = waiting.pop()
        yield code
        waiting += [item for item in code.co_consts if isinstance(item, CodeType)]
