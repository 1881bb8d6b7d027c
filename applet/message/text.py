"""What a text may consist of, so that what is read is what is signed.

Every character has a glyph of its own (`applet.consent.glyphs`), so nothing is invisible, turns the
direction of writing, or combines. The text is in Unicode's normal form C, has no space at an end
and no two in a row, and was encoded in the one way that its encoding has for it.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from types import MappingProxyType

from applet.consent.glyphs import width
from applet.message.shown import MOST_LABEL, MOST_VALUE, MessageError

ENCODINGS: Mapping[str, str] = MappingProxyType(
    {"utf-8": "utf-8", "gb2312": "gbk", "gbk": "gbk", "gb18030": "gb18030"}
)
"""Encodings by the names under which messages declare them, in small letters. What is declared as
GB2312 is read as GBK, of which it is a part, as everybody does."""


def decoded(raw: bytes, name: str) -> str:
    """The text that the bytes are in this encoding, written in the usual way; else MessageError."""
    encoding = ENCODINGS.get(name.lower())
    if encoding is None:
        raise MessageError(f"the encoding is none of {', '.join(ENCODINGS)}")
    try:
        text = raw.decode(encoding)
    except UnicodeDecodeError as error:
        raise MessageError(f"byte {error.start} is no {name.upper()}") from None
    if text.encode(encoding, "replace") != raw:
        raise MessageError(f"a character is encoded in an odd way for {name.upper()}")
    return text


def checked(text: str, what: str, most: int) -> str:
    """The text, if it can be shown whole; `what` names it in the refusal."""
    if len(text) > most:
        raise MessageError(f"{what} has {len(text)} characters, {most} at most are shown")
    for sign in text:
        if not width(sign):
            raise MessageError(f"{what} has U+{ord(sign):04X}, which the display does not show")
    if not unicodedata.is_normalized("NFC", text):
        raise MessageError(f"{what} is not in Unicode's normal form C")
    if text.startswith(" ") or text.endswith(" ") or "  " in text:
        raise MessageError(f"{what} has spaces that would not be seen")
    return text


def checked_label(text: str, place: int) -> str:
    """The label of the field at this place, counted from 1; it must say something."""
    if not text:
        raise MessageError(f"field {place} has no label")
    return checked(text, f"the label of field {place}", MOST_LABEL)


def checked_value(text: str, place: int) -> str:
    """The value of the field at this place; it may be empty."""
    return checked(text, f"field {place}", MOST_VALUE)
