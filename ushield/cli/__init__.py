"""The command line. ``main`` is what the installed program ``ushield`` calls."""

from __future__ import annotations

import sys
from io import TextIOWrapper


def main() -> None:
    """Run the command line; whatever a user can cause ends in one line and its exit code."""
    from ushield.cli.complaint import Complaint
    from ushield.cli.order import read_order

    try:
        order = read_order(sys.argv[1:])
        if order is None:
            from ushield.cli.app import app, with_default_address

            _show_what_the_terminal_can()
            app(with_default_address(sys.argv[1:]))
        else:
            from ushield.cli.child import execute, leave

            leave(execute(order))
    except Complaint as complaint:
        _end(str(complaint), complaint.code)
    except KeyboardInterrupt:
        sys.exit(130)
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(1)
    except Exception as error:
        # Only now: the start is too short for what this imports.
        from ushield.cli.advice import advice

        line = advice(error)
        if line is None:
            raise
        _end(line)


def _show_what_the_terminal_can() -> None:
    """A label may have letters that this terminal has not."""
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")


def _end(line: str, code: int = 1) -> None:
    sys.stderr.write(f"ushield: {line}\n")
    sys.exit(code)
