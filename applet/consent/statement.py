"""What a question says: a title and fields, ready to be laid out on any display."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Field:
    """One thing that the holder is to read.

    A value that is text may go on in the next line after any character. One in pieces, the groups
    of an account or a sum and its currency, goes on between two of them only. An empty label takes
    no line.
    """

    label: str
    value: str | tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Statement:
    """A question: what is to be confirmed, and everything about it."""

    title: str
    fields: tuple[Field, ...]


def in_groups(text: str) -> tuple[str, ...]:
    """Groups of four characters, as accounts and digests are read."""
    return tuple(text[at : at + 4] for at in range(0, len(text), 4))
