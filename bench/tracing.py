"""What it costs when a dialogue is written to a file: turn about with the same that is not."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

from bench.measure import Row
from bench.pkcs11 import KINDS, signer
from bench.service import client_of_service, find, ratio_row, turn_about
from bench.worker import Worker

_COMMANDS = 300


def rows() -> Iterator[Row]:
    """What a user waits for, and, as the worst case, the shortest command of the fastest client."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        places = {}
        for kind in ("traced-token", "token"):
            server = stack.enter_context(Worker("bench.served", "service", kind))
            places[kind] = {**find(server.hello), "XDG_CACHE_HOME": str(folder / kind)}
        for kind, (name, _, count) in KINDS.items():
            traced, plain = (
                signer(stack, "opensc-pkcs11.so", kind, place) for place in places.values()
            )
            pairs = turn_about(traced, plain, count)
            yield ratio_row(f"{name} signature by PKCS#11, traced", pairs, "without trace", 0.9)
        traced, plain = (client_of_service(stack, kind) for kind in ("traced-chip", "chip"))
        pairs = turn_about(traced, plain, _COMMANDS)
        yield ratio_row("GET CHALLENGE through libpcsclite, traced", pairs, "without trace", None)
