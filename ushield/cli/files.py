"""Bytes in and out: files, or standard input and output."""

from __future__ import annotations

import sys
from pathlib import Path

from ushield.cli.complaint import Complaint

_DASH = Path("-")


def read(path: Path | None) -> bytes:
    """The content of a file; of standard input for None or "-"."""
    if path is None or path == _DASH:
        return sys.stdin.buffer.read()
    return path.read_bytes()


def write(path: Path | None, data: bytes) -> None:
    """Write a file, or standard output for None or "-"; a terminal gets text only."""
    if path is not None and path != _DASH:
        path.write_bytes(data)
        return
    if sys.stdout.isatty() and not _is_text(data):
        raise Complaint("this is no text for a terminal: name a file with -o, or use a pipe")
    sys.stdout.buffer.write(data)
    sys.stdout.buffer.flush()


def _is_text(data: bytes) -> bool:
    try:
        lines = data.decode().split("\n")
    except UnicodeDecodeError:
        return False
    return all(line.isprintable() for line in lines)
