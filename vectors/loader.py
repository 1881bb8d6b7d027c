"""Vector files read into frozen values; whatever is wrong with one becomes a VectorError.

The rules are those of ``schema.json``, and beyond them: ids are unique, patterns can be read, and
a name is captured, once, before it is used.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TypeAlias

from vectors.cipher import BLOCK
from vectors.errors import VectorError
from vectors.pattern import (
    Capture,
    Ciphered,
    Items,
    Status,
    Unlike,
    Use,
    parse_command,
    parse_pattern,
    parse_status,
    walk,
)
from vectors.place import Place, decode
from vectors.profile import VALUES

FOLDER = Path(__file__).parent
SCHEMA = "schema.json"

NEEDS: Mapping[str, str] = MappingProxyType(
    {
        "pin": "the holder's PIN, reference 1, can be presented",
        "puk": "the PUK of the holder's PIN can be presented",
        "so-pin": "the security officer's PIN, reference 3, can be presented",
        "certificate": "each key has a certificate on the card",
        "sign-key-rsa": "an RSA-2048 key with reference 1 that may only sign",
        "decipher-key-rsa": "an RSA-2048 key with reference 2 that may only decipher",
        "key-ec": "a P-256 key with reference 3 that may sign and agree on keys",
        "piv": "the PIV application is on the card",
        "piv-pin": "PIV's PIN can be presented",
        "piv-puk": "the PUK of PIV's PIN can be presented",
        "piv-management": "PIV's management key, one for 3DES, is known",
        "piv-keys-ec": "PIV's slots 9A, 9C, 9D and 9E have P-256 keys",
        "piv-certificates": "each key of those slots has a certificate on the card",
        "piv-yubico": "the PIV application has Yubico's additions",
        "extended-length": "commands and answers with extended length fields reach the card",
        "reset": "the card can be reset in the middle of the dialogue",
        "unattended": "the card asks its holder nothing by buttons of its own",
        "blank-card": "the card is not personalised yet",
        "destructive": "the dialogue may leave the card other than it was",
    }
)
"""What a dialogue may ask of the card and of the way to it, in words."""

_WORD = r"[a-z0-9]+(-[a-z0-9]+)*"
_NONE: frozenset[str] = frozenset()
_Known: TypeAlias = dict[str, int | None]
"""The names that have a value so far, with its bytes where they are known beforehand."""


@dataclass(frozen=True, slots=True)
class Step:
    """One command, and what the answer must be like."""

    command_text: str
    data_text: str
    command: Items
    data: Items
    statuses: tuple[Status, ...]
    note: str = ""


@dataclass(frozen=True, slots=True)
class Reset:
    """A reset of the card between two commands."""

    note: str = ""


@dataclass(frozen=True, slots=True)
class Dialogue:
    """Commands and answers that show one rule of one clause. It begins with the card just reset."""

    id: str
    topic: str
    title: str
    clause: str
    needs: frozenset[str]
    steps: tuple[Step | Reset, ...]


def load_all(folder: Path = FOLDER) -> tuple[Dialogue, ...]:
    """The dialogues of every vector file in a folder, in the order of the files' names."""
    homes: dict[str, str] = {}
    dialogues: list[Dialogue] = []
    for path in sorted(folder.glob("*.json")):
        if path.name == SCHEMA:
            continue
        for dialogue in load_file(path):
            if dialogue.id in homes:
                reason = f"the id {dialogue.id!r} is taken in {homes[dialogue.id]}"
                raise VectorError(path.name, "dialogues", reason)
            homes[dialogue.id] = path.name
            dialogues.append(dialogue)
    return tuple(dialogues)


