"""Tokens for tests: personalised once in a process, copied for each test.

Making keys takes longer than most tests. So a token's memory is kept as it was when it was made,
and every test gets a copy with a serial number of its own: programs tell tokens apart by serial
number, and OpenSC keeps what it has read of a token under it. Two tokens that are alike within
one test have different keys.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import lru_cache
from threading import Lock
from typing import TYPE_CHECKING, Unpack

from apdu.pivedge import CAPABILITIES, CHUID
from apdu.pkcs15.read import read_token_info
from apdu.pkcs15.write import build_token_info
from apdu.tlv import Tlv, build_tlvs, parse_tlvs
from applet.os.store import MemoryStore
from applet.piv.profile import serial_number
from applet.pkcs15.profile import TOKEN_INFO
from host.client import TokenClient
from host.memory import MemoryTransport
from host.transport import ClosedByWith
from ushield.device.applets import Applets
from ushield.device.assembly import assemble
from ushield.device.body import embody
from ushield.device.display.model import Style
from ushield.making import make
from ushield.reader.card import CardPort
from ushield.testing.options import TokenOptions, TokenSpec

if TYPE_CHECKING:
    from host.piv.client import PivClient
    from ushield.testing.display import TokenDisplay

_SERIAL, _PIV_SERIAL = "pkcs15/serial", "piv/serial"
_TOKEN_INFO = f"pkcs15/content/{TOKEN_INFO.hex()}"
_CHUID, _CAPABILITIES = f"piv/object/{CHUID:X}", f"piv/object/{CAPABILITIES:X}"
"""The cells of the chip's memory that hold what tells tokens apart."""
_GUID, _CARD_ID, _HEAD = 0x34, 0xF0, 7
"""Where it is in the last two; the card's own number is behind 7 bytes."""

_MOST_KEPT = 256


class TokenInReader(RuntimeError):
    """The token is in a reader, where nobody but the reader's clients can reach it."""


class Token:
    """One token with a memory of its own. It is in a reader, or used by its client."""

    def __init__(self, spec: TokenSpec, cells: Mapping[str, bytes]) -> None:
        self._store = MemoryStore(cells)
        self._client: TokenClient | PivClient | None = None
        self._in_reader = False
        card = embody(self._store, Style(spec.display_style))
        self.card = GuardedCard(card)
        """The chip, as a reader sees it."""
        self.display: TokenDisplay | None = None
        """The display and the buttons of a token of generation 2."""
        if spec.generation == 2:
            from ushield.device.display.key import KeyWithDisplay
            from ushield.testing.display import TokenDisplay

            assert isinstance(card, KeyWithDisplay)
            self.display = TokenDisplay(card)
        self.label = "" if spec.blank or spec.applet == Applets.PIV else spec.label
        self.serial = cells[_PIV_SERIAL if spec.applet == Applets.PIV else _SERIAL]
        self.pin, self.puk, self.so_pin = spec.pin, spec.puk, spec.puk
        """What was set when it was made; nobody follows later changes here."""

    def __repr__(self) -> str:
        return f"Token(label={self.label!r}, serial={self.serial.hex()})"

    @property
    def client(self) -> TokenClient:
        """A client in memory, the same until it is closed.

        TokenInReader while the token is in a reader.
        With both applets: the same until the other one's client is asked for.
        """
        if not isinstance(self._client, TokenClient) or self._client.closed:
            self._client = TokenClient(self._reached())
        return self._client

    @property
    def piv_client(self) -> PivClient:
        """The same for the PIV application."""
        from host.piv.client import PivClient

        if not isinstance(self._client, PivClient) or self._client.closed:
            self._client = PivClient(self._reached())
        return self._client

    def look(self) -> TokenClient:
        """A client on a copy of the token's memory as it is now, wherever the token is.

        For a look at certificates or tries while a program uses the token. What is done to the
        copy is not done to the token.
        """
        return TokenClient(self._copy())

    def look_piv(self) -> PivClient:
        """The same for the PIV application."""
        from host.piv.client import PivClient

        return PivClient(self._copy())

    def _reached(self) -> MemoryTransport:
        if self._in_reader:
            raise TokenInReader(
                "the token is in a reader: use the reader's connect() or client(), take the token "
                "out with its remove(), or look() at a copy"
            )
        self.close()
        return MemoryTransport(self.card)

    def _copy(self) -> MemoryTransport:
        with self.card.lock:
            cells = cells_of(self._store)
        return MemoryTransport(assemble(MemoryStore(cells)))

    def into_reader(self) -> CardPort:
        """Its client, if there is one, is closed: the card is the reader's from now on."""
        if self._in_reader:
            raise TokenInReader("the token is in a reader already: take it out of there first")
        self.close()
        self._in_reader = True
        return self.card

    def out_of_reader(self) -> None:
        """The reader has let go of the card."""
        self._in_reader = False

    def close(self) -> None:
        """Close the client, if there is one; a new one may be had."""
        if self._client is not None:
            self._client.close()
            self._client = None


