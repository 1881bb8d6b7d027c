"""Signatures by PKCS#11: OpenSC and our service against SoftHSM2, which needs no card at all."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from statistics import median

from bench.measure import Row
from bench.service import client_of_service, find, ratio_row, turn_about
from bench.worker import Worker

_PIN = "123456"
_TURNS, _COMMANDS = 61, 100
KINDS = {
    "rsa": ("RSA-2048", "RSA -pkeyopt rsa_keygen_bits:2048", 10),
    "ec": ("P-256", "EC -pkeyopt ec_paramgen_curve:P-256", 30),
}
"""By the name that the worker knows: the name, what makes it, and signatures in a turn."""


def rows() -> Iterator[Row]:
    """Both sides hold a key of each kind; they sign turn about."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        server = stack.enter_context(Worker("bench.served", "service", "token"))
        null = client_of_service(stack, "null")
        ours = {**find(server.hello), "XDG_CACHE_HOME": str(folder)}
        theirs = _make_softhsm_token(folder)
        for kind, (name, _, count) in KINDS.items():
            ours_signs = signer(stack, "opensc-pkcs11.so", kind, ours)
            other = signer(stack, "softhsm/libsofthsm2.so", kind, theirs)
            yield ratio_row(
                f"{name} signature by PKCS#11, OpenSC and our service",
                turn_about(ours_signs, other, count),
                "SoftHSM2 in process",
                1.0,
            )
            yield _parts(ours_signs, server, null, count)


def _parts(signer: Worker, server: Worker, null: Worker, count: int) -> Row:
    """Where the time of a signature goes: the chip, PC/SC, and the rest, which is OpenSC's."""
    rounds = [_look_into(signer, server, null, count) for _ in range(_TURNS)]
    whole, sent, chip, trip = (median(column) for column in zip(*rounds, strict=True))
    # A transaction is begun and ended, too.
    trips = sent + 2
    return Row(
        name="   where it goes",
        value=f"{whole * 1e6:,.1f} us",
        against=f"chip {chip * 1e6:.0f} us in {sent:.0f} commands, "
        f"PC/SC {trips * trip * 1e6:.0f} us in {trips:.0f} trips, "
        f"OpenSC {(whole - chip - trips * trip) * 1e6:.0f} us",
    )


def _look_into(
    signer: Worker, server: Worker, null: Worker, count: int
) -> tuple[float, float, float, float]:
    """Of one signature its seconds, its commands, the seconds in the chip; and those of a trip."""
    before = [float(number) for number in server.ask("work").split()]
    whole = signer.seconds(count)
    after = [float(number) for number in server.ask("work").split()]
    sent, chip = ((late - early) / count for early, late in zip(before, after, strict=True))
    return whole, sent, chip, null.seconds(_COMMANDS)


def signer(stack: ExitStack, module: str, kind: str, env: dict[str, str]) -> Worker:
    """A worker that signs with the key of this kind by this module."""
    found = next(Path("/usr/lib").glob(f"*/{module}"))
    return stack.enter_context(Worker("bench.cryptoki", str(found), kind, _PIN, env=env))


def _make_softhsm_token(folder: Path) -> dict[str, str]:
    """A token with a key of each kind; the environment in which it is found."""
    settings, tokens = folder / "softhsm2.conf", folder / "tokens"
    tokens.mkdir()
    settings.write_text(f"directories.tokendir = {tokens}\n")
    env = {"SOFTHSM2_CONF": str(settings)}
    _run(env, f"softhsm2-util --init-token --free --label bench --so-pin {_PIN} --pin {_PIN}")
    for kind, (_, options, _) in KINDS.items():
        key = folder / f"{kind}.pem"
        _run(env, f"openssl genpkey -quiet -algorithm {options} -out {key}")
        number = {"rsa": "01", "ec": "02"}[kind]
        _run(
            env,
            f"softhsm2-util --import {key} --token bench --label {kind} --id {number} --pin {_PIN}",
        )
    return env


def _run(env: dict[str, str], line: str) -> None:
    subprocess.run(line.split(), env=os.environ | env, check=True, stdout=subprocess.DEVNULL)
