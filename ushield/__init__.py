"""A bank's USB key (U-Shield) as software: a smart card with its memory, reader and client.

``new_token`` makes a personalised token in memory, ``open_token`` uses a token image; both give a
``host.client.TokenClient``. ``new_piv_token`` and ``open_piv_token`` do the same for PIV. Importing
this package loads nothing else until one is used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ushield.tokens import new_piv_token, new_token, open_piv_token, open_token

__all__ = ["new_piv_token", "new_token", "open_piv_token", "open_token"]


def __getattr__(name: str) -> Any:
    if name in __all__:
        from ushield import tokens

        return getattr(tokens, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
