"""Where PINs come from: a file, the environment, or a prompt that does not show them."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass, field
from getpass import getpass
from pathlib import Path

from ushield.cli.complaint import Complaint

_NAMES = {
    "USHIELD_PIN": "PIN",
    "USHIELD_PUK": "PUK",
    "USHIELD_NEW_PIN": "new PIN",
    "USHIELD_SO_PIN": "SO PIN",
}
_LINES = tuple(_NAMES)
"""A PIN file holds a value a line, in this order; a line may be empty."""


@dataclass(frozen=True, slots=True)
class Secrets:
    """The values of one command, looked for in the file, the environment, and at the prompt."""

    file: dict[str, str] = field(default_factory=dict, repr=False)

    @classmethod
    def of(cls, pin_file: Path | None) -> Secrets:
        """Read the PIN file, if one was named."""
        if pin_file is None:
            return cls()
        try:
            # Some editors begin UTF-8 with a mark.
            lines = pin_file.read_text(encoding="utf-8-sig").splitlines()
        except UnicodeDecodeError:
            raise Complaint(
                f"{pin_file} is no text: it should hold the PIN in its first line"
            ) from None
        return cls({name: line for name, line in zip(_LINES, lines, strict=False) if line})

    def known(self, name: str) -> str | None:
        """The value of this name if the file or the environment has it."""
        return self.file.get(name) or os.environ.get(name) or None

    def get(self, name: str) -> str:
        """The value of this name; asked for when nothing else has it and somebody is there."""
        return self.known(name) or _ask(name)

    def choose(self, name: str) -> str:
        """As `get`, for a value that is being set: the prompt asks twice."""
        value = self.known(name)
        if value is None:
            value = _ask(name)
            if _ask(name, again=True) != value:
                raise Complaint(
                    f"the two entries of the {_NAMES[name]} differ: nothing was changed"
                )
        return value


def _ask(name: str, *, again: bool = False) -> str:
    if not _somebody_is_there():
        raise Complaint(f"no {_NAMES[name]}: set {name}, or name a file with --pin-file")
    prompt = f"{_NAMES[name]}{' again' if again else ''}: "
    try:
        value = getpass(prompt)
    except EOFError:
        value = ""
    except UnicodeError:
        # Its own message shows a byte of what was typed.
        raise Complaint(f"the {_NAMES[name]} is not text as this terminal writes it") from None
    if not value:
        raise Complaint(f"no {_NAMES[name]} was given")
    return value


def _somebody_is_there() -> bool:
    """Whether there is a terminal; standard input may be a pipe all the same."""
    if sys.stdin.isatty():
        return True
    try:
        os.close(os.open(os.ctermid(), os.O_RDWR | os.O_NOCTTY))
    except OSError:
        return False
    return True
