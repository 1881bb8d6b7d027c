"""A program in a world with a reader of its own: what `ushield run` puts together for it."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from ushield.cli.complaint import Complaint
from ushield.cli.kinds import KeyKind
from ushield.cli.plainrun import RunRequest
from ushield.cli.program import before_threads, run_program
from ushield.cli.secrets import Secrets

if TYPE_CHECKING:
    from ushield.reader.keeper import Token

DEFAULT_KEYS = (KeyKind.RSA2048, KeyKind.P256)
DEFAULT_PINS = {"USHIELD_PIN": "123456", "USHIELD_PUK": "12345678"}


def execute(request: RunRequest) -> int:
    """Run the program from beginning to end; its exit code."""
    if request.empty and (request.tokens or request.keys):
        raise Complaint("--empty goes with neither --token nor --key")
    fresh: Sequence[KeyKind] = request.keys
    if not (fresh or request.empty or request.tokens):
        fresh = DEFAULT_KEYS
    pins = {name: Secrets().known(name) or usual for name, usual in DEFAULT_PINS.items()}
    made = [_fresh_token(fresh, pins)] if fresh else []
    from ushield.cli.desk import at_work, image_tokens

    tokens = image_tokens(request.tokens) + made
    before_threads()
    with at_work(tokens, request.names, trace=request.trace) as (service, _):
        variables = {**service.environment, **(pins if fresh else {})}
        return run_program(request.command, {**os.environ, **variables})


def _fresh_token(keys: Sequence[KeyKind], pins: Mapping[str, str]) -> Token:
    from ushield.cli.ahead import KeysAhead

    ahead = KeysAhead(int(kind.removeprefix("rsa")) for kind in keys if kind.startswith("rsa"))
    # From here on OpenSSL is at work beside what is being loaded.
    from host.personalise import Profile
    from ushield.cli.desk import fresh_token

    profile = Profile.of(
        pin=pins["USHIELD_PIN"],
        puk=pins["USHIELD_PUK"],
        so_pin=Secrets().known("USHIELD_SO_PIN"),
        keys=[kind.value for kind in keys],
    )
    return fresh_token(profile, ahead)
