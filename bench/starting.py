"""How long it takes until something is there: the package, the command line, a card in a reader."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from time import perf_counter, sleep

from bench.measure import Row, at_most
from tests.pcscd import Pcscd

_RUNS = 7
_PROGRAM = (sys.executable, "-m", "ushield")


def rows(pcscd: Pcscd) -> Iterator[Row]:
    """Importing, and `ushield serve` until pcscd shows the card."""
    yield at_most(
        'python -c "import ushield", whole process',
        median(_seconds((sys.executable, "-c", "import ushield")) for _ in range(_RUNS)),
        "s",
        0.15,
    )
    yield at_most(
        'python -c "", whole process',
        median(_seconds((sys.executable, "-c", "")) for _ in range(_RUNS)),
        "s",
        0.15,
    )
    with tempfile.TemporaryDirectory() as folder:
        image = Path(folder) / "bench.token"
        secrets = {"USHIELD_PIN": "123456", "USHIELD_PUK": "12345678"}
        subprocess.run(
            [*_PROGRAM, "init", str(image), "--key", "p256"],
            env=os.environ | secrets,
            check=True,
            stdout=subprocess.DEVNULL,
        )
        seconds = median(_until_present(image, pcscd) for _ in range(_RUNS))
    yield at_most("`ushield serve` until the card is present in pcscd", seconds, "s", 0.7)


def _seconds(command: tuple[str, ...]) -> float:
    begin = perf_counter()
    subprocess.run(command, check=True)
    return perf_counter() - begin


def _until_present(image: Path, pcscd: Pcscd) -> float:
    begin = perf_counter()
    command = [*_PROGRAM, "serve", str(image), "--vpcd", f"127.0.0.1:{pcscd.port}"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as server:
        while not pcscd.reader().present:
            sleep(0.002)
        seconds = perf_counter() - begin
        server.terminate()
    while pcscd.reader().present:
        sleep(0.002)
    return seconds
