"""A token image: the chip's memory as one SQLite file, mode 0600.

One command is one transaction, so a cut of power leaves the state before it or after it. The file
is locked from opening to closing: two processes never drive the same chip. Everything is read once
at opening (a chip's memory is small); afterwards reads cost nothing and only changes are written.
"""

from __future__ import annotations

import os
import sqlite3
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path

from applet.os.store import MemoryStore, StoreError

_APPLICATION = 0x75534831
"""SQLite's application_id of our images: "uSH1"."""
_VERSION = 1
_MAGIC = b"SQLite format 3\x00"
_HEADER_LENGTH = 100
_APPLICATION_AT, _VERSION_AT = 68, 60

_SCHEMA = f"""
PRAGMA application_id = {_APPLICATION};
PRAGMA user_version = {_VERSION};
CREATE TABLE cell (name TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
"""


class ImageError(Exception):
    """Something is wrong with a token image; the message says what and what to do."""


class NotAnImage(ImageError):
    """The file is not a token image, or a damaged one. It was not touched."""


class ImageLocked(ImageError):
    """Another process has the token in use."""


class ImageExists(ImageError):
    """There is such a file already."""


class ImageStore(MemoryStore):
    """The store of one token image. Close it when the token is done with."""

    def __init__(self, path: Path, connection: sqlite3.Connection) -> None:
        self.path = path
        self._connection = connection
        rows = connection.execute("SELECT name, value FROM cell")
        super().__init__({name: bytes(value) for name, value in rows}, self._write)

    def close(self) -> None:
        """Drop what was not committed and free the file."""
        self.abort()
        self._connection.close()

    def _write(self, changed: Mapping[str, bytes | None]) -> None:
        kept = [(name, value) for name, value in changed.items() if value is not None]
        gone = [(name,) for name, value in changed.items() if value is None]
        try:
            with self._connection:
                self._connection.execute("BEGIN")
                self._connection.executemany("REPLACE INTO cell VALUES (?, ?)", kept)
                self._connection.executemany("DELETE FROM cell WHERE name = ?", gone)
        except sqlite3.Error as error:
            raise StoreError(f"{self.path}: {error}") from error


@contextmanager
def new_image(path: Path, *, replace: bool = False) -> Iterator[ImageStore]:
    """Make an image: it is at `path` only after the context ended well, whole, mode 0600.

    ImageExists unless `replace`; what is in use, or no image at all, is never replaced.
    """
    _check_place(path, replace=replace)
    try:
        handle, name = tempfile.mkstemp(prefix=f"{path.name}.", suffix=".part", dir=path.parent)
    except OSError as error:
        raise ImageError(f"{path} cannot be made: {error.strerror}") from error
    os.close(handle)
    part = Path(name)
    try:
        with closing(_begin(part)) as store:
            yield store
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def _begin(part: Path) -> ImageStore:
    """An empty image."""
    connection = _connect(part)
    try:
        connection.executescript(_SCHEMA)
        return ImageStore(part, connection)
    except sqlite3.Error as error:
        connection.close()
        raise ImageError(f"{part} cannot be made: {error}") from error


def _check_place(path: Path, *, replace: bool) -> None:
    if not path.exists():
        return
    if not replace:
        raise ImageExists(f"{path} exists already: use another name, or --force")
    try:
        open_image(path).close()
    except NotAnImage:
        raise NotAnImage(f"{path} is not a token image: it is not replaced; remove it") from None


def open_image(path: Path) -> ImageStore:
    """The store of an existing image. NotAnImage, ImageLocked or ImageError leave it untouched."""
    _check_header(path)
    try:
        connection = _connect(path)
    except sqlite3.Error as error:
        raise _explain(path, error) from error
    try:
        _check_whole(path, connection)
        return ImageStore(path, connection)
    except sqlite3.Error as error:
        connection.close()
        raise _explain(path, error) from error
    except ImageError:
        connection.close()
        raise


def _connect(path: Path) -> sqlite3.Connection:
    """A connection that holds the file for itself from now on."""
    connection = sqlite3.connect(
        f"{path.absolute().as_uri()}?mode=rw",
        uri=True,
        timeout=0,
        isolation_level=None,
        check_same_thread=False,
    )
    try:
        connection.execute("PRAGMA locking_mode = EXCLUSIVE")
        connection.execute("PRAGMA secure_delete = ON")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("BEGIN EXCLUSIVE")
        connection.execute("COMMIT")
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def _check_header(path: Path) -> None:
    """Look at the first bytes before SQLite does: a foreign file is not even opened by it."""
    try:
        with path.open("rb") as file:
            header = file.read(_HEADER_LENGTH)
    except FileNotFoundError:
        raise ImageError(f"{path} does not exist: `ushield init {path}` makes a token") from None
    except OSError as error:
        raise ImageError(f"{path} cannot be read: {error.strerror}") from error
    ours = header[:16] == _MAGIC and _number(header, _APPLICATION_AT) == _APPLICATION
    if not ours:
        raise NotAnImage(f"{path} is not a token image; `ushield init` makes one")
    version = _number(header, _VERSION_AT)
    if version != _VERSION:
        raise NotAnImage(f"{path} is a token image of format {version}, this is for {_VERSION}")


def _number(header: bytes, at: int) -> int:
    return int.from_bytes(header[at : at + 4], "big")


def _check_whole(path: Path, connection: sqlite3.Connection) -> None:
    (verdict,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    if verdict != "ok":
        raise NotAnImage(f"{path} is damaged: restore it from a copy")


def _explain(path: Path, error: sqlite3.Error) -> ImageError:
    if getattr(error, "sqlite_errorcode", 0) & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return ImageLocked(f"{path} is in use by another process: stop it, or use another token")
    if isinstance(error, sqlite3.OperationalError):
        return ImageError(f"{path} cannot be opened: {error}")
    return NotAnImage(f"{path} is damaged: restore it from a copy")
