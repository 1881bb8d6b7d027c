"""A question as a person reads it: a title, and values under their labels, over all its pages.

It is made of the lines on the display and of nothing else. The chip sets values in by a column and
breaks a line only when the next character, or the next group of an account, would not fit
(`applet.consent.pages`); so lines that belong together can be put together again.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal

from applet.consent.glyphs import SPACE_AT_BORDER, columns

_INDENT = " "
_NUMBER = re.compile(r"\d[\d,]*(?:\.\d+)?")
_COLONS = ":\N{FULLWIDTH COLON}"


@dataclass(frozen=True, slots=True)
class Entry:
    """A label and the value below it; either may be empty."""

    label: str
    value: str


@dataclass(frozen=True, slots=True)
class Reading:
    """What a question says. `lines` are those of all pages, in order."""

    lines: tuple[str, ...]
    title: str
    entries: tuple[Entry, ...]

    def __getitem__(self, label: str) -> str:
        """The value under this label, in which case and spaces do not count; KeyError without."""
        for entry in self.entries:
            if _name(entry.label) == _name(label):
                return entry.value
        raise KeyError(label)

    @property
    def text(self) -> str:
        """All of it, one entry a line."""
        rest = (f"{entry.label} {entry.value}".strip() for entry in self.entries)
        return "\n".join((self.title, *rest))

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels, in order."""
        return tuple(entry.label for entry in self.entries if entry.label)

    def amount(self, label: str = "Amount") -> Decimal:
        """The one number in the value under this label; KeyError without, or with several."""
        number = number_in(self[label])
        if number is None:
            raise KeyError(label)
        return number


def read(lines: Iterable[str], width: int) -> Reading:
    """Read the lines of all pages, from a display with so many columns."""
    lines = tuple(lines)
    title, *rest = _joined(lines, width) or [""]
    entries: list[Entry] = []
    label = ""
    for line in rest:
        if line.startswith(_INDENT):
            entries.append(Entry(label, line.strip()))
            label = ""
        else:
            if label:
                entries.append(Entry(label, ""))
            label = line.rstrip(_COLONS)
    if label:
        entries.append(Entry(label, ""))
    return Reading(lines, title, tuple(entries))


def number_in(value: str) -> Decimal | None:
    """The number in a value such as "1,000.00 CNY", if there is exactly one."""
    numbers = _NUMBER.findall(value)
    return Decimal(numbers[0].replace(",", "")) if len(numbers) == 1 else None


def squeezed(text: str) -> str:
    """A text without its spaces: those at the end of a line cannot all be seen."""
    return "".join(text.split())


def _name(label: str) -> str:
    return squeezed(label.replace("_", " ")).casefold()


def _joined(lines: Iterable[str], width: int) -> list[str]:
    """Lines put together again where they were broken; a value begins with a space."""
    whole: list[str] = []
    last = ""
    for line in lines:
        indented = line.startswith(_INDENT)
        body = line.removeprefix(_INDENT)
        glue = _glue(last, body, width) if indented == last.startswith(_INDENT) else None
        if last and glue is not None:
            whole[-1] += glue + body
        else:
            whole.append(line)
        last = line
    return [line.replace(SPACE_AT_BORDER, " ") for line in whole]


def _glue(line: str, following: str, width: int) -> str | None:
    """What was between a line and the next one before it was broken; None if it was not."""
    used = columns(line)
    if used + columns(following[:1]) > width:
        return ""
    group = following.partition(" ")[0]
    in_groups = line.startswith(_INDENT) and used + 1 + columns(group) > width
    return " " if in_groups else None


def pages_in_order(pages: dict[int, tuple[str, ...]]) -> Iterator[str]:
    """The lines of pages by their numbers."""
    for number in sorted(pages):
        yield from pages[number]
