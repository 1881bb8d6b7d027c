"""A PC/SC service with tokens in its readers, put together for `serve` and `run`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

from ushield.cli.complaint import Complaint
from ushield.cli.listening import listening
from ushield.reader.keeper import Keeper, Token, TokenError

if TYPE_CHECKING:
    from host.trace.file import TraceFile
    from ushield.cli.ahead import KeysAhead
    from ushield.making import Making
    from ushield.reader.card import CardPort
    from ushield.reader.service import PcscService


def image_token(path: Path) -> Token:
    """The token of an image file, which is locked while the token is in a reader."""

    @contextmanager
    def opened() -> Iterator[CardPort]:
        from ushield.device.applets import UnknownApplets
        from ushield.device.assembly import assemble
        from ushield.device.image import ImageError, open_image

        with ExitStack() as stack:
            try:
                card = assemble(stack.enter_context(closing(open_image(path))))
            except (ImageError, UnknownApplets) as error:
                raise TokenError(str(error)) from None
            yield card

    return Token(str(path), opened)


def image_tokens(paths: Sequence[Path]) -> list[Token]:
    """The tokens of several image files, each of which is there once."""
    complete = [path.absolute() for path in paths]
    if len({path.resolve() for path in complete}) < len(complete):
        raise Complaint("a token image can be in one reader only: name each once")
    return [image_token(path) for path in complete]


def fresh_token(making: Making, entropy: KeysAhead) -> Token:
    """A new token in memory. It lives as long as the program."""
    from applet.os.store import MemoryStore
    from ushield.device.assembly import assemble
    from ushield.making import make

    store = MemoryStore()
    make(store, making, entropy=entropy)
    card = assemble(store)
    return Token("a fresh token", lambda: nullcontext(card))


@contextmanager
def at_work(
    tokens: Sequence[Token],
    names: Sequence[str],
    socket: Path | None = None,
    tell: Callable[[str], None] = lambda _: None,
    trace: Path | None = None,
) -> Iterator[tuple[PcscService, Keeper]]:
    """A running service and the keeper of its readers: one for each token, in order, and each name.

    Readers without a name are given one, readers without a token stay empty. The cards are in
    before the first client can look. `tell` gets a line for each token that moves later. The
    dialogues with all cards are written to the file `trace`.
    """
    from ushield.reader.control import Control, ControlServer
    from ushield.reader.service import PcscService, ReaderSpec, default_names

    count = max(len(tokens), len(names), 1)
    complete = [*names, *default_names(count)[len(names) :]]
    service = PcscService([ReaderSpec(name) for name in complete], socket)
    with listening(trace) as file, Keeper(service, around=listener(file)) as keeper:
        for number, token in enumerate(tokens):
            keeper.insert(number, token)
        keeper.tell = tell
        control = Control(keeper, image_token)
        # The path of the control socket is known when the service has started.
        with service, ControlServer(service.control_socket, control):
            yield service, keeper


def listener(file: TraceFile | None) -> Callable[[str, CardPort], CardPort]:
    """What puts somebody who listens between a reader and its cards."""
    if file is None:
        return lambda _, card: card
    from host.trace import TracedCard

    return lambda reader, card: TracedCard(card, file.tracer(reader))
