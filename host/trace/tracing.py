"""Listening in: a layer around a `transmit`, a card or a transport that hands on what passes."""

from __future__ import annotations

from collections.abc import Callable

from host.exchange import Transmit
from host.trace.record import CardEvent, Entry, Happening, TraceRecord
from host.trace.redaction import Redactor
from host.transport import AroundTransport, CardPort, Transport


def traced(transmit: Transmit, sink: Callable[[TraceRecord], None]) -> Transmit:
    """A layer that hands a record of each command, and then of each answer, to `sink`."""
    redactor = Redactor()

    def layer(raw: bytes) -> bytes:
        sink(redactor.command(raw))
        answer = transmit(raw)
        sink(redactor.answer(answer))
        return answer

    return layer


class Tracer:
    """Makes the entries of one reader's card, in order. `clock` counts microseconds from 0 on."""

    def __init__(self, sink: Callable[[Entry], None], reader: str, clock: Callable[[], int]):
        self._sink = sink
        self._reader = reader
        self._clock = clock
        self._redactor = Redactor()

    def event(self, happening: Happening, atr: bytes = b"") -> None:
        """Something happened to the card; `atr` is its answer to reset if it gave one."""
        if happening is not Happening.NO_ANSWER:
            self._redactor.started(atr)
        self._sink(Entry(self._clock(), self._reader, CardEvent(happening, atr)))

    def command(self, raw: bytes, at: int | None = None) -> None:
        """A command goes to the card; or went, at a time that the clock has given before."""
        at = self._clock() if at is None else at
        self._sink(Entry(at, self._reader, self._redactor.command(raw)))

    def answer(self, raw: bytes) -> None:
        """The card has answered."""
        self._sink(Entry(self._clock(), self._reader, self._redactor.answer(raw)))

    def card(self, card: CardPort) -> TracedCard:
        """This card, listened to."""
        return TracedCard(card, self)

    def around(self, transmit: Transmit) -> Transmit:
        """The same `transmit` with its entries around each command."""
        note_command, note_answer = self.command, self.answer

        def layer(command: bytes, /) -> bytes:
            note_command(command)
            try:
                answer = transmit(command)
            except BaseException:
                self.event(Happening.NO_ANSWER)
                raise
            note_answer(answer)
            return answer

        return layer


class TracedCard:
    """A card that is listened to, and behaves as the one inside in every way.

    `interrupt` is there when the card inside has it.
    """

    def __init__(self, card: CardPort, tracer: Tracer) -> None:
        self._card = card
        self._tracer = tracer
        self._transmit = tracer.around(card.transmit)
        interrupt = getattr(card, "interrupt", None)
        if interrupt is not None:
            self.interrupt = interrupt

    def power_on(self) -> bytes:
        """Give power; the answer to reset."""
        atr = self._card.power_on()
        self._tracer.event(Happening.POWER_ON, atr)
        return atr

    def transmit(self, command: bytes, /) -> bytes:
        """One command APDU in, one response APDU out."""
        return self._transmit(command)

    def reset(self) -> bytes:
        """Warm reset; the answer to reset."""
        atr = self._card.reset()
        self._tracer.event(Happening.RESET, atr)
        return atr

    def power_off(self) -> None:
        """Take the power away."""
        self._card.power_off()
        self._tracer.event(Happening.POWER_OFF)


class TracedTransport(AroundTransport):
    """A connection that is listened to: for a card that others have powered and may use as well.

    What the others send is not in the trace.
    """

    def __init__(self, transport: Transport, tracer: Tracer) -> None:
        super().__init__(transport)
        self._tracer = tracer
        self._transmit = tracer.around(transport.transmit)
        tracer.event(Happening.CONNECTED, transport.atr)

    def transmit(self, command: bytes, /) -> bytes:
        """Send one command APDU; the response APDU."""
        return self._transmit(command)

    def reset(self) -> bytes:
        """Reset the card; the answer to reset."""
        atr = super().reset()
        self._tracer.event(Happening.RESET, atr)
        return atr
