"""A token image: the chip's memory as one SQLite file, mode 0600.

One command is one transaction, so a cut of power leaves the state before it or after it. The file
is locked from opening to closing: two processes never drive the same chip. Everything is read once
at opening (a chip's memory is small); afterwards reads cost nothing and only changes are written.
Each cell carries a check sum, so that a token with a bit of its memory lost is never put to use.
"""

from __future__ import annotations

import os
import sqlite3
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from zlib import crc32

from applet.os.store import MemoryStore, StoreError

_APPLICATION = 0x75534831
"""SQLite's application_id of our images: "uSH1"."""
_VERSION = 1
_MAGIC = b"SQLite format 3\x00"
_HEADER_LENGTH = 100
_APPLICATION_AT, _VERSION_AT = 68, 60
_DAMAGED = "{} is damaged: restore it from a copy"

_SCHEMA = f"""
PRAGMA application_id = {_APPLICATION};
PRAGMA user_version = {_VERSION};
CREATE TABLE cell (
    name TEXT PRIMARY KEY, value BLOB NOT NULL, sum INTEGER NOT NULL
) WITHOUT ROWID;
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
        # As bytes, whatever damage has made of them.
        rows = connection.execute(
            "SELECT CAST(name AS BLOB), CAST(value AS BLOB), sum FROM cell"
        ).fetchall()
        if any(_sum(name, value) != known for name, value, known in rows):
            raise NotAnImage(_DAMAGED.format(path))
        super().__init__({name.decode(): value for name, value, _ in rows}, self._write)

    def close(self) -> None:
        """Drop what was not committed and free the file."""
        self.abort()
        self._connection.close()

    def _write(self, changed: Mapping[str, bytes | None]) -> None:
        kept = [
            (name, value, _sum(name.encode(), value))
            for name, value in changed.items()
            if value is not None
        ]
        gone = [(name,) for name, value in changed.items() if value is None]
        try:
            with self._connection:
                self._connection.execute("BEGIN")
                self._connection.executemany("REPLACE INTO cell VALUES (?, ?, ?)", kept)
                self._connection.executemany("DELETE FROM cell WHERE name = ?", gone)
        except sqlite3.Error as error:
            raise StoreError(f"{self.path}: {error}") from error


def _sum(name: bytes, value: bytes) -> int:
    return crc32(value, crc32(name))


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
    try:
        connection = _connect(part)
        with _closed_on_error(connection):
            connection.executescript(_SCHEMA)
            return ImageStore(part, connection)
    except sqlite3.Error as error:
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
        with _closed_on_error(connection):
            _check_whole(path, connection)
            return ImageStore(path, connection)
    except UnicodeDecodeError:
        # SQLite wanted to say so, in words from the damaged file.
        raise NotAnImage(_DAMAGED.format(path)) from None
    except sqlite3.Error as error:
        raise _explain(path, error) from error


def _connect(path: Path) -> sqlite3.Connection:
    """A connection that holds the file for itself from now on."""
    connection = sqlite3.connect(
        f"{path.absolute().as_uri()}?mode=rw",
        uri=True,
        timeout=0,
        isolation_level=None,
        check_same_thread=False,
    )
    with _closed_on_error(connection):
        connection.execute("PRAGMA locking_mode = EXCLUSIVE")
        connection.execute("PRAGMA secure_delete = ON")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("BEGIN EXCLUSIVE")
        connection.execute("COMMIT")
    return connection


@contextmanager
def _closed_on_error(connection: sqlite3.Connection) -> Iterator[None]:
    try:
        yield
    except BaseException:
        connection.close()
        raise


def _check_header(path: Path) -> None:
    """Look at the first bytes before SQLite does: a foreign file is not even opened by it."""
    if path.is_fifo():
        raise NotAnImage(f"{path} is a pipe, not a token image")
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
        raise NotAnImage(_DAMAGED.format(path))


def _explain(path: Path, error: sqlite3.Error) -> ImageError:
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_CORRUPT) & 0xFF
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return ImageLocked(f"{path} is in use by another process: stop it, or use another token")
    if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_ERROR):
        return NotAnImage(_DAMAGED.format(path))
    return ImageError(f"{path} cannot be opened: {error}")
