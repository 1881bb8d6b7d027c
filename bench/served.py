"""A worker that serves cards: ``python -m bench.served HOW``.

HOW is ``service KIND [READERS]``, our own service, or ``vpcd PORT KIND``, plugged into pcscd. KIND
is `null`, `chip` for a blank one, or `token` for one with PIN 123456, a key of RSA-2048 and one of
P-256; ``traced-chip`` and ``traced-token`` are such whose dialogue is written to a file. A service
says hello with the path of its socket. Asked for `rss` it answers the memory of its process in
bytes; for `work`, how many commands the first card has had and the seconds it took for them; for
`insert` or `remove`, the moment at which that was begun.
"""

from __future__ import annotations

import atexit
import resource
import shutil
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path
from threading import Thread
from time import perf_counter

from applet.os.store import MemoryStore
from bench.nullcard import NullCard
from bench.worker import answer_lines
from host.personalise import Profile
from host.trace import TracedCard
from host.trace.file import TraceFile
from ushield.device.assembly import assemble
from ushield.reader.card import CardPort
from ushield.reader.service import PcscService, ReaderSpec, default_names
from ushield.reader.vpcd import Plug
from ushield.tokens import manufacture


def main() -> None:
    """Serve until the end of the input."""
    with ExitStack() as stack:
        if sys.argv[1] == "vpcd":
            plug = Plug(_card(sys.argv[3]), port=int(sys.argv[2]))
            Thread(target=plug.run, daemon=True).start()
            stack.callback(plug.stop)
            answer_lines("plugged", str)
            return
        kind, count = sys.argv[2], int(sys.argv[3]) if len(sys.argv) > 3 else 1
        cards = [Timed(_card(kind)) if kind == "token" else _card(kind) for _ in range(count)]
        specs = map(ReaderSpec, default_names(count), cards)
        service = stack.enter_context(PcscService(list(specs)))
        answer_lines(str(service.socket), lambda line: _answer(service, cards[0], line))


class Timed:
    """A card whose work is timed. That costs time, so only what takes long is put into one.

    `commands` is how many it has had, `seconds` the time that it took for them.
    """

    def __init__(self, card: CardPort) -> None:
        self.power_on, self.reset, self.power_off = card.power_on, card.reset, card.power_off
        self._transmit = card.transmit
        self.commands, self.seconds = 0, 0.0

    def transmit(self, command: bytes, /) -> bytes:
        """As the card does it."""
        begin = perf_counter()
        answer = self._transmit(command)
        self.seconds += perf_counter() - begin
        self.commands += 1
        return answer


def _card(kind: str) -> CardPort:
    if kind == "null":
        return NullCard()
    traced, _, kind = kind.rpartition("-")
    store = MemoryStore()
    if kind == "token":
        manufacture(store, Profile.of(pin="123456", puk="12345678", keys=("rsa2048", "p256")))
    card = assemble(store)
    return TracedCard(card, _trace().tracer("reader")) if traced else card


def _trace() -> TraceFile:
    """A trace that is gone with this process."""
    folder = Path(tempfile.mkdtemp(prefix="bench-"))
    atexit.register(shutil.rmtree, folder)
    return TraceFile(folder / "trace.jsonl")


def _answer(service: PcscService, card: CardPort, line: str) -> object:
    begin = perf_counter()
    match line:
        case "insert":
            service.insert(0, NullCard())
        case "remove":
            service.remove(0)
        case "rss":
            pages = Path("/proc/self/statm").read_text().split()[1]
            return int(pages) * resource.getpagesize()
        case "work":
            assert isinstance(card, Timed)
            return f"{card.commands} {card.seconds}"
        case _:
            raise ValueError(line)
    return begin


if __name__ == "__main__":
    main()
