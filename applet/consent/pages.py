"""A statement on a display: lines of so many columns, pages of so many rows, nothing cut.

Labels begin in the first column, values are set in by one. So no value, however its lines break,
looks like the label of another field. Two statements that differ make different pages.
"""

from __future__ import annotations

from collections.abc import Iterator

from applet.consent.glyphs import SPACE_AT_BORDER, columns, width
from applet.consent.statement import Field, Statement
from applet.os.panel import Screen

MOST_PAGES = 99
_INDENT = " "


class DoesNotFit(Exception):
    """Something that must not be broken is wider than the display, or there are too many pages."""


def lay_out(statement: Statement, width_of_panel: int, rows: int) -> tuple[Screen, ...]:
    """The pages of a statement, one at least; DoesNotFit when there is no honest way."""
    pages: list[list[str]] = [[]]
    for block in _blocks(statement, width_of_panel):
        if pages[-1] and len(pages[-1]) + len(block) > rows:
            pages.append([])
        for line in block:
            if len(pages[-1]) == rows:
                pages.append([])
            pages[-1].append(line)
    if len(pages) > MOST_PAGES:
        raise DoesNotFit(f"it takes more than {MOST_PAGES} pages")
    count = len(pages)
    return tuple(Screen(tuple(lines), number, count) for number, lines in enumerate(pages, 1))


def _blocks(statement: Statement, room: int) -> Iterator[list[str]]:
    """Lines that stay on one page if it holds them: an account, a label and what is below it."""
    for line in wrapped(statement.title, room):
        yield [line]
    for field in statement.fields:
        label = wrapped(field.label, room) if field.label else []
        value = list(_value(field, room - len(_INDENT)))
        together = 1 if isinstance(field.value, str) else len(value)
        yield [*label, *value[:together]]
        for line in value[together:]:
            yield [line]


def wrapped(text: str, room: int) -> list[str]:
    """Lines of a text, broken after any character; a space at such a border is drawn."""
    lines = list(_broken(text, room))
    for place, line in enumerate(lines):
        if place and line.startswith(" "):
            line = SPACE_AT_BORDER + line[1:]  # noqa: PLW2901 the line as it is drawn
        if place < len(lines) - 1 and line.endswith(" "):
            line = line[:-1] + SPACE_AT_BORDER  # noqa: PLW2901 likewise
        lines[place] = line
    return lines


def _broken(text: str, room: int) -> Iterator[str]:
    line, used = "", 0
    for sign in text:
        wide = width(sign) or 1
        if used + wide > room:
            yield line
            line, used = "", 0
        line, used = line + sign, used + wide
    yield line


def _value(field: Field, room: int) -> Iterator[str]:
    lines = wrapped(field.value, room) if isinstance(field.value, str) else _joined(field, room)
    return (_INDENT + line for line in lines)


def _joined(field: Field, room: int) -> Iterator[str]:
    """Lines of a value in pieces, as many of them in a line as it holds."""
    line = ""
    for piece in field.value:
        if columns(piece) > room:
            raise DoesNotFit(f"{field.label or 'a part'} is wider than the display")
        if line and columns(line) + 1 + columns(piece) > room:
            yield line
            line = ""
        line = f"{line} {piece}" if line else piece
    yield line
