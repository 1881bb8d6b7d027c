"""Power cuts on a token image: a process that drives the chip is killed at any instant.

What it was told by the chip has to be true afterwards; what it was still waiting for may have
happened or not, but never in part, and no guess of a PIN was free.
"""

from __future__ import annotations

import os
import pickle
import random
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, utils

from tests.chip.cards import Chip
from tests.device.at_work import DIGEST, PINS, TRIES, Life, State, after, look, prepare, sign
from ushield.device.image import new_image, open_image

LONGEST = 0.04
"""Seconds until the cut: from before the image is open to some dozens of commands later."""


@pytest.mark.parametrize("cuts", [30, pytest.param(3000, marks=pytest.mark.torture)])
def test_a_cut_at_any_instant(tmp_path: Path, cut: Callable[[Life], list[str]], cuts: int) -> None:
    """So many cuts, and on a busy machine as many more as it takes to come late often enough."""
    image = tmp_path / "token"
    with new_image(image) as store:
        state = prepare(store)
    seed = random.randrange(2**32)
    chance, acts, number = random.Random(seed), 0, 0
    while number < cuts or acts < 2 * cuts:
        told = cut(Life(image, state, seed + number, chance.uniform(0, LONGEST)))
        acts, number = acts + len(told), number + 1
        state = _check(image, *_possible(state, told), f"seed {seed}, cut {number}: {told[-3:]}")
    assert os.listdir(tmp_path) == ["token"], "a journal is used up when the image is opened"


@pytest.fixture
def cut() -> Iterator[Callable[[Life], list[str]]]:
    """Let a process live until it is killed; what it told."""
    program = [sys.executable, "-m", "tests.device.at_work"]
    with subprocess.Popen(
        program, cwd=Path(__file__).parents[2], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as killer:
        assert killer.stdin is not None and killer.stdout is not None
        ask, answer = killer.stdin, killer.stdout

        def cut(life: Life) -> list[str]:
            pickle.dump(life, ask)
            ask.flush()
            told: list[str] = pickle.load(answer)
            assert not any(line.startswith("!") for line in told), "\n".join(told)
            return told

        yield cut
        ask.close()


def _possible(state: State, told: list[str]) -> tuple[list[State], bool]:
    """What the token may be now, and whether its key may be a new one that nobody has seen."""
    for begun, ended in zip(told[::2], told[1::2], strict=False):
        act, value = begun.split()
        state = after(state, act, int(value), bytes.fromhex(ended[2:]))
    if len(told) % 2 == 0:
        return [state], False
    act, value = told[-1].split()
    match act:
        case "wrong":
            others = [replace(state, left=state.left - 1)]
        case "right" | "change":
            others = [replace(state, left=state.left - 1), after(state, act, 0, b"")]
        case "update":
            others = [after(state, act, int(value), b"")]
        case _:
            others = []
    return [state, *others], act == "generate"


def _check(image: Path, possible: list[State], new_key: bool, what: str) -> State:
    """The token is one of these, with the PIN of that one, and its key signs."""
    store = open_image(image)
    chip = Chip(store)
    found = look(chip, pin=-1)
    if new_key:
        possible = [replace(state, point=found.point) for state in possible]
    same = [state for state in possible if replace(state, pin=-1) == found]
    assert same, f"{what}\nfound {found}\nwanted one of {possible}"
    right = next((state for state in same if _opens(chip, state.pin)), None)
    assert right, f"{what}\nno PIN of {same} opens it"
    _verify_signature(found.point, sign(chip))
    store.close()
    return replace(right, left=TRIES)


def _opens(chip: Chip, pin: int) -> bool:
    return chip.sw("00 20 00 01 [ {block} ]", block=PINS[pin]) == "9000"


def _verify_signature(point: bytes, signature: bytes) -> None:
    public = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), point)
    public.verify(signature, DIGEST, ec.ECDSA(utils.Prehashed(hashes.SHA256())))
