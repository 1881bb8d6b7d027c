"""As much of XML as banks send to keys: elements, attributes, text. Anything else is refused.

Expat does the reading, which is a real parser; what could mean something else than it seems to is
refused: a document type and with it every entity, processing instructions, comments, CDATA
sections, references by number, line breaks within a tag.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from xml.parsers import expat

from applet.message.shown import MOST_BYTES, MOST_FIELDS, MessageError
from applet.message.text import decoded

_DEEPEST = 4
_MOST_ELEMENTS = 4 * MOST_FIELDS
_BLANK = " \t\r\n"
_DECLARATION = re.compile(
    rb"""<\?xml[ ]version=(?:"1\.0"|'1\.0')
    (?:[ ]encoding=(?:"([A-Za-z0-9-]+)"|'([A-Za-z0-9-]+)'))?[ ]?\?>""",
    re.VERBOSE,
)
_REFERENCE = re.compile(r"&(?!(?:amp|lt|gt|quot|apos);)")
_TAG = re.compile(r"""<(?:[^<>"']|"[^"<]*"|'[^'<]*')*>""")


@dataclass(slots=True)
class Element:
    """An element with its attributes; either text is in it or other elements are."""

    name: str
    attributes: Mapping[str, str]
    text: str = ""
    children: list[Element] = field(default_factory=list)


def parse_xml(raw: bytes) -> Element:
    """The root element of a document; MessageError for whatever is not plain."""
    if len(raw) > MOST_BYTES:
        raise MessageError(f"the message has {len(raw)} bytes, {MOST_BYTES} at most are read")
    text = _plain(raw)
    reader = _Reader()
    try:
        reader.parser.Parse(text.encode(), True)
    except expat.ExpatError as error:
        raise MessageError(f"the message is no XML: {expat.ErrorString(error.code)}") from None
    return reader.root


def _plain(raw: bytes) -> str:
    """The document without its declaration, which says how the rest is encoded."""
    declared = _DECLARATION.match(raw)
    name, start = "utf-8", 0
    if declared is not None:
        start = declared.end()
        name = (declared[1] or declared[2] or b"utf-8").decode()
    text = decoded(raw[start:], name)
    if _REFERENCE.search(text):
        raise MessageError("the message has references other than &amp; &lt; &gt; &quot; &apos;")
    if any(set(tag) & set("\t\r\n") for tag in _TAG.findall(text)):
        raise MessageError("the message has line breaks within a tag")
    return text


class _Reader:
    """The handlers of one parse: a tree is built, and all else refused."""

    def __init__(self) -> None:
        self.root = Element("", {})
        self._open: list[Element] = []
        self._count = 0
        self.parser = parser = expat.ParserCreate("utf-8")
        parser.buffer_text = True
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._text
        parser.StartDoctypeDeclHandler = _refused("a document type")
        parser.EntityDeclHandler = _refused("an entity")
        parser.ProcessingInstructionHandler = _refused("a processing instruction")
        parser.CommentHandler = _refused("a comment")
        parser.StartCdataSectionHandler = _refused("a CDATA section")
        parser.XmlDeclHandler = _refused("a declaration that is not read")

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        self._count += 1
        if len(self._open) == _DEEPEST or self._count > _MOST_ELEMENTS:
            raise MessageError("the message has more elements than are shown")
        element = Element(name, attributes)
        if self._open:
            self._open[-1].children.append(element)
        else:
            self.root = element
        self._open.append(element)

    def _end(self, _name: str) -> None:
        element = self._open.pop()
        if element.children:
            if element.text.strip(_BLANK):
                raise MessageError("the message has text beside elements")
            element.text = ""

    def _text(self, text: str) -> None:
        self._open[-1].text += text


def _refused(what: str) -> Any:
    def refuse(*_arguments: Any) -> None:
        raise MessageError(f"the message has {what}")

    return refuse
