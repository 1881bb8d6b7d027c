"""Which applets a token carries: noted in its memory when it is made, read each time it is used."""

from __future__ import annotations

from enum import StrEnum

from applet.os.store import Store

_CELL = "applets"


class Applets(StrEnum):
    """The applets of a token, by the name that people type."""

    PKCS15 = "pkcs15"
    PIV = "piv"
    BOTH = "both"

    @property
    def has_pkcs15(self) -> bool:
        """Whether the PKCS#15 applet is there."""
        return self is not Applets.PIV

    @property
    def has_piv(self) -> bool:
        """Whether the PIV applet is there."""
        return self is not Applets.PKCS15


class UnknownApplets(Exception):
    """The memory is that of a token with applets that are not known here."""


def note_applets(store: Store, applets: Applets) -> None:
    """Write down, in a memory that is still empty, what the token is going to carry."""
    store.put(_CELL, applets.encode())
    store.commit()


def noted_applets(store: Store) -> Applets:
    """What the token carries. A memory without a note is that of a PKCS#15 token."""
    note = store.get(_CELL)
    if note is None:
        return Applets.PKCS15
    try:
        return Applets(note.decode("ascii"))
    except ValueError:
        raise UnknownApplets(
            "this token was made by another version of ushield: it carries applets unknown here"
        ) from None
