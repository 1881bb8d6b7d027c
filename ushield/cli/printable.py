"""Text from elsewhere on its way to the terminal."""

from __future__ import annotations


def printable(text: str) -> str:
    """What a card says may be meant for the terminal; it is shown, not obeyed."""
    return "".join(sign if sign.isprintable() else "\N{REPLACEMENT CHARACTER}" for sign in text)
