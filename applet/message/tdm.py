"""``T``: pairs of label and value, those in ``D`` for the display and those in ``E`` not.

<T><D><M><k>Payee:</k><v>Li Lei</v></M>...</D><E><M>...</M></E></T>
"""

from __future__ import annotations

from applet.consent.statement import Field
from applet.message.shown import MOST_FIELDS, MessageError
from applet.message.text import checked_label, checked_value
from applet.message.xml import Element

ROOT = "T"


def read(root: Element) -> tuple[tuple[Field, ...], int]:
    """The fields that are shown, and how many are not."""
    _check_bare(root)
    names = [child.name for child in root.children]
    if names not in (["D"], ["D", "E"]):
        raise MessageError("T has D and after it perhaps E")
    parts = [_pairs(child) for child in root.children]
    if sum(map(len, parts)) > MOST_FIELDS:
        raise MessageError(f"there are more fields than the {MOST_FIELDS} that are read")
    fields = tuple(
        Field(checked_label(label, place), checked_value(value, place))
        for place, (label, value) in enumerate(parts[0], 1)
    )
    return fields, sum(map(len, parts[1:]))


def _pairs(part: Element) -> list[tuple[str, str]]:
    _check_bare(part)
    pairs = []
    for pair in part.children:
        _check_bare(pair)
        if pair.name != "M" or [child.name for child in pair.children] != ["k", "v"]:
            raise MessageError("D and E have M only, each with k and v")
        for child in pair.children:
            if child.attributes or child.children:
                raise MessageError("k and v hold text only")
        pairs.append((pair.children[0].text, pair.children[1].text))
    return pairs


def _check_bare(element: Element) -> None:
    if element.attributes or element.text.strip():
        raise MessageError("T, D, E and M have neither attributes nor text")
