"""Plain text for the display: ``label:value`` in lines, or separated by semicolons.

It says nothing of its encoding: bytes that are UTF-8 are read as UTF-8, all others as GB18030, of
which GBK is a part. The colon, ASCII or Chinese, belongs to the label, and so is shown.
"""

from __future__ import annotations

import re

from applet.consent.statement import Field
from applet.message.shown import MOST_BYTES, MOST_FIELDS, MessageError
from applet.message.text import checked_label, checked_value, decoded

_COLON = re.compile("[:：]")  # noqa: RUF001 the Chinese one
_LINES, _LIST = re.compile("\r\n|\n"), re.compile(";")


def read(raw: bytes) -> tuple[Field, ...]:
    """The fields; all of them are shown."""
    if len(raw) > MOST_BYTES:
        raise MessageError(f"the message has {len(raw)} bytes, {MOST_BYTES} at most are read")
    text = _text(raw)
    parts = (_LINES if "\n" in text else _LIST).split(text)
    if parts and not parts[-1]:
        parts.pop()
    if not 0 < len(parts) <= MOST_FIELDS:
        raise MessageError(f"there are {len(parts)} fields; 1 to {MOST_FIELDS} are read")
    return tuple(_field(part, place) for place, part in enumerate(parts, 1))


def _text(raw: bytes) -> str:
    try:
        raw.decode()
    except UnicodeDecodeError:
        return decoded(raw, "gb18030")
    return decoded(raw, "utf-8")


def _field(part: str, place: int) -> Field:
    colon = _COLON.search(part)
    if colon is None or not colon.start():
        raise MessageError(f"field {place} is not written label:value")
    label, value = part[: colon.end()], part[colon.end() :]
    return Field(checked_label(label, place), checked_value(value, place))
