"""The way from programs inside this very process, such as a PKCS#11 module, to a reader.

libpcsclite looks up the path of its service once in the life of a process. So all readers of a
process get one path, a symbolic link, that leads to the service of the reader whose turn it is.
"""

from __future__ import annotations

import atexit
import os
from contextlib import ExitStack
from pathlib import Path

from ushield.reader.place import place
from ushield.reader.service import VARIABLE


class Door:
    """The one path, and where it leads to. Use it from one thread."""

    def __init__(self) -> None:
        self._life = ExitStack()
        self._link: Path | None = None
        self._target: Path | None = None
        self._before: str | None = None

    def open_to(self, socket: Path) -> None:
        """Lead to this service from now on, for whoever connects next."""
        link = self._find_link()
        link.unlink(missing_ok=True)
        link.symlink_to(socket)
        if self._target is None:
            self._before = os.environ.get(VARIABLE)
            os.environ[VARIABLE] = str(link)
        self._target = socket

    def close(self, socket: Path) -> None:
        """Lead nowhere if it was this service. The environment is as it was before."""
        if self._link is None or self._target != socket:
            return
        self._link.unlink(missing_ok=True)
        self._target = None
        if self._before is None:
            os.environ.pop(VARIABLE, None)
        else:
            os.environ[VARIABLE] = self._before

    def _find_link(self) -> Path:
        """The path, in a private folder that lasts as long as the process."""
        if self._link is None:
            self._link = self._life.enter_context(place(None)).socket
            atexit.register(self._life.close)
        return self._link


DOOR = Door()
"""The door of this process."""
