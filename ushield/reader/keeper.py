"""Which token is in which reader: put in, taken out, put back.

A token is opened when it goes into a reader and closed when it has come out, so that the file of a
token that lies beside its reader is free for others.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field
from threading import Lock
from types import TracebackType
from typing import TYPE_CHECKING, Literal, NamedTuple, Self

from ushield.reader.card import CardPort
from ushield.reader.codes import State
from ushield.reader.specs import ReaderError

if TYPE_CHECKING:
    from ushield.reader.service import PcscService

Use = Literal["free", "shared", "exclusive"]


class TokenError(Exception):
    """A token cannot be opened; one line that says why and what to do."""


@dataclass(frozen=True, slots=True)
class Token:
    """What can be put into a reader: its name for people, and the way to its card.

    The context of `open` lasts as long as the token is in the reader. TokenError when it cannot
    be opened.
    """

    name: str
    open: Callable[[], AbstractContextManager[CardPort]] = field(repr=False)


class Moved(NamedTuple):
    """What was done: the reader's name, and the token's, as far as it is known."""

    reader: str
    token: str | None


class ReaderInfo(NamedTuple):
    """One reader at this moment. `removed` is the token that `insert` alone would put back."""

    number: int
    name: str
    card: bool
    atr: str
    token: str | None
    removed: str | None
    use: Use


@dataclass(slots=True)
class _Bay:
    """What is known of one reader."""

    number: int
    name: str
    lock: Lock = field(default_factory=Lock)
    token: Token | None = None
    removed: Token | None = None
    opened: ExitStack = field(default_factory=ExitStack)


def _say_nothing(_line: str) -> None:
    """Nobody wants to know."""


def _as_it_is(_reader: str, card: CardPort) -> CardPort:
    """Nobody listens in."""
    return card


class Keeper:
    """Puts tokens into the readers of a service, also before it starts, from any thread.

    `tell` gets one line for each change. `around` is given the name of a reader and each card that
    is put into it, and gives back what takes the card's place there, to listen in for instance.

    A reader is named by its name, by its number, or, where only one can be meant, by None.
    ReaderError: there is no such reader, or it is not in the state for this. Leave the context
    after the service has stopped: it closes the tokens.
    """

    def __init__(
        self,
        service: PcscService,
        tell: Callable[[str], None] = _say_nothing,
        *,
        around: Callable[[str, CardPort], CardPort] = _as_it_is,
    ) -> None:
        self._service = service
        self._around = around
        self.tell = tell
        self._bays = [_Bay(number, name) for number, name in enumerate(service.readers)]

    def insert(self, reader: str | int | None = None, token: Token | None = None) -> Moved:
        """Put a token in, or without one put back the one that was removed last."""
        bay = self._find(reader, full=False)
        with bay.lock:
            if bay.token is not None:
                raise ReaderError(f"{bay.token.name} is in {bay.name} already: remove it first")
            token = token or bay.removed
            if token is None:
                raise ReaderError(f"no token was removed from {bay.name}: name one to put in")
            with ExitStack() as stack:
                card = self._around(bay.name, stack.enter_context(token.open()))
                self._service.insert(bay.number, card)
                bay.opened = stack.pop_all()
            bay.token = token
        self.tell(f"{token.name} is in {bay.name}")
        return Moved(bay.name, token.name)

    def remove(self, reader: str | int | None = None) -> Moved:
        """Pull the token out, also from under a command."""
        bay = self._find(reader, full=True)
        with bay.lock:
            self._service.remove(bay.number)
            token, bay.token = bay.token, None
            bay.removed = token or bay.removed
            bay.opened.close()
        name = None if token is None else token.name
        self.tell(f"{name or 'the card'} is out of {bay.name}")
        return Moved(bay.name, name)

    def reset(self, reader: str | int | None = None) -> Moved:
        """Reset the card, as another program might: verified PINs are forgotten."""
        bay = self._find(reader, full=True)
        self._service.reset(bay.number)
        self.tell(f"the card in {bay.name} was reset")
        return Moved(bay.name, None if bay.token is None else bay.token.name)

    def list(self) -> list[ReaderInfo]:
        """All readers, in order."""
        found: list[ReaderInfo] = []
        for bay, record in zip(self._bays, self._service.records(), strict=True):
            token, removed = bay.token, bay.removed
            info = ReaderInfo(
                number=bay.number,
                name=bay.name,
                card=bool(record.state & State.PRESENT),
                atr=record.atr.hex(),
                token=None if token is None else token.name,
                removed=None if removed is None else removed.name,
                use="exclusive" if record.sharing < 0 else "shared" if record.sharing else "free",
            )
            found.append(info)
        return found

    def close(self) -> None:
        """Close the tokens that are in."""
        for bay in self._bays:
            bay.opened.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _find(self, reader: str | int | None, *, full: bool) -> _Bay:
        if reader is None:
            return self._only(full=full)
        for bay in self._bays:
            if reader in (bay.name, bay.number):
                return bay
        raise ReaderError(f"there is no reader {reader!r}; there are: {_names(self._bays)}")

    def _only(self, *, full: bool) -> _Bay:
        """The one reader there is, or the one that is full, or empty, as is needed."""
        if len(self._bays) == 1:
            return self._bays[0]
        meant = [bay for bay in self._bays if (bay.token is not None) == full]
        if len(meant) == 1:
            return meant[0]
        state = "holds a token" if full else "is empty"
        if not meant:
            raise ReaderError(f"no reader {state}")
        raise ReaderError(f"more than one reader {state}, name one: {_names(meant)}")


def _names(bays: list[_Bay]) -> str:
    return ", ".join(bay.name for bay in bays)
