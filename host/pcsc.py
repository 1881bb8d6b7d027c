"""A card in a reader, by the PC/SC service of the system (pyscard's functions as they are).

pyscard is the extra ``pcsc``: without it this module still imports, and says so when it is used.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from types import ModuleType
from typing import Any

from host.errors import (
    AmbiguousReader,
    CardRemoved,
    CardReset,
    NoCard,
    NoReader,
    NoService,
    PcscMissing,
    SharingViolation,
    TransportClosed,
    TransportError,
)
from host.transport import ClosedByWith

_ERRORS: dict[int, tuple[type[TransportError], str]] = {
    0x8010001D: (NoService, "the PC/SC service does not run: start pcscd"),
    0x8010001E: (NoService, "the PC/SC service has stopped: start pcscd again"),
    0x80100003: (NoService, "the PC/SC service has restarted: open the reader again"),
    0x80100013: (NoService, "the PC/SC service does not answer as it should"),
    0x8010002E: (NoReader, "there is no reader: plug one in"),
    0x80100009: (NoReader, "there is no such reader"),
    0x80100017: (NoReader, "the reader is gone"),
    0x8010000C: (NoCard, "there is no card in the reader: put one in"),
    0x80100066: (NoCard, "the card does not answer: is it put in the right way?"),
    0x80100067: (NoCard, "the card has no power"),
    0x80100069: (CardRemoved, "the card was taken out of the reader"),
    0x80100016: (CardRemoved, "the card did not answer: was it taken out?"),
    0x80100068: (CardReset, "another program has reset the card"),
    0x8010000B: (SharingViolation, "another program holds the card for itself"),
}
"""By the code of PC/SC part 5, which pcsc-lite's pcsclite.h lists too."""


def _bindings() -> ModuleType:
    try:
        from smartcard import scard
    except ImportError:
        raise PcscMissing(
            "readers need the extra 'pcsc': pip install 'ushield[pcsc]' "
            "(needs a C compiler and libpcsclite-dev)"
        ) from None
    module: ModuleType = scard
    return module


def _check(code: int, doing: str) -> None:
    """Raise the exception that a return code of the service stands for."""
    code &= 0xFFFFFFFF
    if not code:
        return
    kind, words = _ERRORS.get(code, (TransportError, f"the service reports {code:08X}"))
    raise kind(f"{doing}: {words}")


class _Context:
    """A connection to the service."""

    def __init__(self) -> None:
        self.scard: Any = _bindings()
        code, self.handle = self.scard.SCardEstablishContext(self.scard.SCARD_SCOPE_USER)
        _check(code, "reaching the service")

    def readers(self) -> list[str]:
        """The names of the readers there are."""
        code, names = self.scard.SCardListReaders(self.handle, [])
        if code & 0xFFFFFFFF == 0x8010002E:
            return []
        _check(code, "listing the readers")
        return list(names)

    def holds_card(self, reader: str, *, unused: bool = False) -> bool:
        """Whether there is a card in the reader that answers, and, if asked, that nobody uses."""
        asked = [(reader, self.scard.SCARD_STATE_UNAWARE)]
        code, states = self.scard.SCardGetStatusChange(self.handle, 0, asked)
        _check(code, f"looking into {reader}")
        scard, state = self.scard, states[0][1]
        unwanted = scard.SCARD_STATE_MUTE
        if unused:
            unwanted |= scard.SCARD_STATE_INUSE | scard.SCARD_STATE_EXCLUSIVE
        return bool(state & scard.SCARD_STATE_PRESENT) and not state & unwanted

    def release(self) -> None:
        """End the connection."""
        self.scard.SCardReleaseContext(self.handle)


def list_readers() -> tuple[str, ...]:
    """The names of all readers, in the service's order."""
    context = _Context()
    try:
        return tuple(context.readers())
    finally:
        context.release()


def unused_readers() -> tuple[str, ...]:
    """The names of the readers that hold a card which no program is connected to."""
    context = _Context()
    try:
        readers = context.readers()
        return tuple(reader for reader in readers if context.holds_card(reader, unused=True))
    finally:
        context.release()


def open_reader(name: str | None = None) -> PcscTransport:
    """Connect to the card in a reader.

    `name` may be any part of the reader's name that no other reader has, in any case; the whole
    name always wins. Without it, the only reader that holds a card is meant.
    """
    context = _Context()
    try:
        return PcscTransport(context, _choose(context, name))
    except BaseException:
        context.release()
        raise


