"""What the display can draw, and how wide it is: a character that is not here has no glyph.

The font is small on purpose. Of letters that look alike it has one: no Greek, no Cyrillic, no
full-width letters or digits, nothing that combines with what is before it, nothing without a shape.
"""

from __future__ import annotations

_NARROW = frozenset(
    [chr(code) for code in range(0x20, 0x7F)]
    + [chr(code) for code in range(0xC0, 0x100) if chr(code).isalpha()]
)
"""ASCII, and the letters of Latin-1."""

_PUNCTUATION = frozenset("、。，：；！？（）《》〈〉「」『』【】〔〕“”‘’…—·￥")  # noqa: RUF001
_HANZI = range(0x4E00, 0x9FA6)
"""The 20,902 characters that GBK has and Unicode calls unified."""

SPACE_AT_BORDER = "\N{OPEN BOX}"
"""How a space is drawn where a line ends or begins: it would not be seen there. No text has it."""


def width(sign: str) -> int:
    """Columns that a character takes, 1 or 2; 0 when it has no glyph."""
    if sign in _NARROW:
        return 1
    return 2 if ord(sign) in _HANZI or sign in _PUNCTUATION else 0


def columns(text: str) -> int:
    """Columns that a text takes."""
    return sum(width(sign) or 1 for sign in text)
