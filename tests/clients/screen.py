"""A screen that nobody sees (Xvfb), with fingers for it (xdotool), and pictures of it."""

from __future__ import annotations

import os
import re
import shlex
import struct
import subprocess
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tests.clients.system import launcher
from tests.pcscd import eventually

WIDTH, HEIGHT = 800, 500
_PATIENCE_SECONDS = 60
_HEADER = struct.Struct(">25I")


class Screen:
    """It has no window manager: who types says into which window."""

    def __init__(self, folder: Path, number: str) -> None:
        self.variables = {"DISPLAY": f":{number}"}
        """What programs need in their environment to be seen on it."""
        self._start = launcher(folder, self.variables)
        self._memory = folder / "Xvfb_screen0"
        self._shown: subprocess.Popen[bytes] | None = None

    def shows(self, process: subprocess.Popen[bytes]) -> None:
        """Windows are this program's: who waits for one does not when the program has ended."""
        self._shown = process

    def wait_for(self, title: str) -> None:
        """Until there is a window with this title."""
        self._wait_for(title)

    def type(self, title: str, text: str) -> None:
        """Into the window with this title, as soon as it is there, and Return at the end."""
        self._wait_for(title, "windowfocus", "--sync")
        assert self._do("type", text)
        assert self._do("key", "Return")

    def colour(self, x: int, y: int) -> str:
        """What is to be seen at a place, as HTML writes colours."""
        return f"#{self._pixels()[y][3 * x : 3 * x + 3].hex()}"

    def picture(self) -> bytes:
        """All of it, as PNG (ISO 15948)."""
        rows = b"".join(b"\x00" + row for row in self._pixels())
        head = struct.pack(">IIBBBBB", WIDTH, HEIGHT, 8, 2, 0, 0, 0)
        parts = [(b"IHDR", head), (b"IDAT", zlib.compress(rows, 9)), (b"IEND", b"")]
        return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(name, data) for name, data in parts)

    def _wait_for(self, title: str, *action: str) -> None:
        search = ("search", "--name", f"^{re.escape(title)}$", *action)
        what = f"a window {title!r}"
        eventually(lambda: self._over() or self._do(*search), what, _PATIENCE_SECONDS)
        assert not self._over(), f"the program has ended, and there is no {what}"

    def _over(self) -> bool:
        return self._shown is not None and self._shown.poll() is not None

    def _do(self, *action: str) -> bool:
        """Whether it was done. A search also fails when a window goes while it looks."""
        command = [*self._start, "timeout", str(_PATIENCE_SECONDS), "xdotool", *action]
        return subprocess.run(command, capture_output=True, check=False).returncode == 0

    def _pixels(self) -> list[bytes]:
        """Rows of red, green, blue. Xvfb keeps them in a file, as `xwd` writes one."""
        data = self._memory.read_bytes()
        header = _HEADER.unpack_from(data)
        begin, row_size, colours = header[0], header[12], header[19]
        begin += 12 * colours
        rows = [data[begin + y * row_size :][:row_size] for y in range(HEIGHT)]
        return [_red_green_blue(row[: 4 * WIDTH]) for row in rows]


def _red_green_blue(row: bytes) -> bytes:
    """From four bytes a pixel: blue, green, red, nothing."""
    found = bytearray(3 * WIDTH)
    for place in range(3):
        found[place::3] = row[2 - place :: 4]
    return bytes(found)


def _chunk(name: bytes, data: bytes) -> bytes:
    check = zlib.crc32(name + data)
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", check)


@contextmanager
def open_screen(folder: Path) -> Iterator[Screen]:
    """A screen that is there until the end of the context."""
    # A number that it chooses by itself may be another's who starts at the same moment.
    # It would begin anew whenever its last client goes, which a look for a window may be, and lose
    # the browser that is about to come.
    options = f":{os.getpid()} -noreset -displayfd 1 -nolisten tcp"
    options += f" -screen 0 {WIDTH}x{HEIGHT}x24 -fbdir ."
    with started(folder, {}, f"Xvfb {options}") as process:
        assert process.stdout is not None
        yield Screen(folder, process.stdout.readline().decode().strip())


@contextmanager
def started(
    folder: Path, variables: Mapping[str, str], line: str
) -> Iterator[subprocess.Popen[bytes]]:
    """A program that is asked to end with the context, and whose input ends then."""
    with subprocess.Popen(
        [*launcher(folder, variables), *shlex.split(line)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    ) as process:
        try:
            yield process
        finally:
            assert process.stdin is not None
            process.stdin.close()
            process.terminate()
