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
    from host.personalise import Profile
    from host.piv.personalise import PivProfile
    from ushield.reader.keeper import Token

DEFAULT_KEYS = (KeyKind.RSA2048, KeyKind.P256)
DEFAULT_PIV_KEYS = (KeyKind.RSA2048, KeyKind.RSA2048, KeyKind.RSA2048, KeyKind.P256)
DEFAULT_PINS = {"USHIELD_PIN": "123456", "USHIELD_PUK": "12345678"}


def execute(request: RunRequest) -> int:
    """Run the program from beginning to end; its exit code."""
    if request.empty and (request.tokens or request.keys):
        raise Complaint("--empty goes with neither --token nor --key")
    fresh = bool(request.keys) or not (request.empty or request.tokens)
    pins = {name: Secrets().known(name) or usual for name, usual in DEFAULT_PINS.items()}
    made = [_fresh_token(request, pins)] if fresh else []
    from ushield.cli.desk import at_work, image_tokens

    tokens = image_tokens(request.tokens) + made
    before_threads()
    with at_work(tokens, request.names, trace=request.trace) as (service, _):
        variables = {**service.environment, **(pins if fresh else {})}
        return run_program(request.command, {**os.environ, **variables})


def _fresh_token(request: RunRequest, pins: Mapping[str, str]) -> Token:
    from ushield.cli.ahead import KeysAhead

    chosen = tuple(request.keys)
    pkcs15_keys = (chosen or DEFAULT_KEYS) if request.applet.has_pkcs15 else ()
    piv_keys = (chosen or DEFAULT_PIV_KEYS) if request.applet.has_piv else ()
    wanted = (*pkcs15_keys, *piv_keys)
    ahead = KeysAhead(int(kind.removeprefix("rsa")) for kind in wanted if kind.startswith("rsa"))
    # From here on OpenSSL is at work beside what is being loaded.
    from ushield.cli.desk import fresh_token
    from ushield.making import Making

    making = Making(
        request.applet, _pkcs15_profile(pkcs15_keys, pins), _piv_profile(piv_keys, pins)
    )
    return fresh_token(making, ahead)


def _pkcs15_profile(keys: Sequence[KeyKind], pins: Mapping[str, str]) -> Profile | None:
    if not keys:
        return None
    from host.personalise import Profile

    return Profile.of(
        pin=pins["USHIELD_PIN"],
        puk=pins["USHIELD_PUK"],
        so_pin=Secrets().known("USHIELD_SO_PIN"),
        keys=[kind.value for kind in keys],
    )


def _piv_profile(keys: Sequence[KeyKind], pins: Mapping[str, str]) -> PivProfile | None:
    if not keys:
        return None
    from host.piv.personalise import PivProfile

    return PivProfile.of(
        pin=pins["USHIELD_PIN"],
        puk=pins["USHIELD_PUK"],
        management_key=Secrets().known("USHIELD_MANAGEMENT_KEY"),
        keys=[kind.value for kind in keys],
    )
