"""The client's side of the control socket: one request, one answer."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Any

VARIABLE = "PCSCLITE_CSOCK_NAME"
"""The environment variable that says where a service is."""

PATIENCE_SECONDS = 60.0
"""A card that is executing a long command can be put in order only afterwards. A request to wait
for so many seconds may take longer by these."""

LIST_SECONDS = 10.0
"""`list` waits for no card: a service that does not answer it by then has been stopped."""


class ControlError(Exception):
    """The service refused, or there is none; one line that says why and what to do."""


def ask(service: Path, **request: Any) -> dict[str, Any]:
    """Send one request to the service whose PC/SC socket this is; the fields of its answer.

    `ask(path, do="insert", reader="ushield 00 00", token="/home/li/my.token")`. ControlError when
    the service refuses, or does not answer.
    """
    with socket.socket(socket.AF_UNIX) as line:
        line.settimeout(_patience(request))
        try:
            line.connect(os.fspath(_control_of(service)))
            line.sendall(json.dumps(request).encode() + b"\n")
            with line.makefile("rb") as answers:
                answer = _understood(answers.readline())
        except TimeoutError:
            raise ControlError(f"the service at {service} does not answer") from None
        except OSError as error:
            reason = error.strerror or error
            raise ControlError(f"no service answers at {service}: {reason}") from None
    if answer.get("ok") is not True:
        raise ControlError(str(answer.get("error", f"{service} answers in another language")))
    return answer


def _patience(request: Mapping[str, Any]) -> float:
    if request.get("do") == "list":
        return LIST_SECONDS
    return PATIENCE_SECONDS + float(request.get("seconds", 0))


def _understood(line: bytes) -> dict[str, Any]:
    try:
        answer = json.loads(line)
    except ValueError:
        answer = None
    return answer if isinstance(answer, dict) else {"error": "the service hung up"}


def control_beside(service: Path) -> Path | None:
    """The control socket that belongs to a PC/SC socket; None when it is no service of ours.

    It is beside it: `NAME.control` for a path that somebody chose, else `control` in the service's
    own folder.
    """
    for path in (service, service.resolve()):
        for control in (path.with_name(f"{path.name}.control"), path.with_name("control")):
            if control.is_socket():
                return control
    return None


def _control_of(service: Path) -> Path:
    control = control_beside(service)
    if control is not None:
        return control
    if service.exists():
        raise ControlError(f"{service} is no service of ushield's: no control socket is beside it")
    raise ControlError(f"no service is at {service}: has it ended?")
