"""The system whose client programs are tried: this one, or another one in a folder.

USHIELD_CLIENTS_ROOT names the folder, as `make test-debian13` sets it. Programs there are run by
chroot, which needs root. All they use is under that folder: the service's socket too.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(os.environ["USHIELD_CLIENTS_ROOT"]) if "USHIELD_CLIENTS_ROOT" in os.environ else None
"""The folder of another system; None for this one."""

PYTHON = "/usr/bin/python3" if ROOT else sys.executable
"""A Python with pyscard."""

_BARE = {"PATH": "/usr/bin:/bin", "HOME": "/root"}


@contextmanager
def work_folder() -> Iterator[Path]:
    """A folder that programs of the system can reach. Its path is short: sockets may be in it."""
    with tempfile.TemporaryDirectory(prefix="clients-", dir=ROOT and ROOT / "tmp") as name:
        yield Path(name)


def inside(path: Path | str) -> str:
    """A path as programs of the system have to write it."""
    return str(path) if ROOT is None else str(path).removeprefix(str(ROOT))


def launcher(folder: Path, variables: Mapping[str, str]) -> list[str]:
    """The beginning of a command line: where the rest of it runs, and in which environment."""
    language = {"LC_ALL": "C.UTF-8"}
    if ROOT is None:
        start = ["env", "-C", str(folder)]
    else:
        start = ["chroot", str(ROOT), "env", "-i", "-C", inside(folder)]
        language |= _BARE
    return start + [f"{name}={inside(text)}" for name, text in {**language, **variables}.items()]


def pkcs11_module() -> str:
    """The path of OpenSC's PKCS#11 library."""
    found = next((ROOT or Path("/")).glob("usr/lib/*/opensc-pkcs11.so"), None)
    assert found is not None, "opensc-pkcs11 is not installed"
    return inside(found)
