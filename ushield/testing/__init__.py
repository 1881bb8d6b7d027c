"""Tokens and readers for tests: the pytest plugin, and the same without pytest.

``ushield.testing.plugin`` is the plugin, which pytest finds by itself. Importing this package
loads nothing else until one of its names is used. docs/testing.md shows how to use it.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ushield.testing.display import NotPressed, NotShown, TokenDisplay
    from ushield.testing.readers import Reader, ReaderFactory
    from ushield.testing.replays import Replay, ReplayFactory
    from ushield.testing.tokens import Token, TokenFactory

__all__ = [
    "NotPressed",
    "NotShown",
    "Reader",
    "ReaderFactory",
    "Replay",
    "ReplayFactory",
    "Token",
    "TokenDisplay",
    "TokenFactory",
]
_OF_DISPLAY = {"NotPressed", "NotShown", "TokenDisplay"}


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module = "display" if name in _OF_DISPLAY else f"{name.removesuffix('Factory').lower()}s"
    return getattr(import_module(f"{__name__}.{module}"), name)
