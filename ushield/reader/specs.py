"""Which readers a service shall have: their names, and what is in them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ushield.reader.card import CardPort

MOST_READERS = 16
LONGEST_NAME = 127
"""Bytes of a reader's name, in UTF-8."""


@dataclass(frozen=True, slots=True)
class ReaderSpec:
    """A reader that the service shall have, and the card in it, if any."""

    name: str
    card: CardPort | None = None


class ReaderError(ValueError):
    """There is no such reader, or it is not in the state for this."""


def check_names(names: Sequence[str]) -> None:
    """Refuse (ReaderError) what cannot be the names of a service's readers."""
    if not 1 <= len(names) <= MOST_READERS:
        raise ReaderError(f"a service has 1 to {MOST_READERS} readers, not {len(names)}")
    for name in names:
        if not _is_name(name):
            raise ReaderError(f"{name!r} is no name: it has 1 to {LONGEST_NAME} bytes of UTF-8")
    if len(set(names)) != len(names):
        raise ReaderError("two readers have the same name")


def _is_name(name: str) -> bool:
    try:
        size = len(name.encode())
    except UnicodeEncodeError:
        return False
    return 1 <= size <= LONGEST_NAME and "\0" not in name


def default_names(count: int) -> list[str]:
    """Names for readers that were given none."""
    return [f"ushield 00 {number:02}" for number in range(count)]
