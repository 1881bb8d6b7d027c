"""``TradeData``: fields as attributes, each of which says whether it is shown.

<TradeData><field name="Payee" value="Li Lei" DisplayOnScreen="TRUE"/>...</TradeData>
"""

from __future__ import annotations

from applet.consent.statement import Field
from applet.message.shown import MOST_FIELDS, MessageError
from applet.message.text import checked_label, checked_value
from applet.message.xml import Element

ROOT = "TradeData"
_ATTRIBUTES = {"name", "value", "DisplayOnScreen"}
_SHOWN = {"TRUE": True, "FALSE": False}


def read(root: Element) -> tuple[tuple[Field, ...], int]:
    """The fields that are shown, and how many are not."""
    if root.attributes or root.text.strip():
        raise MessageError("TradeData has fields only")
    if len(root.children) > MOST_FIELDS:
        raise MessageError(f"there are {len(root.children)} fields, {MOST_FIELDS} at most are read")
    fields = []
    for place, element in enumerate(root.children, 1):
        if element.name != "field" or element.children or element.text:
            raise MessageError(f"element {place} is no empty element field")
        if set(element.attributes) != _ATTRIBUTES:
            raise MessageError(f"field {place} has other attributes than it should")
        shown = _SHOWN.get(element.attributes["DisplayOnScreen"])
        if shown is None:
            raise MessageError(f"field {place} is neither TRUE nor FALSE on screen")
        if shown:
            label = checked_label(element.attributes["name"], place)
            fields.append(Field(label, checked_value(element.attributes["value"], place)))
    return tuple(fields), len(root.children) - len(fields)
