"""Where people see the displays of the keys that are served, and press their buttons."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable
from importlib.util import find_spec
from typing import TYPE_CHECKING

from ushield.cli.complaint import Complaint
from ushield.cli.kinds import Face

if TYPE_CHECKING:
    from ushield.cli.desk import Work

Show = Callable[["Work", "set[signal.Signals]", Callable[[str], None]], None]
"""Shows the displays of what is at work until one of these signals comes; told what to say."""

_NEEDS = {Face.WEB: ("starlette", "uvicorn", "websockets"), Face.TERMINAL: ("textual",)}


def shown(face: Face) -> Show:
    """How this face is shown. Complaint when it cannot be, before anything else is done."""
    if any(find_spec(name) is None for name in _NEEDS.get(face, ())):
        raise Complaint(f"--display {face} needs more: pip install 'ushield[display]'")
    match face:
        case Face.WEB:
            return _in_a_browser
        case Face.TERMINAL:
            # Textual draws on standard error, so that standard output may go elsewhere.
            if not (sys.stdin.isatty() and sys.stderr.isatty()):
                raise Complaint("--display terminal needs a terminal: use --display web or none")
            return _in_the_terminal
        case Face.NONE:
            return _nowhere


def _nowhere(_work: Work, stops: set[signal.Signals], _say: Callable[[str], None]) -> None:
    signal.sigwait(stops)


def _in_a_browser(work: Work, stops: set[signal.Signals], say: Callable[[str], None]) -> None:
    from ushield.device.display.web.server import WebFace

    with WebFace(work.displays, work.control.answer) as face:
        say(f"the display is at {face.address}")
        signal.sigwait(stops)


def _in_the_terminal(work: Work, stops: set[signal.Signals], _say: Callable[[str], None]) -> None:
    from ushield.device.display.terminal import TerminalFace

    where = " ".join(f"{name}={value}" for name, value in work.service.environment.items())
    TerminalFace(work.displays, work.control.answer, where).run_until(stops)