def load_file(path: Path) -> tuple[Dialogue, ...]:
    """The dialogues of one vector file. VectorError says what is wrong with it, and where."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise VectorError(str(path), "", error.strerror or "cannot be read") from error
    except UnicodeDecodeError as error:
        raise VectorError(str(path), f"byte {error.start}", "not UTF-8") from error
    return load_text(text, path.name)


def load_text(text: str, file: str) -> tuple[Dialogue, ...]:
    """The dialogues of one vector file's text; `file` is its name in error messages."""
    root = decode(text, file).table(frozenset({"topic", "title", "dialogues"}), _NONE)
    topic = root["topic"].text(_WORD)
    root["title"].text()
    seen: set[str] = set()
    return tuple(_dialogue(place, topic, seen) for place in root["dialogues"].items())


def _dialogue(place: Place, topic: str, seen: set[str]) -> Dialogue:
    entry = place.table(frozenset({"id", "title", "clause", "steps"}), frozenset({"needs"}))
    name = entry["id"].text(_WORD)
    if name in seen:
        entry["id"].fail(f"the id {name!r} is taken in this file")
    seen.add(name)
    needs = _needs(entry["needs"]) if "needs" in entry else _NONE
    known: _Known = {value: len(content) for value, content in VALUES.items()}
    return Dialogue(
        id=name,
        topic=topic,
        title=entry["title"].text(),
        clause=entry["clause"].text(),
        needs=needs,
        steps=tuple(_step(step, known, needs) for step in entry["steps"].items()),
    )


def _needs(place: Place) -> frozenset[str]:
    needs: set[str] = set()
    for item in place.items():
        need = item.text(_WORD)
        if need not in NEEDS:
            item.fail(f"{need!r} is not among {', '.join(NEEDS)}")
        if need in needs:
            item.fail(f"{need!r} stands twice")
        needs.add(need)
    return frozenset(needs)


def _step(place: Place, known: _Known, needs: frozenset[str]) -> Step | Reset:
    """A step; `known` grows by what it captures."""
    if isinstance(place.value, dict) and "reset" in place.value:
        return _reset(place, needs)
    entry = place.table(frozenset({"command", "sw"}), frozenset({"data", "note"}))
    command = entry["command"].read(parse_command)
    _check_names(entry["command"], command, known)
    pattern: Items = ()
    if "data" in entry:
        pattern = entry["data"].read(parse_pattern)
        _check_names(entry["data"], pattern, known)
    statuses = _statuses(entry["sw"])
    for status in statuses:
        if status.name:
            _define(entry["sw"], status.name, 1, known)
    return Step(
        command_text=str(entry["command"].value),
        data_text=str(entry["data"].value) if "data" in entry else "",
        command=command,
        data=pattern,
        statuses=statuses,
        note=entry["note"].text() if "note" in entry else "",
    )


def _reset(place: Place, needs: frozenset[str]) -> Reset:
    entry = place.table(frozenset({"reset"}), frozenset({"note"}))
    if entry["reset"].value is not True:
        entry["reset"].fail("expected true")
    if "reset" not in needs:
        place.fail("the dialogue does not say that it needs 'reset'")
    return Reset(entry["note"].text() if "note" in entry else "")


def _statuses(place: Place) -> tuple[Status, ...]:
    """One status word, which may capture, or several, which may not: it could be another one."""
    if not isinstance(place.value, list):
        return (place.read(parse_status),)
    statuses = tuple(item.read(parse_status) for item in place.items())
    if any(status.name for status in statuses):
        place.fail("only a status word that stands alone can be captured")
    return statuses


def _check_names(place: Place, items: Items, known: _Known) -> None:
    for item in walk(items):
        if isinstance(item, (Use, Unlike, Ciphered)) and item.name not in known:
            place.fail(f"{item.name!r} has no value yet")
        if isinstance(item, Ciphered) and known[item.name] != BLOCK:
            place.fail(f"{item.name!r} is no block of {BLOCK} bytes")
        if isinstance(item, Capture):
            _define(place, item.name, item.count, known)


def _define(place: Place, name: str, count: int | None, known: _Known) -> None:
    if name in known:
        place.fail(f"{name!r} has a value already")
    known[name] = count
