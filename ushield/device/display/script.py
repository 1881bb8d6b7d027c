"""Rules that press the buttons, such as ``confirm if payee == "Li Lei" and amount < 1000``.

One rule a line: ``confirm``, ``cancel`` or ``wait``, perhaps with ``if`` and a condition. The first
rule that holds is carried out when all pages were read; if none does, nothing is pressed. What is
behind a ``#`` is for people.

A name in a condition is a label on the display: ``payee_account`` is what stands under "Payee
account". ``title`` and ``text`` are the first line and all lines. There are ``==``, ``!=``, ``<``,
``<=``, ``>``, ``>=`` (between a number and a value in which there is one), ``in``, ``not in``,
``and``, ``or``, ``not`` and brackets. Spaces do not count in a comparison. A comparison with what
is not on the display does not hold, whichever it is.
"""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import NoReturn

from applet.os.panel import Signal
from ushield.device.display.reading import Reading, number_in, squeezed

Decide = Callable[[Reading], Signal | str | None]
"""What is pressed when all of a question was read: a button, its name, or nothing."""

_Value = str | Decimal | list[str]

_ACTIONS = {"confirm": Signal.CONFIRM, "cancel": Signal.CANCEL, "wait": None}
_ORDER: dict[type[ast.cmpop], Callable[[Decimal, Decimal], bool]] = {
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}


class ScriptError(ValueError):
    """A line is no rule; the message says which one, and why."""


class _NotShown(Exception):
    """A condition is about something that is not on the display."""


@dataclass(frozen=True, slots=True)
class Rule:
    """What to press, and when; without a condition, always."""

    action: Signal | None
    condition: ast.expr | None

    def holds(self, reading: Reading) -> bool:
        """Whether the rule is for this question."""
        return self.condition is None or _true(self.condition, reading)


@dataclass(frozen=True, slots=True)
class Script:
    """Rules, of which the first one that holds is carried out."""

    rules: tuple[Rule, ...]

    def __call__(self, reading: Reading) -> Signal | None:
        """The button to press, or None."""
        return next((rule.action for rule in self.rules if rule.holds(reading)), None)


def parse_script(text: str) -> Script:
    """The rules in a text. ScriptError says in which line something is wrong."""
    return Script(tuple(_rules(text)))


def _rules(text: str) -> Iterator[Rule]:
    for number, line in enumerate(text.splitlines(), 1):
        action, _, rest = line.strip().partition(" ")
        if not action or action.startswith("#"):
            continue
        try:
            yield _rule(action, rest.strip())
        except ScriptError as error:
            raise ScriptError(f"line {number}: {error}") from None


def _rule(action: str, rest: str) -> Rule:
    if action not in _ACTIONS:
        raise ScriptError(f"a rule begins with {', '.join(_ACTIONS)}, not {action!r}")
    if not rest or rest.startswith("#"):
        return Rule(_ACTIONS[action], None)
    word, _, condition = rest.partition(" ")
    if word != "if" or not condition.strip():
        raise ScriptError(f"behind {action} comes nothing, or if and a condition")
    return Rule(_ACTIONS[action], _condition(condition.strip()))


def _condition(text: str) -> ast.expr:
    try:
        body = ast.parse(text, mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise ScriptError(f"{text} cannot be understood") from None
    _check(body)
    return body


# --- what a condition may be made of ------------------------------------------------------------


def _check(node: ast.expr) -> None:
    """Refuse whatever `_true` does not know."""
    match node:
        case ast.BoolOp(values=values):
            for value in values:
                _check(value)
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            _check(operand)
        case ast.Compare(left=left, ops=ops, comparators=others):
            if any(isinstance(op, ast.Is | ast.IsNot) for op in ops):
                _refuse(node)
            for value in (left, *others):
                _check_value(value)
        case _:
            _refuse(node)


def _check_value(node: ast.expr) -> None:
    match node:
        case ast.Name():
            pass
        case ast.Constant(value=str()):
            pass
        case ast.Constant(value=int() | float() as number) if not isinstance(number, bool):
            pass
        case ast.List(elts=values) | ast.Tuple(elts=values):
            if not all(
                isinstance(value, ast.Constant) and isinstance(value.value, str) for value in values
            ):
                _refuse(node)
        case _:
            _refuse(node)


def _refuse(node: ast.expr) -> NoReturn:
    raise ScriptError(f"{ast.unparse(node)} is no comparison of labels, texts and numbers")


# --- whether it holds ---------------------------------------------------------------------------


def _true(node: ast.expr, reading: Reading) -> bool:
    match node:
        case ast.BoolOp(op=ast.And(), values=values):
            return all(_true(value, reading) for value in values)
        case ast.BoolOp(values=values):
            return any(_true(value, reading) for value in values)
        case ast.UnaryOp(operand=operand):
            return not _true(operand, reading)
        case ast.Compare(left=left, ops=ops, comparators=others):
            try:
                compared = [_value(value, reading) for value in (left, *others)]
            except _NotShown:
                return False
            pairs = zip(ops, compared, compared[1:], strict=False)
            return all(_compared(op, one, other) for op, one, other in pairs)
        case _:
            raise AssertionError("checked when it was read")


def _value(node: ast.expr, reading: Reading) -> _Value:
    match node:
        case ast.Name(id="title"):
            return squeezed(reading.title)
        case ast.Name(id="text"):
            return squeezed(reading.text)
        case ast.Name(id=name):
            try:
                return squeezed(reading[name])
            except KeyError:
                raise _NotShown from None
        case ast.Constant(value=str() as text):
            return squeezed(text)
        case ast.List(elts=values) | ast.Tuple(elts=values):
            return [squeezed(ast.literal_eval(value)) for value in values]
        case _:
            return Decimal(repr(ast.literal_eval(node)))


def _compared(op: ast.cmpop, one: _Value, other: _Value) -> bool:
    if isinstance(op, ast.In | ast.NotIn):
        inside = isinstance(one, str) and not isinstance(other, Decimal) and one in other
        return inside == isinstance(op, ast.In)
    if isinstance(op, ast.Eq | ast.NotEq):
        numbers = _numbers(one, other) if Decimal in (type(one), type(other)) else None
        same = one == other if numbers is None else numbers[0] == numbers[1]
        return same == isinstance(op, ast.Eq)
    numbers = _numbers(one, other)
    return numbers is not None and _ORDER[type(op)](*numbers)


def _numbers(one: _Value, other: _Value) -> tuple[Decimal, Decimal] | None:
    first, second = _number(one), _number(other)
    return None if first is None or second is None else (first, second)


def _number(value: _Value) -> Decimal | None:
    if isinstance(value, str):
        return number_in(value)
    return value if isinstance(value, Decimal) else None
