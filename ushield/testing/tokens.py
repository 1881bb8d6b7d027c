"""Tokens for tests: personalised once in a process, copied for each test.

Making keys takes longer than most tests. So a token's memory is kept as it was when it was made,
and every test gets a copy with a serial number of its own: programs tell tokens apart by serial
number, and OpenSC keeps what it has read of a token under it. Two tokens that are alike within
one test have different keys.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
from threading import Lock
from types import TracebackType
from typing import Self, Unpack

from apdu.pkcs15.read import read_token_info
from apdu.pkcs15.write import build_token_info
from applet.os.store import MemoryStore
from applet.pkcs15.profile import SERIAL_LENGTH, TOKEN_INFO
from host.client import TokenClient
from host.memory import MemoryTransport
from ushield.device.assembly import assemble
from ushield.reader.card import CardPort
from ushield.testing.options import TokenOptions, TokenSpec
from ushield.tokens import manufacture

_SERIAL = "pkcs15/serial"
_TOKEN_INFO = f"pkcs15/content/{TOKEN_INFO.hex()}"
"""The two cells of the chip's memory that hold the serial number."""

_MOST_KEPT = 256


class TokenInReader(RuntimeError):
    """The token is in a reader, where nobody but the reader's clients can reach it."""


class Token:
    """One token with a memory of its own. It is in a reader, or used by its client."""

    def __init__(self, spec: TokenSpec, cells: Mapping[str, bytes]) -> None:
        self._store = MemoryStore(cells)
        self._client: TokenClient | None = None
        self._in_reader = False
        self.card = GuardedCard(assemble(self._store))
        """The chip, as a reader sees it."""
        self.label = "" if spec.blank else spec.label
        self.serial = cells[_SERIAL]
        self.pin, self.puk, self.so_pin = spec.pin, spec.puk, spec.puk
        """What was set when it was made; nobody follows later changes here."""

    def __repr__(self) -> str:
        return f"Token(label={self.label!r}, serial={self.serial.hex()})"

    @property
    def client(self) -> TokenClient:
        """A client in memory, the same each time. TokenInReader while the token is in a reader."""
        if self._in_reader:
            raise TokenInReader(
                "the token is in a reader: use the reader's connect() or client(), take the token "
                "out with its remove(), or look() at a copy"
            )
        if self._client is None:
            self._client = TokenClient(MemoryTransport(self.card))
        return self._client

    def look(self) -> TokenClient:
        """A client on a copy of the token's memory as it is now, wherever the token is.

        For a look at certificates or tries while a program uses the token. What is done to the
        copy is not done to the token.
        """
        with self.card.lock:
            cells = cells_of(self._store)
        return TokenClient(MemoryTransport(assemble(MemoryStore(cells))))

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
    """A card that can be held still between two commands."""

    def __init__(self, card: CardPort) -> None:
        self.lock = Lock()
        self._card = card

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


class TokenFactory:
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
        token = Token(spec, _renumbered(_made(spec, self._made[spec]), os.urandom(SERIAL_LENGTH)))
        self._made[spec] += 1
        self._tokens.append(token)
        return token

    def close(self) -> None:
        """Close the clients of all tokens."""
        for token in self._tokens:
            token.close()
        self._tokens.clear()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def cells_of(store: MemoryStore) -> dict[str, bytes]:
    """A copy of a memory's content."""
    return {key: store.get(key) or b"" for key in store.keys("")}


@lru_cache(maxsize=_MOST_KEPT)
def _made(spec: TokenSpec, _copy: int) -> Mapping[str, bytes]:
    """The memory of such a token when it is new. Every copy has keys of its own."""
    store = MemoryStore()
    manufacture(store, spec.profile()).close()
    return cells_of(store)


def _renumbered(cells: Mapping[str, bytes], serial: bytes) -> Mapping[str, bytes]:
    """The same memory under another serial number, which EF.TokenInfo repeats if it is there."""
    changed = {**cells, _SERIAL: serial}
    if content := cells.get(_TOKEN_INFO):
        info = build_token_info(replace(read_token_info(content), serial=serial))
        changed[_TOKEN_INFO] = info.ljust(len(content), b"\0")
    return changed
