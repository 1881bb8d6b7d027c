"""What `ushield run` is asked to do, read quickly.

The parser of the command line takes 80 ms to load, a third of what `ushield run` may take to start.
So its plain forms are read here, and whatever is not plain is left to that parser: a wrong option,
a call for help.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ushield.cli.kinds import KeyKind
from ushield.device.applets import Applets
from ushield.device.display.model import Style


@dataclass(slots=True)
class RunRequest:
    """A program and its arguments, the readers and tokens that it has, and where to trace it.

    `applet` and `generation` are those of a fresh token; None if nobody has asked for any.
    `display_script` has the rules that press the buttons of tokens of the second generation.
    """

    command: list[str] = field(default_factory=list)
    tokens: list[Path] = field(default_factory=list)
    keys: list[KeyKind] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    empty: bool = False
    applet: Applets | None = None
    trace: Path | None = None
    generation: int | None = None
    display_style: Style = Style.LCD
    display_script: Path | None = None


def read_plain_run(arguments: Sequence[str]) -> RunRequest | None:
    """What a command line asks `run` for; None when it is another command, or no plain form."""
    if arguments[:1] != ["run"]:
        return None
    request, rest = RunRequest(), list(arguments[1:])
    while rest and rest[0].startswith("-"):
        option, equals, value = rest.pop(0).partition("=")
        if option == "--" and not equals:
            break
        if option == "--empty" and not equals:
            request.empty = True
            continue
        if not equals:
            if not rest:
                return None
            value = rest.pop(0)
        if not _take(request, option, value):
            return None
    request.command = rest
    return request if rest else None


def _take(request: RunRequest, option: str, value: str) -> bool:
    """Note an option. Whether there is such a one, with such a value."""
    match option:
        case "--token":
            request.tokens.append(Path(value))
        case "--reader-name":
            request.names.append(value)
        case "--trace":
            request.trace = Path(value)
        case "--generation" if value in ("1", "2"):
            request.generation = int(value)
        case "--display-style" if value in list(Style):
            request.display_style = Style(value)
        case "--display-script":
            request.display_script = Path(value)
        case "--applet" if value in list(Applets):
            request.applet = Applets(value)
        case "--key" if value in list(KeyKind):
            request.keys.append(KeyKind(value))
        case _:
            return False
    return True
