"""A client in a process of its own, seen from outside."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.pcsc.differential.words import Result

PROGRAM = Path(__file__).with_name("client.py")
AT_MOST_SECONDS = 10.0
"""A call that has no reason to wait, or none any longer, has returned by then."""


class Client:
    """The program `client.py`, running."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._process = subprocess.Popen(
            # Isolated: it starts in a third of the time.
            [sys.executable, "-I", "-S", "-W", "ignore", str(PROGRAM)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=environment,
            text=True,
        )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._to, self._from = self._process.stdin, self._process.stdout
        self._results: dict[int, Result] = {}
        self._arrival = threading.Condition()
        self._gone = False
        self._asked = 0
        self._listener = threading.Thread(target=self._listen, name="listener", daemon=True)
        self._listener.start()

    def ask(self, do: str, arguments: dict[str, Any]) -> int:
        """Make a call; its number."""
        self._asked += 1
        request = {"number": self._asked, "do": do, "arguments": arguments}
        print(json.dumps(request), file=self._to, flush=True)
        return self._asked

    def result(self, number: int, seconds: float) -> Result | None:
        """What the call gave, None if it has not returned in that time."""
        with self._arrival:
            self._arrival.wait_for(lambda: number in self._results or self._gone, seconds)
            return self._results.pop(number, None)

    def kill(self) -> None:
        """End it at once, by SIGKILL."""
        self._process.kill()
        self._wait()

    def exit(self) -> None:
        """Let it end, with everything left open."""
        self._to.close()
        self._wait()

    def _wait(self) -> None:
        self._process.wait(AT_MOST_SECONDS)
        self._listener.join()
        self._to.close()
        self._from.close()

    def _listen(self) -> None:
        for line in self._from:
            result = json.loads(line)
            with self._arrival:
                self._results[result.pop("number")] = result
                self._arrival.notify_all()
        with self._arrival:
            self._gone = True
            self._arrival.notify_all()
