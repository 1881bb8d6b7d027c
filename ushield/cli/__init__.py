"""The command line. ``main`` is what the installed program ``ushield`` calls."""

from __future__ import annotations

import os
import sys
from io import TextIOWrapper

_INTERRUPTED = 130


def main() -> None:
    """Run the command line; whatever a user can cause ends in one line and its exit code."""
    request = None
    try:
        from ushield.cli.plainrun import read_plain_run

        request = read_plain_run(sys.argv[1:])
        if request is None:
            from ushield.cli.app import app, with_default_address

            _show_what_the_terminal_can()
            app(with_default_address(sys.argv[1:]))
            return
        from ushield.cli.child import execute

        code = execute(request)
    except KeyboardInterrupt:
        code = _INTERRUPTED
    except BrokenPipeError:
        sys.stderr.close()
        code = 1
    except Exception as error:
        explained = _explain(error)
        if explained is None:
            raise
        line, code = explained
        sys.stderr.write(f"ushield: {line}\n")
    if request is None:
        sys.exit(code)
    # Python's own tidying up takes 30 ms, and must not meet a key that is still being made.
    os._exit(code)


def _show_what_the_terminal_can() -> None:
    """A label may have letters that this terminal has not."""
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")


def _explain(error: Exception) -> tuple[str, int] | None:
    """A line in a user's words, and the exit code; None for an error that no user can cause."""
    from ushield.cli.complaint import Complaint

    if isinstance(error, Complaint):
        return str(error), error.code
    # Only now: it imports all that can go wrong.
    from ushield.cli.advice import advice

    line = advice(error)
    return None if line is None else (line, 1)
