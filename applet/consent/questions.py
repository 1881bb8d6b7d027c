"""The questions about a key, a PIN or a file; a message makes its own (`applet.message`)."""

from __future__ import annotations

from hashlib import sha256

from apdu.payload.consent import Language
from apdu.rsablock import DIGEST_INFO
from apdu.rsaencoding import type_1_payload
from applet.consent.glyphs import width
from applet.consent.statement import Field, Statement, in_groups
from applet.consent.words import Word, say

_FINGERPRINT = 8
"""Bytes of a digest that are shown: 16 hexadecimal digits."""
_DIGESTS = frozenset({20, 28, 32, 48, 64})


def use_of_key(what: Word, key: str, data: bytes, language: Language, label: str = "") -> Statement:
    """To use a key: which one, for what, and the fingerprint of what it is to work upon.

    `key` is its reference as the display shows it; `label` is whatever the token's directory says.
    """
    print_of_data = Field("", in_groups(fingerprint(data)))
    name = (Field("", _drawable(label)),) if label else ()
    return Statement(f"{say(what, language)} {key}", (*name, print_of_data))


def about_pin(what: Word, reference: str, left: int, language: Language) -> Statement:
    """To change a PIN, or to spend one of its last tries."""
    field = Field(say(Word.TRIES_LEFT, language), str(left))
    return Statement(f"{say(what, language)} {reference}", (field,))


def about_file(what: Word, file: str, language: Language, label: str = "") -> Statement:
    """To delete or replace what is in a file."""
    fields = (Field("", _drawable(label)),) if label else ()
    return Statement(f"{say(what, language)} {file}", fields)


def about_token(what: Word, language: Language) -> Statement:
    """To do something to the token as a whole."""
    return Statement(say(what, language), ())


def fingerprint(data: bytes) -> str:
    """The first 16 hexadecimal digits of the digest that the data is, or carries.

    It carries one as a DigestInfo, or as a PKCS#1 block of type 1 around that (RFC 8017 §9.2). Any
    other data, a PSS block or a cryptogram, has the SHA-256 of its own.
    """
    inner = type_1_payload(data) or data
    digest = next(
        (inner[len(head) :] for head in DIGEST_INFO.values() if inner.startswith(head)), inner
    )
    if len(digest) not in _DIGESTS:
        digest = sha256(data).digest()
    return digest[:_FINGERPRINT].hex().upper()


def _drawable(label: str) -> str:
    """A label that is not signed and not checked; what has no glyph is drawn as a question mark."""
    return "".join(sign if width(sign) else "?" for sign in label)
