"""Which format a message has, told by its first bytes, and what it says."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from apdu.order import TAG
from apdu.payload.consent import HiddenFields, Language
from applet.consent.statement import Field, Statement
from applet.consent.words import Word, say
from applet.message import label, order, tdm, tradedata
from applet.message.shown import MessageError, Shown
from applet.message.xml import Element, parse_xml

_ORDER = TAG.to_bytes(2, "big")
"""No text begins so: 7F is a control character in every encoding that is read here."""

_DOCUMENTS: Mapping[str, Callable[[Element], tuple[tuple[Field, ...], int]]] = MappingProxyType(
    {tradedata.ROOT: tradedata.read, tdm.ROOT: tdm.read}
)


def statement_of(message: bytes, language: Language, hidden: HiddenFields) -> Statement:
    """What the holder is to read before the message is signed; MessageError: it is not shown."""
    shown = _read(message, language)
    fields = shown.fields
    if not fields:
        raise MessageError("the message has nothing to show")
    if shown.hidden:
        if hidden is HiddenFields.REFUSED:
            raise MessageError(f"{shown.hidden} of the fields would be signed and not shown")
        fields = (*fields, Field(say(Word.NOT_SHOWN, language), str(shown.hidden)))
    return Statement(shown.title, fields)


def _read(message: bytes, language: Language) -> Shown:
    if message.startswith(_ORDER):
        return order.read(message, language)
    title = say(Word.SIGN_MESSAGE, language)
    if not message.startswith(b"<"):
        return Shown(title, label.read(message))
    root = parse_xml(message)
    read = _DOCUMENTS.get(root.name)
    if read is None:
        raise MessageError(f"the message is none of {', '.join(_DOCUMENTS)}")
    return Shown(title, *read(root))
