"""A process that works for the benchmark: asked by a line on its input, it answers by a line.

What is measured and what measures it do not share an interpreter, so they do not wait for each
other's lock.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

_ROOT = Path(__file__).parent.parent


class Worker:
    """The caller's side: `python -m MODULE ARGUMENTS...`, ended by the end of its input.

    `hello` is the first line it prints, which says that it is ready.
    """

    def __init__(self, module: str, *arguments: str, env: Mapping[str, str] | None = None) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", module, *arguments],
            cwd=_ROOT,
            env={**os.environ, **(env or {})},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            bufsize=1,
        )
        self.hello = self.read()

    @property
    def pid(self) -> int:
        """The number of the process."""
        return self._process.pid

    def write(self, line: str) -> None:
        """Ask for something without waiting for the answer."""
        assert self._process.stdin is not None
        self._process.stdin.write(line + "\n")

    def read(self) -> str:
        """The next answer."""
        assert self._process.stdout is not None
        if not (line := self._process.stdout.readline()):
            raise RuntimeError(f"{self._process.args!r} ended")
        return line.rstrip("\n")

    def ask(self, line: str) -> str:
        """Ask, and wait for the answer."""
        self.write(line)
        return self.read()

    def seconds(self, count: int) -> float:
        """The time of one action, over `count` in a row."""
        return float(self.ask(str(count))) / count

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._process.communicate()


def answer_lines(hello: str, answer: Callable[[str], object]) -> None:
    """The worker's side: say hello, then answer every line until there are no more."""
    print(hello, flush=True)
    for line in sys.stdin:
        print(answer(line.rstrip("\n")), flush=True)
