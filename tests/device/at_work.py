"""A chip at work on a token image, in a process that tells what it does until it is killed.

Before each command a line says what is going to be done, after it what came of it. So whoever
reads knows what must be lasting after a cut, and what may or may not be.

As a program this is who kills: it forks such a process for each line of its input. (A process with
threads, as that of the tests may be, should not fork itself.)
"""

from __future__ import annotations

import os
import pickle
import random
import signal
import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from applet.os.store import MemoryStore
from tests.chip.cards import EC, Chip
from ushield.device.image import open_image

PINS = (b"135791\xff\xff", b"24681357")
WRONG = b"000000\xff\xff"
FILES = ("4F01", "4F02")
SIZE = 3000
"""Bytes of each file: more than a page of the image holds."""
TRIES = 6
DIGEST = bytes(range(32))


@dataclass(frozen=True)
class State:
    """A token: tries left, which of the PINs it has, the byte that fills each file, its key."""

    left: int
    pin: int
    files: tuple[int, ...]
    point: bytes


def prepare(store: MemoryStore) -> State:
    """A token in use, with two files and a P-256 key."""
    chip = Chip(store)
    chip.ok("00 DA 01 E0 [ 0000 113FFF 111FFF ]")
    chip.ok("00 DA 01 01 [ {pin} {puk} 06 0A 00 ]", pin=PINS[0])
    for fid in FILES:
        chip.ok("00 A4 08 0C [ 5015 ]")
        rules = f"80 ( {SIZE:04X} ) 82 ( 01 ) 83 ( {fid} ) 86 ( 0111FF )"
        chip.ok(f"00 E0 00 00 [ 62 ( {rules} ) ]")
    chip.ok("00 A4 08 0C [ 5015 ]")
    chip.ok(f"00 E0 00 00 [ 62 ( 81 ( 0100 ) 82 ( 22 ) 83 ( {EC} ) 86 ( 1111FF ) ) ]")
    chip.ok(f"00 A4 08 0C [ 5015 {EC} ]")
    chip.ok("00 46 00 00")
    chip.ok("00 44 00 00")
    return look(chip, pin=0)


def look(chip: Chip, *, pin: int) -> State:
    """What the token says of itself, which is never its PIN. A file must be one byte all through.

    Key files come last: they stay selected.
    """
    contents = []
    for fid in FILES:
        chip.ok(f"00 A4 08 0C [ 5015 {fid} ]")
        content = chip.ok(f"00 B0 00 00 00 {SIZE:04X}")
        assert len(content) == SIZE
        assert len(set(content)) == 1, f"file {fid} is between old and new"
        contents.append(content[0])
    chip.ok(f"00 A4 08 0C [ 5015 {EC} ]")
    left = chip.ok("00 CA 01 B3 00")[1]
    return State(left, pin, tuple(contents), chip.ok("00 CA 01 86 00")[2:])


def sign(chip: Chip) -> bytes:
    """A signature over `DIGEST`; the PIN has to be verified."""
    chip.environment("41 B6", "04", EC)
    return chip.ok("00 2A 9E 9A [ {digest} ] 00", digest=DIGEST)


# Each act: carry it out; what came of it, as bytes. `value` is a new byte for a file.


def _wrong(chip: Chip, _state: State, _value: int) -> bytes:
    _, sw = chip.send("00 20 00 01 [ {block} ]", block=WRONG)
    assert sw >> 4 == 0x63C
    return bytes((sw & 0x0F,))


def _right(chip: Chip, state: State, _value: int) -> bytes:
    return chip.ok("00 20 00 01 [ {block} ]", block=PINS[state.pin])


def _change(chip: Chip, state: State, _value: int) -> bytes:
    old, new = PINS[state.pin], PINS[1 - state.pin]
    return chip.ok("00 24 00 01 [ {old} {new} ]", old=old, new=new)


def _update(chip: Chip, _state: State, value: int) -> bytes:
    chip.ok(f"00 A4 08 0C [ 5015 {FILES[value % len(FILES)]} ]")
    return chip.ok("00 D6 00 00 [ {content} ]", content=bytes((value,)) * SIZE)


def _generate(chip: Chip, _state: State, _value: int) -> bytes:
    chip.ok(f"00 A4 08 0C [ 5015 {EC} ]")
    chip.ok("00 46 00 00")
    return chip.ok("00 CA 01 86 00")[2:]


def _sign(chip: Chip, _state: State, _value: int) -> bytes:
    return sign(chip)


_ACTS: dict[str, Callable[[Chip, State, int], bytes]] = {
    "wrong": _wrong,
    "right": _right,
    "change": _change,
    "update": _update,
    "generate": _generate,
    "sign": _sign,
}


def after(state: State, act: str, value: int, came: bytes) -> State:
    """The state that is lasting once an act has been answered."""
    match act:
        case "wrong":
            return replace(state, left=came[0])
        case "right":
            return replace(state, left=TRIES)
        case "change":
            return replace(state, left=TRIES, pin=1 - state.pin)
        case "update":
            place = value % len(FILES)
            files = (*state.files[:place], value, *state.files[place + 1 :])
            return replace(state, files=files)
        case "generate":
            return replace(state, point=came)
        case _:
            return state


@dataclass(frozen=True)
class Life:
    """What a process is born to: a token, random acts from a seed, seconds until it is killed."""

    image: Path
    state: State
    seed: int
    seconds: float


def live(life: Life) -> list[str]:
    """Let a process work until it is killed; the lines that it wrote."""
    listen, say = os.pipe()
    child = os.fork()
    if not child:
        os.close(listen)
        _work(life, say)
    os.close(say)
    time.sleep(life.seconds)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    with os.fdopen(listen) as lines:
        return lines.read().splitlines()


def _work(life: Life, say: int) -> None:
    """One random act after another, each told. Never returns."""
    state, chance, verified = life.state, random.Random(life.seed), False
    try:
        chip = Chip(open_image(life.image))
        while True:
            act, value = chance.choice(list(_ACTS)), chance.randrange(256)
            if act == "wrong" and state.left <= 2:
                act = "right"
            if not verified and act in ("update", "generate", "sign"):
                act = "right"
            os.write(say, f"{act} {value}\n".encode())
            came = _ACTS[act](chip, state, value)
            os.write(say, f"= {came.hex()}\n".encode())
            state = after(state, act, value, came)
            verified = act != "wrong" and (verified or act in ("right", "change"))
    except BaseException:  # noqa: BLE001 it is told, whatever it is
        os.write(say, f"! {traceback.format_exc()}".encode())
    finally:
        os._exit(1)


def main() -> None:
    """Read lives, write what was told in each."""
    while True:
        try:
            life = pickle.load(sys.stdin.buffer)
        except EOFError:
            return
        pickle.dump(live(life), sys.stdout.buffer)
        sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
