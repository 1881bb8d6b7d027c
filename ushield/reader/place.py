"""Where the service's sockets are: a private folder of its own, and nothing left of dead ones.

A folder belongs to a living service as long as the service holds the lock on its lock file. The
next start removes the folders of services that were killed.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import socket
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

LONGEST_ADDRESS = 107
"""Bytes in the address of a Unix socket."""

_PREFIX = "ushield-"
_UNFINISHED = ".new"
_OLD = 60.0
"""Seconds after which a folder that is still unfinished belongs to nobody."""
_SOCKET, _CONTROL, _LOCK = "pcscd.comm", "control", "lock"


class PlaceError(Exception):
    """There is no place for the sockets; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Place:
    """The paths of the two sockets."""

    socket: Path
    control: Path


@contextmanager
def place(wanted: Path | None) -> Iterator[Place]:
    """The place of one service, for as long as the context lasts.

    `wanted` is a path for the socket; the control socket is beside it, its name with ``.control``.
    Whoever listens there removes them: by then the path may be another service's. Without `wanted`
    everything is in a new folder, mode 0700.
    """
    if wanted is None:
        with _own_folder() as folder:
            yield Place(folder / _SOCKET, folder / _CONTROL)
        return
    _make_free(wanted)
    # Only now: a folder such as / has no name to put something behind.
    control = wanted.with_name(wanted.name + ".control")
    _make_free(control)
    yield Place(wanted, control)


@contextmanager
def _own_folder() -> Iterator[Path]:
    base = _base()
    _clean_up(base)
    unfinished = Path(tempfile.mkdtemp(prefix=_PREFIX, suffix=_UNFINISHED, dir=base))
    # Under this name nobody else looks at it, so it is never without its lock.
    lock = os.open(unfinished / _LOCK, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        folder = unfinished.with_name(unfinished.name.removesuffix(_UNFINISHED))
        unfinished.rename(folder)
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)
    finally:
        os.close(lock)


def _base() -> Path:
    """The first folder for temporary files that is writable, and short enough for an address."""
    reasons = []
    for candidate in _candidates():
        longest = candidate / f"{_PREFIX}12345678" / _SOCKET
        if not os.access(candidate, os.W_OK | os.X_OK):
            reasons.append(f"{candidate} is not writable")
        elif len(os.fsencode(longest)) > LONGEST_ADDRESS:
            reasons.append(f"{candidate} makes an address of over {LONGEST_ADDRESS} bytes")
        else:
            return candidate
    raise PlaceError(
        f"there is no place for the socket ({'; '.join(reasons)}): set TMPDIR, or use --socket"
    )


def _candidates() -> Iterator[Path]:
    # Where no folder at all is writable, Python finds none either.
    with suppress(FileNotFoundError):
        yield Path(tempfile.gettempdir())
    if runtime := os.environ.get("XDG_RUNTIME_DIR"):
        yield Path(runtime)
    yield Path("/tmp")  # noqa: S108


def _clean_up(base: Path) -> None:
    """Remove what services left here that were killed."""
    for lock_file in base.glob(f"{_PREFIX}*/{_LOCK}"):
        folder = lock_file.parent
        with suppress(OSError):
            if folder.stat().st_uid != os.geteuid() or folder.is_symlink():
                continue
            lock = os.open(lock_file, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                # A new one may not have its lock yet; an old one never got it.
                if folder.suffix != _UNFINISHED or time.time() - folder.stat().st_mtime > _OLD:
                    shutil.rmtree(folder, ignore_errors=True)
            finally:
                os.close(lock)


def _make_free(path: Path) -> None:
    """See that a socket can be made here; what a dead service left is removed."""
    if len(os.fsencode(path)) > LONGEST_ADDRESS:
        raise PlaceError(f"{path} is longer than {LONGEST_ADDRESS} bytes: choose a shorter path")
    if not path.parent.is_dir():
        raise PlaceError(f"{path.parent} is no folder: make it first")
    if not path.exists():
        if path.is_symlink():
            raise PlaceError(f"{path} is a link that leads nowhere: choose another path")
        return
    if not path.is_socket():
        raise PlaceError(f"{path} exists and is no socket: choose another path")
    with socket.socket(socket.AF_UNIX) as probe:
        # A program that is too busy to take the call lives all the same.
        probe.setblocking(False)
        try:
            probe.connect(os.fspath(path))
        except FileNotFoundError:
            return
        except ConnectionRefusedError:
            path.unlink(missing_ok=True)
            return
        except OSError:
            raise PlaceError(f"{path} is in use by another program: choose another path") from None
    raise PlaceError(f"{path} is in use by another service: choose another path")
