"""What `ushield run` is asked to do, read quickly.

The parser of the command line takes 80 ms to load, a third of what `ushield run` may take to start.
So its plain forms are read here, and whatever is not plain is left to that parser: a wrong option,
a call for help.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ushield.cli.kinds import KeyKind


@dataclass(slots=True)
class Order:
    """A program and its arguments, and the readers and tokens that it shall have."""

    command: list[str] = field(default_factory=list)
    tokens: list[Path] = field(default_factory=list)
    keys: list[KeyKind] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    empty: bool = False


def read_order(arguments: Sequence[str]) -> Order | None:
    """The order in a command line; None when it is none, or no plain one."""
    if arguments[:1] != ["run"]:
        return None
    order, rest = Order(), list(arguments[1:])
    while rest and rest[0].startswith("-"):
        option, equals, value = rest.pop(0).partition("=")
        if option == "--" and not equals:
            break
        if option == "--empty" and not equals:
            order.empty = True
            continue
        if not equals:
            if not rest:
                return None
            value = rest.pop(0)
        if not _take(order, option, value):
            return None
    order.command = rest
    return order if rest else None


def _take(order: Order, option: str, value: str) -> bool:
    """Note an option. Whether there is such a one, with such a value."""
    match option:
        case "--token":
            order.tokens.append(Path(value))
        case "--reader-name":
            order.names.append(value)
        case "--key" if value in list(KeyKind):
            order.keys.append(KeyKind(value))
        case _:
            return False
    return True
