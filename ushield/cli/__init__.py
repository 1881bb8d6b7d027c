"""The command line. ``main`` is what the installed program ``ushield`` calls."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command line; whatever a user can cause ends in one line and exit code 1."""
    from applet.os.store import StoreError
    from host.errors import CardError, HostError
    from ushield.cli.advice import advice
    from ushield.cli.app import app, with_default_address
    from ushield.cli.complaint import Complaint
    from ushield.device.image import ImageError

    try:
        app(with_default_address(sys.argv[1:]))
    except CardError as error:
        sys.exit(f"ushield: {advice(error)}")
    except (Complaint, HostError, ImageError, StoreError) as error:
        sys.exit(f"ushield: {error}")
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(1)
    except OSError as error:
        sys.exit(f"ushield: {error.filename or 'system'}: {error.strerror or error}")
