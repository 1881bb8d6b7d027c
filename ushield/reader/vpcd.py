"""The plug into pcscd: a card connects to vsmartcard's virtual reader (vpcd) over TCP.

The reader asks, the card answers. A message of one byte is control: power off, power on and
reset have no answer; the question for the ATR has one, and is also how the reader looks whether
a card is there. Everything else is a command APDU, answered by the response APDU.
"""

import socket
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from enum import IntEnum
from queue import Empty, SimpleQueue
from select import select

from ushield.reader.card import CardPort
from ushield.reader.contacts import interruption
from ushield.reader.frames import LONGEST, Frames, build_frame
from ushield.reader.readahead import ReadAhead

DEFAULT_HOST = "127.0.0.1"
DEFAULT_PORT = 35963
"""Where the first slot of vpcd listens; the second slot is one port further."""

_FIRST_PAUSE, _LONGEST_PAUSE = 0.05, 0.5
_CONNECT_SECONDS = 2.0
_PATIENCE_SECONDS = 2.0
"""The reader looks for a card several times a second; a longer silence is worth a word."""

_CHUNK = 4096
_KEEPALIVE = {socket.TCP_KEEPIDLE: 10, socket.TCP_KEEPINTVL: 5, socket.TCP_KEEPCNT: 3}
"""Seconds without a word, seconds between questions, questions: a reader on a machine that lost
its power says no goodbye."""

_WRONG_LENGTH = b"\x67\x00"
"""For an answer that a message cannot carry: with an extended Le a card may give 65,538 bytes."""


class Control(IntEnum):
    """The one-byte messages of the reader."""

    POWER_OFF = 0x00
    POWER_ON = 0x01
    RESET = 0x02
    ATR = 0x04


_CONTROLS = frozenset(bytes((control,)) for control in Control)
_POWER = _CONTROLS - {bytes((Control.ATR,))}
"""What ends a command that waits for a person."""


@dataclass(frozen=True, slots=True)
class Session:
    """What happened between power on and power off."""

    commands: int
    seconds: float


