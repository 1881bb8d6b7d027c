"""Bytes in and out: files, or standard input and output."""

from __future__ import annotations

import errno
import os
import sys
from pathlib import Path

from ushield.cli.complaint import Complaint

_DASH = Path("-")


def read(path: Path | None) -> bytes:
    """The content of a file; of standard input for None or "-"."""
    if path is not None and path != _DASH:
        return path.read_bytes()
    if sys.stdin is None:
        raise Complaint("standard input is closed: name a file")
    return sys.stdin.buffer.read()


def check_output(path: Path | None, token: Path | None, *, text: bool) -> None:
    """Refuse what `write` could not write, before a PIN is asked for or anybody presses a button.

    `text`: what will be written is text, as far as is known.
    """
    if path is None or path == _DASH:
        if not text:
            _require_no_terminal()
    elif token is not None and path.exists() and token.exists() and path.samefile(token):
        raise Complaint(f"{path} is the token itself: name another file with -o")
    elif (code := _obstacle(path)) is not None:
        raise OSError(code, os.strerror(code), str(path))


def _obstacle(path: Path) -> int | None:
    """Why nothing can be written there, as the system numbers it."""
    if path.is_dir():
        return errno.EISDIR
    if not path.exists() and not path.parent.is_dir():
        return errno.ENOENT
    writable = os.access(path if path.exists() else path.parent, os.W_OK)
    return None if writable else errno.EACCES


def write(path: Path | None, data: bytes) -> None:
    """Write a file, or standard output for None or "-"; a terminal gets text only."""
    if path is not None and path != _DASH:
        path.write_bytes(data)
        return
    if not _is_text(data):
        _require_no_terminal()
    if sys.stdout is None:
        raise Complaint("standard output is closed: name a file with -o")
    sys.stdout.buffer.write(data)
    sys.stdout.buffer.flush()


def _require_no_terminal() -> None:
    if sys.stdout is not None and sys.stdout.isatty():
        raise Complaint("this is no text for a terminal: name a file with -o, or use a pipe")


def _is_text(data: bytes) -> bool:
    try:
        lines = data.decode().split("\n")
    except UnicodeDecodeError:
        return False
    return all(line.isprintable() for line in lines)
