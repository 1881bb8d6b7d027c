"""The whole conformance run, as a user starts it: in memory, and through our own service."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from time import perf_counter

from bench.measure import Row, at_most

_RUNS = 3
_PROGRAM = (sys.executable, "-m", "ushield")
_PINS = {"USHIELD_PIN": "135790", "USHIELD_PUK": "97531864", "USHIELD_SO_PIN": "11223344"}
_KEYS = ("--key", "rsa2048:sign", "--key", "rsa2048:decipher", "--key", "p256")


def rows() -> Iterator[Row]:
    """Each is a whole process, with all dialogues that the card can be judged by."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        judge = (*_PROGRAM, "conformance", "--destructive", "--json", str(report))
        seconds = median(_seconds(judge) for _ in range(_RUNS))
        yield at_most(f"conformance in memory, {_held(report)} dialogues", seconds, "s", 10)
        image = Path(folder) / "bench.token"
        serve = (*_PROGRAM, "run", "--token", str(image), "--")
        took = []
        for _ in range(_RUNS):
            # A run uses the token up.
            _seconds((*_PROGRAM, "init", str(image), *_KEYS, "--force"))
            took.append(_seconds((*serve, *judge, "--reader", "ushield")))
        name = f"`ushield run` and conformance in its reader, {_held(report)} dialogues"
        yield at_most(name, median(took), "s", 10)


def _seconds(command: tuple[str, ...]) -> float:
    begin = perf_counter()
    subprocess.run(command, env=os.environ | _PINS, check=True, stdout=subprocess.DEVNULL)
    return perf_counter() - begin


def _held(report: Path) -> int:
    """How many dialogues the card was judged by."""
    counts: dict[str, int] = json.loads(report.read_text())["counts"]
    return sum(counts.values()) - counts["skipped"]
