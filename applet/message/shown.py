"""What comes of reading a message, whatever its format."""

from __future__ import annotations

from dataclasses import dataclass

from applet.consent.statement import Field

MOST_BYTES = 16384
MOST_FIELDS = 60
MOST_LABEL, MOST_VALUE = 40, 200
"""Limits of messages that are no order of our own: bytes in all, fields, characters."""


class MessageError(Exception):
    """A message that is not shown, and so not signed; the text says why and never quotes it."""


@dataclass(frozen=True, slots=True)
class Shown:
    """A message as it is to be shown: a title, fields, and how many parts of it are not shown."""

    title: str
    fields: tuple[Field, ...]
    hidden: int = 0
