"""A PC/SC service with tokens in its readers, put together for `serve` and `run`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from ushield.cli.complaint import Complaint
from ushield.cli.listening import listening
from ushield.device.display.model import Style
from ushield.reader.keeper import Keeper, Token, TokenError

if TYPE_CHECKING:
    from host.trace.file import TraceFile
    from ushield.cli.ahead import KeysAhead
    from ushield.cli.displays import Displays
    from ushield.device.display.script import Decide
    from ushield.making import Making
    from ushield.reader.card import CardPort
    from ushield.reader.control import Control
    from ushield.reader.service import PcscService


def image_token(path: Path, style: Style = Style.LCD) -> Token:
    """The token of an image file, which is locked while the token is in a reader.

    `style` is that of its display, if it has one.
    """

    @contextmanager
    def opened() -> Iterator[CardPort]:
        from ushield.device.applets import UnknownApplets
        from ushield.device.body import embody
        from ushield.device.image import ImageError, open_image

        with ExitStack() as stack:
            try:
                card = embody(stack.enter_context(closing(open_image(path))), style)
            except (ImageError, UnknownApplets) as error:
                raise TokenError(str(error)) from None
            yield card

    return Token(str(path), opened)


def image_tokens(paths: Sequence[Path], style: Style = Style.LCD) -> list[Token]:
    """The tokens of several image files, each of which is there once."""
    complete = [path.absolute() for path in paths]
    if len({path.resolve() for path in complete}) < len(complete):
        raise Complaint("a token image can be in one reader only: name each once")
    return [image_token(path, style) for path in complete]


def made_token(making: Making, entropy: KeysAhead, style: Style = Style.LCD) -> Token:
    """A new token in memory. It lives as long as the program."""
    from applet.os.store import MemoryStore
    from ushield.device.body import embody
    from ushield.making import make

    store = MemoryStore()
    make(store, making, entropy=entropy)
    card = embody(store, style)
    return Token("a fresh token", lambda: nullcontext(card))


class Work(NamedTuple):
    """What is at work: the service, who keeps its readers, its displays, and who answers."""

    service: PcscService
    keeper: Keeper
    displays: Displays
    control: Control


@contextmanager
def at_work(
    tokens: Sequence[Token],
    names: Sequence[str],
    socket: Path | None = None,
    tell: Callable[[str], None] = lambda _: None,
    trace: Path | None = None,
    *,
    style: Style = Style.LCD,
    script: Decide | None = None,
) -> Iterator[Work]:
    """A running service and the keeper of its readers: one for each token, in order, and each name.

    Readers without a name are given one, readers without a token stay empty. The cards are in
    before the first client can look. `tell` gets a line for each token that moves later. The
    dialogues with all cards are written to the file `trace`. Tokens that come later have displays
    of that style; `script` presses the buttons of all that have some.
    """
    from ushield.cli.displays import Displays
    from ushield.reader.control import Control, ControlServer
    from ushield.reader.service import PcscService, ReaderSpec, default_names

    count = max(len(tokens), len(names), 1)
    complete = [*names, *default_names(count)[len(names) :]]
    service = PcscService([ReaderSpec(name) for name in complete], socket)
    displays = Displays(complete, script)
    with listening(trace) as file:
        listen = listener(file)

        def around(reader: str, card: CardPort) -> CardPort:
            return listen(reader, displays.put_in(reader, card))

        with Keeper(service, around=around) as keeper:
            for number, token in enumerate(tokens):
                keeper.insert(number, token)
            keeper.tell = tell
            control = Control(keeper, lambda path: image_token(path, style), displays.verbs())
            # The path of the control socket is known when the service has started.
            with service, ControlServer(service.control_socket, control), closing(displays):
                yield Work(service, keeper, displays, control)


def listener(file: TraceFile | None) -> Callable[[str, CardPort], CardPort]:
    """What puts somebody who listens between a reader and its cards."""
    if file is None:
        return lambda _, card: card
    from host.trace import TracedCard

    return lambda reader, card: TracedCard(card, file.tracer(reader))
