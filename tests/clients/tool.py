"""Command lines as a person types them, and what they printed when one goes wrong."""

from __future__ import annotations

import shlex
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parents[2]


class Tool:
    """Runs command lines in a folder. A failure shows all that was run so far."""

    def __init__(self, folder: Path, env: Mapping[str, str]) -> None:
        self.folder = folder
        # A cache of its own: newer OpenSC takes two cards of one serial number for the same one.
        self._env = {**env, "XDG_CACHE_HOME": str(folder / "cache"), "PYTHONPATH": str(ROOT)}
        self._transcript: list[str] = []

    def run(self, line: str) -> str:
        """What it printed. AssertionError with the transcript unless it ends with 0."""
        code, text = self._call(line)
        assert code == 0, self._story(f"ended with {code}")
        return text

    def fail(self, line: str) -> str:
        """What it printed. AssertionError with the transcript if it ends with 0."""
        code, text = self._call(line)
        assert code != 0, self._story("ended well and should not have")
        return text

    def see(self, line: str, *expected: str) -> None:
        """Run it and find each text in what it printed."""
        text = self.run(line)
        for part in expected:
            assert part in text, self._story(f"did not print: {part}")

    @contextmanager
    def background(self, line: str) -> Iterator[None]:
        """Run it meanwhile; it must end well when it is told to."""
        command = shlex.split(line)
        with subprocess.Popen(
            command, cwd=self.folder, env=self._env, stdout=subprocess.PIPE
        ) as running:
            try:
                yield
            finally:
                running.terminate()
            assert running.wait(10) == 0

    def write(self, name: str, data: bytes) -> None:
        """A file in the folder."""
        (self.folder / name).write_bytes(data)

    def read(self, name: str) -> bytes:
        """What a command line left in the folder."""
        return (self.folder / name).read_bytes()

    def _call(self, line: str) -> tuple[int, str]:
        done = subprocess.run(
            shlex.split(line),
            cwd=self.folder,
            env=self._env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=120,
            check=False,
        )
        text = done.stdout.decode(errors="replace")
        self._transcript.append(f"$ {line}\n{text}[{done.returncode}]")
        return done.returncode, text

    def _story(self, end: str) -> str:
        return "\n".join([*self._transcript, f"The last command {end}."])