def find_reader(name: str) -> str:
    """The whole name of the reader that `open_reader` would connect to."""
    context = _Context()
    try:
        return _choose(context, name)
    finally:
        context.release()


def _choose(context: _Context, name: str | None) -> str:
    readers = context.readers()
    if not readers:
        raise NoReader("there is no reader: plug one in")
    if name in readers:
        return str(name)
    if name is None:
        found = [reader for reader in readers if context.holds_card(reader)]
        if not found:
            raise NoCard(f"no reader holds a card ({', '.join(readers)}): put one in")
    else:
        found = [reader for reader in readers if name.casefold() in reader.casefold()]
        if not found:
            raise NoReader(f"no reader is called {name!r}; there are: {', '.join(readers)}")
    if len(found) > 1:
        raise AmbiguousReader(
            f"more than one reader may be meant, name one: {', '.join(found)}", tuple(found)
        )
    return found[0]


class PcscTransport(ClosedByWith):
    """A shared connection to the card in one reader: `open_reader` makes it."""

    exclusive = False

    def __init__(self, context: _Context, reader: str) -> None:
        self.reader = reader
        """The reader's whole name."""
        self._context = context
        self._scard = scard = context.scard
        self._depth = 0
        self._was_reset = False
        code, self._card, protocol = scard.SCardConnect(
            context.handle,
            reader,
            scard.SCARD_SHARE_SHARED,
            scard.SCARD_PROTOCOL_T0 | scard.SCARD_PROTOCOL_T1,
        )
        _check(code, f"connecting to the card in {reader}")
        self._open = True
        self._take_protocol(protocol)

    @property
    def atr(self) -> bytes:
        """The answer to the last reset."""
        return self._atr

    def transmit(self, command: bytes, /) -> bytes:
        """Send one command APDU; the response APDU."""
        self._check_open()
        code, answer = self._scard.SCardTransmit(self._card, self._pci, list(command))
        if code:
            self._check(code, "sending a command")
        if len(answer) < 2:
            raise CardRemoved("the card sent no status word: was it taken out?")
        return bytes(byte & 0xFF for byte in answer)

    def reset(self) -> bytes:
        """Reset the card; the answer to reset.

        After a `CardReset` the card is reset already: then this only goes on with it, and does not
        take it away in turn from whoever did that.
        """
        self._check_open()
        scard = self._scard
        action = scard.SCARD_LEAVE_CARD if self._was_reset else scard.SCARD_RESET_CARD
        code, protocol = scard.SCardReconnect(
            self._card,
            scard.SCARD_SHARE_SHARED,
            scard.SCARD_PROTOCOL_T0 | scard.SCARD_PROTOCOL_T1,
            action,
        )
        _check(code, "resetting the card")
        self._was_reset = False
        self._take_protocol(protocol)
        return self._atr

    @contextlib.contextmanager
    def transaction(self) -> Iterator[None]:
        """Keep the other programs' commands out; the outermost one of nested contexts counts."""
        self._begin()
        try:
            yield
        finally:
            self._end()

    def close(self) -> None:
        """Let the card go, as it is."""
        if self._open:
            self._open = False
            self._scard.SCardDisconnect(self._card, self._scard.SCARD_LEAVE_CARD)
            self._context.release()

    def _begin(self) -> None:
        self._check_open()
        if not self._depth:
            self._check(self._scard.SCardBeginTransaction(self._card), "beginning a transaction")
        self._depth += 1

    def _end(self) -> None:
        """What went wrong inside was raised there; a lost card has no transaction any more."""
        self._depth -= 1
        if not self._depth and self._open:
            self._scard.SCardEndTransaction(self._card, self._scard.SCARD_LEAVE_CARD)

    def _check(self, code: int, doing: str) -> None:
        try:
            _check(code, doing)
        except CardReset:
            self._was_reset = True
            raise

    def _take_protocol(self, protocol: int) -> None:
        scard = self._scard
        self._pci = (
            scard.SCARD_PCI_T1 if protocol == scard.SCARD_PROTOCOL_T1 else scard.SCARD_PCI_T0
        )
        code, _reader, _state, _protocol, atr = scard.SCardStatus(self._card)
        _check(code, "reading the answer to reset")
        self._atr = bytes(byte & 0xFF for byte in atr)

    def _check_open(self) -> None:
        if not self._open:
            raise TransportClosed("the connection to the reader was closed")
