"""Tokens whose keys ask their holder, with a panel that a test looks at and presses."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from apdu.edge import Consent
from applet.os.panel import Panel
from applet.os.store import MemoryStore
from tests.chip.cards import AID, Chip, cells, personalised

PRESS_RSA, PRESS_CURVE, PRESS_CRYPT = "4B11", "4B12", "4B13"
SHOW_RSA, SHOW_CURVE, SHOW_ANY = "4B21", "4B22", "4B23"
"""Key files: RSA-1024 and P-256 for everything and RSA-1024 to decipher, which want a press; and
RSA-1024 that signs, P-256 and RSA-1024 for everything, which sign what they show."""

CERTIFICATE = "4301"

_KEYS = (
    ("11", PRESS_RSA, 1024, None, Consent.PRESS),
    ("22", PRESS_CURVE, 256, None, Consent.PRESS),
    ("11", PRESS_CRYPT, 1024, 0x02, Consent.PRESS),
    ("11", SHOW_RSA, 1024, 0x09, Consent.CONTENT),
    ("22", SHOW_CURVE, 256, None, Consent.CONTENT),
    ("11", SHOW_ANY, 1024, None, Consent.CONTENT),
)


def create_key_file(
    chip: Chip, kind: str, fid: str, bits: int, usage: int | None, consent: int
) -> str:
    """CREATE FILE of a key with a consent rule; the status word."""
    rules = (b"" if usage is None else bytes((0x95, 1, usage))) + bytes((0x96, 1, consent))
    chip.ok("00 A4 08 0C [ 5015 ]")
    return chip.sw(
        f"00 E0 00 00 [ 62 ( 81 ( {{bits}} ) 82 ( {kind} ) 83 ( {fid} ) 86 ( 1111FF )"
        " 85 ( 0000 ) 8A ( 01 ) A5 ( {rules} ) ) ]",
        bits=bits.to_bytes(2, "big"),
        rules=rules,
    )


def generation_2(panel: Panel | None, settings: str = "") -> Chip:
    """A token in use whose keys ask; `settings` are the 5 bytes of its consent settings, as hex."""
    return Chip(MemoryStore(_cells(settings)), panel=panel)


@cache
def _cells(settings: str) -> Mapping[str, bytes]:
    chip = Chip(MemoryStore(_with_keys()))
    if settings:
        chip.ok(f"00 DA 01 B5 [ {settings} ]")
    chip.ok(f"00 44 04 00 [ {AID} ]")
    return cells(chip.store)


@cache
def _with_keys() -> Mapping[str, bytes]:
    chip = personalised()
    for kind, fid, bits, usage, consent in _KEYS:
        assert create_key_file(chip, kind, fid, bits, usage, consent) == "9000"
        chip.ok(f"00 A4 08 0C [ 5015 {fid} ]")
        chip.ok("00 46 00 00")
    chip.ok("00 A4 08 0C [ 5015 ]")
    chip.ok(f"00 E0 00 00 [ 62 ( 80 ( 0010 ) 82 ( 01 ) 83 ( {CERTIFICATE} ) 86 ( 0111FF ) ) ]")
    chip.card.reset()
    return cells(chip.store)
