"""Command lines as a person types them, and what they printed when one goes wrong."""

from __future__ import annotations

import os
import select
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tests.clients.cards import PIN, PUK
from tests.clients.system import launcher

ROOT = Path(__file__).parents[2]
_PATIENCE_SECONDS = 120


class Tool:
    """Runs command lines in a folder. A failure shows all that was run so far."""

    def __init__(self, folder: Path, variables: Mapping[str, str]) -> None:
        self.folder = folder
        # A cache of its own: newer OpenSC takes two cards of one serial number for the same one.
        self._start = launcher(folder, {**variables, "XDG_CACHE_HOME": str(folder / "cache")})
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

    def answer(self, line: str, question: str, text: str) -> None:
        """Run it at a terminal, and type a text when it asks. AssertionError as for `run`."""
        keyboard, terminal = os.openpty()
        command = ["setsid", "--ctty", "--wait", *self._start, *shlex.split(line)]
        with subprocess.Popen(command, stdin=terminal, stdout=terminal, stderr=terminal) as process:
            os.close(terminal)
            said = b""
            while piece := _read_terminal(keyboard):
                said += piece
                if question.encode() in said and text:
                    os.write(keyboard, text.encode() + b"\n")
                    text = ""
            os.close(keyboard)
            code = process.wait(60)
        self._note(line, code, said.decode(errors="replace"))
        assert code == 0, self._story(f"ended with {code}")

    @contextmanager
    def running(self, line: str) -> Iterator[Lines]:
        """Run it meanwhile, and read what it prints. It is ended with the context."""
        with subprocess.Popen(
            [*self._start, *shlex.split(line)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            bufsize=0,
        ) as process:
            try:
                yield Lines(process)
            finally:
                process.kill()

    def write(self, name: str, data: bytes) -> None:
        """A file in the folder."""
        (self.folder / name).write_bytes(data)

    def read(self, name: str) -> bytes:
        """What a command line left in the folder."""
        return (self.folder / name).read_bytes()

    def _call(self, line: str) -> tuple[int, str]:
        with subprocess.Popen(
            [*self._start, *shlex.split(line)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        ) as process:
            try:
                output, _ = process.communicate(timeout=_PATIENCE_SECONDS)
            except BaseException:
                # Also what it has started itself, and is stuck in.
                os.killpg(process.pid, signal.SIGKILL)
                raise
        text = output.decode(errors="replace")
        self._note(line, process.returncode, text)
        return process.returncode, text

    def _note(self, line: str, code: int, text: str) -> None:
        self._transcript.append(f"$ {line}\n{text}[{code}]")

    def _story(self, end: str) -> str:
        return "\n".join([*self._transcript, f"The last command {end}."])


def _read_terminal(keyboard: int) -> bytes:
    """What was printed to a terminal; nothing when nobody is there any longer."""
    ready, _, _ = select.select([keyboard], [], [], 60)
    try:
        return os.read(keyboard, 1024) if ready else b""
    except OSError:
        return b""


class Lines:
    """The lines that a running program prints."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        assert process.stdout is not None
        self._output = process.stdout

    def next(self, seconds: float = 10) -> str:
        """The next one, as soon as it is there; empty when there is none in this time."""
        ready, _, _ = select.select([self._output], [], [], seconds)
        return self._output.readline().decode().rstrip("\n") if ready else ""


def ushield(folder: Path, line: str) -> list[str]:
    """The command line of our own program, which is of this system always."""
    secrets = {"USHIELD_PIN": PIN, "USHIELD_PUK": PUK, "PYTHONPATH": str(ROOT)}
    variables = [f"{name}={text}" for name, text in secrets.items()]
    return [
        "env",
        "-C",
        str(folder),
        *variables,
        sys.executable,
        "-m",
        "ushield",
        *shlex.split(line),
    ]
