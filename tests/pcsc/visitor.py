"""A program that starts a service with a token, runs a client in it, and tells what came of it.

`visitor.py [USER] COMMAND...`: it becomes this user first, a number, unless it is empty. It ends
when its input does. Run by test_places.py in places of all kinds.
"""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from pathlib import Path

from ushield.testing import ReaderFactory, TokenFactory


def become(user: int) -> None:
    """From root to somebody who has nothing."""
    os.setgroups([])
    os.setgid(user)
    os.setuid(user)


def mode(path: Path) -> str:
    return stat.filemode(path.stat().st_mode)


def main(user: str, *command: str) -> None:
    # What Python imports has to be read before: the user need not be able to.
    with TokenFactory(keys=["p256"]) as tokens, ReaderFactory(tokens) as readers:
        token = tokens()
        if user:
            become(int(user))
        reader = readers(token)
        socket = Path(reader.environment["PCSCLITE_CSOCK_NAME"])
        done = subprocess.run(
            command,
            env=reader.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=60,
            check=False,
        )
        report = {
            "user": os.getuid(),
            "socket": str(socket),
            "modes": [mode(socket), mode(socket.parent)],
            "serial": token.serial.hex()[-16:],
            "code": done.returncode,
            "text": done.stdout,
        }
        print(json.dumps(report), flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main(*sys.argv[1:])