def _ignore(*_: object) -> None:
    """Nobody wants to know."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlugEvents:
    """Whom to tell what happens to the plug. Called in the thread of `Plug.run`.

    `waiting` gets the reason in words, each reason once until the card is in. `plugged` is called
    when the reader has taken the card, `unplugged` when the connection has ended. A session lasts
    from power on to power off or to the end of the connection.
    """

    waiting: Callable[[str], None] = _ignore
    plugged: Callable[[], None] = _ignore
    session_begins: Callable[[], None] = _ignore
    session_ends: Callable[[Session], None] = _ignore
    unplugged: Callable[[], None] = _ignore


class Slot:
    """The card in the virtual reader: messages in, answers out, no socket."""

    def __init__(self, card: CardPort, events: PlugEvents) -> None:
        self._card = card
        self._events = events
        self._powered = False
        self._commands = 0
        self._began = 0.0
        # The reader asks for the ATR before it first gives power.
        self._atr = card.power_on()
        card.power_off()

    def answer(self, message: bytes) -> bytes | None:
        """The answer to one message, None where the reader expects none.

        A single byte that is no control is a command too short to be one: the reader waits for
        an answer to it, and the card has one (wrong length).
        """
        if message in _CONTROLS:
            return self._control(Control(message[0]))
        if not self._powered:
            self._power_on()
        self._commands += 1
        answer = self._card.transmit(message)
        return answer if len(answer) <= LONGEST else _WRONG_LENGTH

    def power_off(self) -> None:
        """End the session, if there is one."""
        if self._powered:
            self._powered = False
            self._card.power_off()
            self._events.session_ends(Session(self._commands, time.monotonic() - self._began))

    def _control(self, control: Control) -> bytes | None:
        match control:
            case Control.POWER_OFF:
                self.power_off()
            case Control.POWER_ON:
                self._power_on()
            case Control.RESET:
                self._reset()
            case Control.ATR:
                return self._atr
        return None

    def _power_on(self) -> None:
        """Power, also to a card that has it: a cold reset within the session."""
        self._atr = self._card.power_on()
        if not self._powered:
            self._powered, self._commands, self._began = True, 0, time.monotonic()
            self._events.session_begins()

    def _reset(self) -> None:
        if self._powered:
            self._atr = self._card.reset()
        else:
            self._power_on()


class Plug:
    """Keeps one card in a virtual reader until it is told to stop."""

    def __init__(
        self,
        card: CardPort,
        host: str = DEFAULT_HOST,
        port: int = DEFAULT_PORT,
        events: PlugEvents | None = None,
    ) -> None:
        self._card = card
        self._address = (host, port)
        self._events = events or PlugEvents()
        self._reasons: set[str] = set()
        self._line: socket.socket | None = None
        self._stopped = False
        # Not an Event: setting one in a signal handler can lock up the thread that waits for it.
        self._alarm: SimpleQueue[None] = SimpleQueue()

    def run(self) -> None:
        """Plug the card in, again and again, until `stop`. The card is left without power."""
        pauses = _pauses()
        while not self._stopped:
            if self._visit():
                pauses = _pauses()
            with suppress(Empty):
                self._alarm.get(timeout=next(pauses))

    def stop(self) -> None:
        """Pull the card out and make `run` return. From any thread or signal handler, any time."""
        self._stopped = True
        self._alarm.put(None)
        if (line := self._line) is not None:
            _hang_up(line)

    def _visit(self) -> bool:
        """One connection from beginning to end. Whether the reader took the card."""
        try:
            line = socket.create_connection(self._address, timeout=_CONNECT_SECONDS)
        except OSError as failure:
            self._tell("no virtual reader at {} yet ({})", failure.strerror or failure)
            return False
        with line:
            self._line = line
            try:
                # A stop that came before it could see the line has set the flag.
                return not self._stopped and self._plug_in(line)
            finally:
                self._line = None

    def _plug_in(self, line: socket.socket) -> bool:
        """Wait until the reader takes the card, then serve it. Whether it was taken."""
        _prepare(line)
        if not select([line], [], [], _PATIENCE_SECONDS)[0]:
            self._tell("the virtual reader at {} does not take the card: is another one in it?")
        data = _receive(line)
        if not data:
            self._tell("the virtual reader at {} hung up at once")
            return False
        self._reasons.clear()
        self._events.plugged()
        self._serve(line, data)
        self._events.unplugged()
        return True

    def _serve(self, line: socket.socket, data: bytes) -> None:
        """Answer until the line ends. The card is without power afterwards, come what may."""
        slot = Slot(self._card, self._events)
        messages: Iterable[bytes] = _messages(line, data)
        if (call_off := interruption(self._card)) is not None:
            messages = ReadAhead(messages, _POWER.__contains__, call_off)
        try:
            for message in messages:
                # An empty message is how vpcd reads a card that has hung up; it sends none.
                if not message:
                    return
                answer = slot.answer(message)
                if answer is not None and not _send(line, build_frame(answer)):
                    return
        finally:
            slot.power_off()
            # Whoever still reads finds the end.
            _hang_up(line)

    def _tell(self, reason: str, detail: object = None) -> None:
        text = reason.format("{}:{}".format(*self._address), detail)
        if text not in self._reasons and not self._stopped:
            self._reasons.add(text)
            self._events.waiting(text)


def _prepare(line: socket.socket) -> None:
    """Send at once, wait without limit, and notice a reader that is gone."""
    line.settimeout(None)
    line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    line.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for option, value in _KEEPALIVE.items():
        line.setsockopt(socket.IPPROTO_TCP, option, value)


def _pauses() -> Iterator[float]:
    """Seconds to wait before the next attempt: short at first, for a pcscd that restarts."""
    seconds = _FIRST_PAUSE
    while True:
        yield seconds
        seconds = min(seconds * 1.5, _LONGEST_PAUSE)


def _receive(line: socket.socket) -> bytes:
    """What has arrived; empty at the end of the line, however it ended.

    Some releases of vpcd send the length and the body in two segments and hold the second back
    until the first is acknowledged. Linux delays that by 40 ms unless it is told not to, and
    forgets what it was told, so it is told each time.
    """
    try:
        line.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)
        return line.recv(_CHUNK)
    except OSError:
        return b""


def _messages(line: socket.socket, data: bytes) -> Iterator[bytes]:
    """The messages of a line that began with these data, until it ends."""
    frames = Frames()
    while data:
        yield from frames.feed(data)
        data = _receive(line)


def _hang_up(line: socket.socket) -> None:
    with suppress(OSError):
        line.shutdown(socket.SHUT_RDWR)


def _send(line: socket.socket, frame: bytes) -> bool:
    """Whether the line still stood."""
    try:
        line.sendall(frame)
    except OSError:
        return False
    return True
