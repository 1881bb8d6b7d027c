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
from ushield.device.applets import Applets

if TYPE_CHECKING:
    from host.personalise import Profile
    from host.piv.personalise import PivProfile
    from ushield.device.display.script import Script
    from ushield.reader.keeper import Token

DEFAULT_KEYS = (KeyKind.RSA2048, KeyKind.P256)
DISPLAY_KEYS = ("rsa2048:sign", "rsa2048:decipher")
"""Of a token of the second generation: one shows what it signs, the other wants a press."""
DEFAULT_PIV_KEYS = (KeyKind.RSA2048, KeyKind.RSA2048, KeyKind.RSA2048, KeyKind.P256)
DEFAULT_PINS = {"USHIELD_PIN": "123456", "USHIELD_PUK": "12345678"}


def execute(request: RunRequest) -> int:
    """Run the program from beginning to end; its exit code."""
    asked = bool(request.keys or request.generation or request.applet)
    if request.empty and (request.tokens or asked):
        raise Complaint("--empty goes with neither --token nor --key, --generation or --applet")
    fresh = asked or not (request.empty or request.tokens)
    pins, script = pins_of_fresh_tokens(), script_of(request)
    made = [fresh_token(request, pins)] if fresh else []
    from ushield.cli.desk import at_work, image_tokens

    style = request.display_style
    tokens = image_tokens(request.tokens, style) + made
    before_threads()
    with at_work(tokens, request.names, trace=request.trace, style=style, script=script) as work:
        variables = {**work.service.environment, **(pins if fresh else {})}
        return run_program(request.command, {**os.environ, **variables})


def pins_of_fresh_tokens() -> dict[str, str]:
    """What the environment says, or else the usual ones."""
    return {name: Secrets().known(name) or usual for name, usual in DEFAULT_PINS.items()}


def script_of(request: RunRequest) -> Script | None:
    """The rules that shall press the buttons, if any; Complaint says which line is wrong."""
    path = request.display_script
    if path is None:
        return None
    from ushield.device.display.script import ScriptError, parse_script

    try:
        return parse_script(path.read_text(encoding="utf-8"))
    except UnicodeDecodeError:
        raise Complaint(f"{path}: rules are written in UTF-8") from None
    except ScriptError as error:
        raise Complaint(f"{path}: {error}") from None


def fresh_token(request: RunRequest, pins: Mapping[str, str]) -> Token:
    """A new token in memory, with the keys, the applet and the generation of the request."""
    from ushield.cli.ahead import KeysAhead

    applet, generation = request.applet or Applets.PKCS15, request.generation or 1
    if generation == 2 and not applet.has_pkcs15:
        raise Complaint("--generation 2 is for PKCS#15 tokens: leave it out, or use --applet both")
    chosen = tuple(request.keys)
    usual = DEFAULT_KEYS if generation == 1 else DISPLAY_KEYS
    pkcs15_keys = (chosen or usual) if applet.has_pkcs15 else ()
    piv_keys = (chosen or DEFAULT_PIV_KEYS) if applet.has_piv else ()
    wanted = (*pkcs15_keys, *piv_keys)
    sizes = (kind.partition(":")[0].removeprefix("rsa") for kind in wanted)
    ahead = KeysAhead(int(bits) for bits in sizes if bits.isdecimal())
    # From here on OpenSSL is at work beside what is being loaded.
    from ushield.cli.desk import made_token
    from ushield.making import Making

    pkcs15 = _pkcs15_profile(pkcs15_keys, pins, generation)
    making = Making(applet, pkcs15, _piv_profile(piv_keys, pins))
    return made_token(making, ahead, request.display_style)


def _pkcs15_profile(
    keys: Sequence[str], pins: Mapping[str, str], generation: int
) -> Profile | None:
    if not keys:
        return None
    from host.personalise import Profile

    return Profile.of(
        pin=pins["USHIELD_PIN"],
        puk=pins["USHIELD_PUK"],
        so_pin=Secrets().known("USHIELD_SO_PIN"),
        keys=[str(kind) for kind in keys],
        generation=generation,
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