class GuardedCard:
    """A card that can be held still between two commands.

    `interrupt` is there when the card inside has it.
    """

    def __init__(self, card: CardPort) -> None:
        self.lock = Lock()
        self._card = card
        interrupt = getattr(card, "interrupt", None)
        if interrupt is not None:
            self.interrupt = interrupt

    def power_on(self) -> bytes:
        """Give power; the answer to reset."""
        with self.lock:
            return self._card.power_on()

    def transmit(self, command: bytes, /) -> bytes:
        """One command APDU in, one response APDU out."""
        with self.lock:
            return self._card.transmit(command)

    def reset(self) -> bytes:
        """Warm reset; the answer to reset."""
        with self.lock:
            return self._card.reset()

    def power_off(self) -> None:
        """Take the power away."""
        with self.lock:
            self._card.power_off()


class TokenFactory(ClosedByWith):
    """Makes the tokens of one test; the options are what they are unless one is told otherwise.

    At the end of the context the tokens' clients are closed.
    """

    def __init__(self, **options: Unpack[TokenOptions]) -> None:
        self._spec = TokenSpec(**options)
        self._made: Counter[TokenSpec] = Counter()
        self._tokens: list[Token] = []

    def __call__(self, **options: Unpack[TokenOptions]) -> Token:
        """Another token, in nobody's hands yet."""
        spec = self._spec.but(**options)
        token = Token(spec, _renumbered(_made(spec, self._made[spec]), os.urandom))
        self._made[spec] += 1
        self._tokens.append(token)
        return token

    @property
    def displays(self) -> list[TokenDisplay]:
        """The displays of the tokens that have one."""
        return [token.display for token in self._tokens if token.display is not None]

    def close(self) -> None:
        """Close the clients of all tokens."""
        for token in self._tokens:
            if token.display is not None:
                # Before the client: a command that waits for a button would keep it open.
                token.display.close()
            token.close()
        self._tokens.clear()


def cells_of(store: MemoryStore) -> dict[str, bytes]:
    """A copy of a memory's content."""
    return {key: store.get(key) or b"" for key in store.keys("")}


@lru_cache(maxsize=_MOST_KEPT)
def _made(spec: TokenSpec, _copy: int) -> Mapping[str, bytes]:
    """The memory of such a token when it is new. Every copy has keys of its own."""
    store = MemoryStore()
    make(store, spec.making())
    return cells_of(store)


def _renumbered(cells: Mapping[str, bytes], random: Callable[[int], bytes]) -> Mapping[str, bytes]:
    """The same memory with numbers of its own, also in the files and objects that repeat them."""
    changed = dict(cells)
    if serial := cells.get(_SERIAL):
        changed[_SERIAL] = random(len(serial))
    if content := cells.get(_TOKEN_INFO):
        info = replace(read_token_info(content), serial=changed[_SERIAL])
        changed[_TOKEN_INFO] = build_token_info(info).ljust(len(content), b"\0")
    if serial := cells.get(_PIV_SERIAL):
        changed[_PIV_SERIAL] = serial_number(random(len(serial)))
    for cell, tag, kept in ((_CHUID, _GUID, 0), (_CAPABILITIES, _CARD_ID, _HEAD)):
        if content := cells.get(cell):
            changed[cell] = _with_number(content, tag, kept, random)
    return changed


def _with_number(content: bytes, tag: int, kept: int, random: Callable[[int], bytes]) -> bytes:
    """An object with another number in one of its fields, whose first bytes stay."""
    return build_tlvs(
        *(
            Tlv(tlv.tag, tlv.value[:kept] + random(len(tlv.value) - kept))
            if tlv.tag == tag
            else tlv
            for tlv in parse_tlvs(content)
        )
    )
