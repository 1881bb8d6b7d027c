"""What can be asked of a display by the control socket and the web page (docs/display.md)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ushield.cli.displays import Displays
from ushield.device.display.key import KeyWithDisplay
from ushield.device.display.panel import BUTTONS, Panel, PanelClosed, View
from ushield.device.display.script import ScriptError, parse_script
from ushield.reader.control import RequestError
from ushield.reader.specs import ReaderError

LONGEST_WAIT = 900
"""Seconds that somebody may wait for a display at a time."""
_USUAL_WAIT = 10.0
_BUTTONS = {button.value: button for button in BUTTONS}


def answer(
    displays: Displays, do: str, reader: str | int | None, fields: Mapping[str, Any]
) -> dict[str, Any]:
    """Do what is asked; the answer. RequestError or ReaderError to refuse."""
    name, key = _find(displays, reader)
    further: dict[str, Any] = {}
    view: View | None = None
    try:
        match do:
            case "await":
                view = _awaited(key.panel, fields)
            case "press":
                further["counted"], view = _pressed(key.panel, fields)
            case "script":
                displays.follow(name, _script(fields))
            case "time-out":
                key.panel.time_out()
            case _:
                """Only to look at it."""
    except PanelClosed:
        raise ReaderError(f"the key that was in {name} is out of it") from None
    return {"reader": name, "screen": (view or key.panel.view()).described(), **further}


def _find(displays: Displays, reader: str | int | None) -> tuple[str, KeyWithDisplay]:
    keys = displays.keys()
    if not keys:
        raise ReaderError("no key with a display is there: `ushield init --generation 2` makes one")
    if reader is None and len(keys) == 1:
        return next(iter(keys.items()))
    if reader is None:
        raise ReaderError(f"more than one key has a display, name one: {', '.join(keys)}")
    for number, name in enumerate(displays.readers):
        if reader in (number, name) and name in keys:
            return name, keys[name]
    raise ReaderError(f"no key with a display is in {reader!r}; there is: {', '.join(keys)}")


def _awaited(panel: Panel, fields: Mapping[str, Any]) -> View:
    text, after, seconds = _text(fields, "text"), _number(fields, "after"), _seconds(fields)
    if text is None and after is None:
        raise RequestError('"await" needs a "text", or "after", the number of a screen')
    view = panel.wait_for(
        lambda view: text is None or (view.asks and view.shows(text)), seconds, after=after
    )
    if view is not None:
        return view
    wanted = f"it did not show {text!r}" if text is not None else f"nothing came after {after}"
    now = panel.view()
    shown = " / ".join(line.strip() for line in now.lines) or "nothing"
    raise RequestError(f"{wanted} within {seconds:g} s; screen {now.number} shows {shown}")


def _pressed(panel: Panel, fields: Mapping[str, Any]) -> tuple[bool, View]:
    button = _BUTTONS.get(_text(fields, "button") or "")
    if button is None:
        raise RequestError(f'"button" is one of {", ".join(_BUTTONS)}')
    return panel.press_and_see(button, _number(fields, "screen"))


def _script(fields: Mapping[str, Any]) -> Any:
    rules = _text(fields, "rules")
    try:
        return None if rules is None else parse_script(rules)
    except ScriptError as error:
        raise RequestError(str(error)) from None


def _text(fields: Mapping[str, Any], name: str) -> str | None:
    value = fields.get(name)
    if value is None or isinstance(value, str):
        return value
    raise RequestError(f'"{name}" is a text')


def _number(fields: Mapping[str, Any], name: str) -> int | None:
    value = fields.get(name)
    if value is None or type(value) is int:
        return value
    raise RequestError(f'"{name}" is the number of a screen')


def _seconds(fields: Mapping[str, Any]) -> float:
    value = fields.get("seconds", _USUAL_WAIT)
    if type(value) in (int, float) and 0 <= value <= LONGEST_WAIT:
        return float(value)
    raise RequestError(f'"seconds" are 0 to {LONGEST_WAIT}')
