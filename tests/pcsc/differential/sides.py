"""The two sides: Debian's pcscd with vpcd, and our service."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Protocol

from tests.pcsc.differential.cards import ATRS, PatternCard
from tests.pcsc.differential.script import READERS, USUAL
from tests.pcsc.differential.wire import ABSENT, POWERED, Record, records, reset
from tests.pcscd import Pcscd, eventually, private_pcscd
from ushield.reader.service import PcscService, ReaderSpec
from ushield.reader.vpcd import Plug


class Side(Protocol):
    """A service with two readers; cards come into the first."""

    @property
    def environment(self) -> Mapping[str, str]:
        """In which a client finds it."""
        ...

    def prepare(self, what: str) -> None:
        """As after a start: nobody connected, and a card that has just been reset, or none."""
        ...

    def card(self, what: str) -> None:
        """`out`, `in`, or in with the ATR of that name. Returns when the service knows."""
        ...

    def record(self) -> Record:
        """The first reader, as the service tells it."""
        ...


class PcscdSide:
    """The judge. It looks for cards two or three times a second."""

    def __init__(self, daemon: Pcscd) -> None:
        self._daemon = daemon
        self._plug: Plug | None = None
        self._thread: threading.Thread | None = None
        self._atr = b""

    @property
    def environment(self) -> Mapping[str, str]:
        return self._daemon.env

    def record(self) -> Record:
        return records(self._daemon.socket)[0]

    def card(self, what: str) -> None:
        if what == "out":
            self._pull()
        else:
            self._plug_in(ATRS[USUAL if what == "in" else what])

    def prepare(self, what: str) -> None:
        if not self._idle():
            self._pull()
            self._daemon.restart()
        if what == "out":
            self._pull()
        elif self._atr != ATRS[what]:
            self._pull()
            self._plug_in(ATRS[what])
        if self._atr:
            assert self._reset()

    def close(self) -> None:
        """Pull the card, if it is in."""
        self._stop()

    def _idle(self) -> bool:
        """Whether all clients of the last script have been forgotten; a daemon may hang."""
        try:
            eventually(lambda: self.record().sharing == 0, "nobody is connected", 2)
            # After a power off, it may take pcscd a second until it gives power again.
            eventually(lambda: not self._atr or self._reset(), "the card is reset", 2)
        except (AssertionError, TimeoutError):
            return False
        return True

    def _reset(self) -> bool:
        return reset(self._daemon.socket, READERS[0]) == 0

    def _plug_in(self, atr: bytes) -> None:
        assert self._plug is None
        self._plug = Plug(PatternCard(atr), port=self._daemon.port)
        self._thread = threading.Thread(target=self._plug.run, name="plug", daemon=True)
        self._thread.start()
        self._atr = atr
        self._settle(lambda record: bool(record.state & POWERED) and record.atr == atr)

    def _pull(self) -> None:
        if self._plug is not None:
            self._stop()
            self._settle(lambda record: bool(record.state & ABSENT))

    def _stop(self) -> None:
        if self._plug is not None and self._thread is not None:
            self._plug.stop()
            self._thread.join()
            self._plug, self._thread, self._atr = None, None, b""

    def _settle(self, wanted: Callable[[Record], bool]) -> None:
        eventually(lambda: wanted(self.record()), "pcscd has noticed the card")


@contextmanager
def pcscd_side() -> Iterator[PcscdSide]:
    """A pcscd of its own."""
    with private_pcscd() as daemon:
        side = PcscdSide(daemon)
        try:
            yield side
        finally:
            side.close()


class ServiceSide:
    """Ours, a new one for each script."""

    def __init__(self) -> None:
        self._life = ExitStack()
        self._service: PcscService

    @property
    def environment(self) -> Mapping[str, str]:
        return os.environ | self._service.environment

    def record(self) -> Record:
        return records(self._service.socket)[0]

    def card(self, what: str) -> None:
        if what == "out":
            self._service.remove(0)
        else:
            self._service.insert(0, PatternCard(ATRS[USUAL if what == "in" else what]))

    def prepare(self, what: str) -> None:
        self.close()
        specs = [ReaderSpec(reader, None) for reader in READERS]
        self._service = self._life.enter_context(PcscService(specs))
        # A counter of 0 stands for none in SCardGetStatusChange; the judge's is long past it.
        self.card("in")
        if what != USUAL:
            self.card("out")
        if what not in (USUAL, "out"):
            self.card(what)

    def close(self) -> None:
        """End the service."""
        self._life.close()
