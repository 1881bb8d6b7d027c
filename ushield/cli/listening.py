"""``--trace FILE``: what all commands that speak with a card do about it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from host.trace.file import TraceFile


@contextmanager
def listening(path: Path | None) -> Iterator[TraceFile | None]:
    """The trace file while the context lasts, None without a path.

    A trace that could not be written to its end is no reason to fail: a line on standard error
    says so.
    """
    if path is None:
        yield None
        return
    from importlib.metadata import version

    from host.trace.file import TraceFile

    with TraceFile(path, by=f"ushield {version('ushield')}") as file:
        yield file
    if file.fault:
        sys.stderr.write(f"ushield: {file.fault}\n")
