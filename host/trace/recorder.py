"""Writes down what programs and cards say to each other, as somebody in between hears it."""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock

from host.trace.record import Happening
from host.trace.tracing import Tracer


class Recorder:
    """Hears of several readers, from several threads; one tracer writes for each reader.

    `wanted` says of a reader by its name whether it is to be recorded. What a command meets that
    has no answer is told as `Happening.NO_ANSWER`.
    """

    def __init__(self, tracer_of: Callable[[str], Tracer], wanted: Callable[[str], bool]) -> None:
        self._tracer_of = tracer_of
        self._wanted = wanted
        self._tracers: dict[str, Tracer] = {}
        self._atrs: dict[str, bytes] = {}
        self._lock = Lock()
        self.commands = 0
        """How many commands were written down."""

    def connected(self, reader: str, atr: bytes) -> None:
        """A program is connected to the reader; there may be no card in it."""
        with self._lock:
            self._atrs[reader] = atr

    def reset(self, reader: str, atr: bytes) -> None:
        """The card was reset, so that from now on all is known of it."""
        with self._lock:
            if self._wanted(reader):
                self._tracer(reader).event(Happening.RESET, atr)

    def exchanged(self, reader: str, command: bytes, answer: bytes, since: int) -> None:
        """A command that was sent at this time of the tracer's clock was answered just now."""
        with self._lock:
            if not self._wanted(reader):
                return
            if reader not in self._tracers:
                self._tracer(reader).event(Happening.CONNECTED, self._atrs.get(reader, b""))
            self.commands += 1
            tracer = self._tracer(reader)
            tracer.command(command, since)
            if answer:
                tracer.answer(answer)
            else:
                tracer.event(Happening.NO_ANSWER)

    def _tracer(self, reader: str) -> Tracer:
        tracer = self._tracers.get(reader)
        if tracer is None:
            tracer = self._tracers[reader] = self._tracer_of(reader)
        return tracer
