"""A PC/SC service in this process: any unmodified program finds its readers, without pcscd.

The thin shell around `ushield.reader.core`: a Unix socket, and a thread for each client. The core
is used under one lock. Whatever powers, resets or uses a card is done under that reader's own lock
as well, so that a long command holds up nobody but those who want the same card. A card whose
commands wait for a person has a method `interrupt`, by which they end at once.
"""

from __future__ import annotations

import logging
import secrets
import socket
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from threading import Condition, Lock, Thread, current_thread
from types import TracebackType
from typing import Self

from ushield.reader.answers import Hangup
from ushield.reader.card import CardPort
from ushield.reader.codes import Rv
from ushield.reader.connection import Connection, listen, trusted
from ushield.reader.contacts import interruption, take_power
from ushield.reader.core import Core
from ushield.reader.messages import Inbox, Message, MessageError, ReaderRecord, Release, Transmit
from ushield.reader.place import Place, place
from ushield.reader.slots import WAIT, Reader, Wait
from ushield.reader.specs import ReaderError, ReaderSpec, check_names, default_names
from ushield.reader.vigil import PAUSE_SECONDS, Vigil
from ushield.reader.watchers import Client

__all__ = ["VARIABLE", "PcscService", "ReaderError", "ReaderSpec", "default_names", "listen"]

_log = logging.getLogger(__name__)

VARIABLE = "PCSCLITE_CSOCK_NAME"
"""The environment variable by which pcsc-lite's client library finds a service."""

_MOST_CLIENTS = 1000
_CHUNK = 8192
_PATIENCE_SECONDS = 0.1
"""How long to wait when clients cannot be attended to."""
_LIVENESS_SECONDS = 0.2
"""How often a client that waits for a transaction is looked at: is it still there?"""


class PcscService:
    """A service with its readers, from `start` to `stop`; as a context manager it does both.

    Without `socket_path` it makes a private folder and removes it at the end. ReaderError for
    names that are taken twice, empty or too long, or more than 16 readers; PlaceError when there is
    no place for the sockets.
    """

    def __init__(
        self,
        readers: Sequence[ReaderSpec],
        socket_path: Path | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        check_names([spec.name for spec in readers])
        self._specs = tuple(readers)
        self._wanted = socket_path
        slots = [Reader(spec.name, clock) for spec in self._specs]
        self._core = Core(slots, lambda: secrets.randbits(31), _log.warning)
        self._busy = {reader: Lock() for reader in slots}
        self._changed = Condition(Lock())
        self._connections: dict[Client, Connection] = {}
        self._threads: set[Thread] = set()
        self._vigil = Vigil()
        self._stopping = False
        self._life = ExitStack()

    # --- life -----------------------------------------------------------------------------------

    def start(self) -> Self:
        """Put the cards in and answer clients from now on."""
        self._stopping = False
        with ExitStack() as stack:
            self._place: Place = stack.enter_context(place(self._wanted))
            for reader, spec in zip(self._core.readers, self._specs, strict=True):
                if spec.card is not None:
                    reader.insert(spec.card)
            self._listener = stack.enter_context(listen(self._place.socket))
            stack.callback(self._end)
            self._life = stack.pop_all()
        self._acceptor = Thread(target=self._accept, name="ushield-accept", daemon=True)
        self._acceptor.start()
        return self

    def stop(self) -> None:
        """Hang up on every client, take the cards' power away, and leave nothing behind."""
        self._life.close()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    @property
    def socket(self) -> Path:
        """The path of the socket that clients connect to."""
        return self._place.socket

    @property
    def control_socket(self) -> Path:
        """The path for the socket by which readers are managed from outside."""
        return self._place.control

    @property
    def environment(self) -> dict[str, str]:
        """What a client needs in its environment to find this service."""
        return {VARIABLE: str(self.socket)}

    # --- readers --------------------------------------------------------------------------------

    @property
    def readers(self) -> list[str]:
        """The names of the readers."""
        return [reader.name for reader in self._core.readers]

    def records(self) -> list[ReaderRecord]:
        """Name, state, connections and ATR of each reader, as clients see them."""
        with self._changed:
            return [reader.record for reader in self._core.readers]

    def insert(self, reader: str | int, card: CardPort) -> None:
        """Put a card in; waiting clients see it at once. ReaderError when there is one already."""
        slot = self._find(reader)
        with self._busy[slot], self._changing():
            if slot.contacts.card is not None:
                raise ReaderError(f"there is a card in {slot.name} already: remove it first")
            slot.insert(card)
            self._core.tell_all()

    def remove(self, reader: str | int) -> CardPort:
        """Pull the card out, also from under a command; the card. ReaderError without one.

        A command that waits for a person is called off, any other one is waited for.
        """
        slot = self._find(reader)
        with self._changing():
            card = slot.remove()
            if card is None:
                raise ReaderError(f"there is no card in {slot.name}")
            self._core.tell_all()
        with self._called_off(slot, interruption(card)):
            take_power(card)
        return card

    def reset(self, reader: str | int) -> None:
        """Reset the card by hand; every connection to it is told. ReaderError without one.

        A command that waits for a person is called off, any other one is waited for.
        """
        slot = self._find(reader)
        with self._called_off(slot, slot.contacts.call_off), self._changing():
            rv = slot.reset()
            self._core.tell_all()
        if rv is not Rv.SUCCESS:
            raise ReaderError(f"there is no card in {slot.name} that answers")

    @contextmanager
    def _called_off(self, slot: Reader, call_off: Callable[[], None] | None) -> Iterator[None]:
        """A reader to oneself: what waits in its card for a person waits no more."""
        busy = self._busy[slot]
        if call_off is None:
            busy.acquire()
        elif not busy.acquire(blocking=False):
            call_off()
            while not busy.acquire(timeout=PAUSE_SECONDS):
                call_off()
        try:
            yield
        finally:
            busy.release()

    def _find(self, reader: str | int) -> Reader:
        for place_, slot in enumerate(self._core.readers):
            if reader in (slot.name, place_):
                return slot
        raise ReaderError(f"there is no reader {reader!r}; there are: {', '.join(self.readers)}")

    # --- clients --------------------------------------------------------------------------------

    def _accept(self) -> None:
        while not self._stopping:
            try:
                line, _ = self._listener.accept()
                self._admit(Connection(line))
            except (OSError, RuntimeError) as fault:
                # No descriptor is left, or no thread can be started: there may be some later.
                if not self._stopping:
                    _log.warning("a client cannot be attended to: %s", fault)
                    time.sleep(_PATIENCE_SECONDS)

    def _admit(self, connection: Connection) -> None:
        """Attend to a client from now on, if it may come in."""
        thread = Thread(target=self._attend, args=(connection,), name="ushield-client", daemon=True)
        with ExitStack() as unless_admitted, self._changed:
            unless_admitted.callback(connection.close)
            full = len(self._connections) >= _MOST_CLIENTS
            if self._stopping or full or not trusted(connection.line):
                return
            thread.start()
            self._connections[connection.client] = connection
            self._threads.add(thread)
            unless_admitted.pop_all()

    def _attend(self, connection: Connection) -> None:
        """One client from its first byte to its last."""
        try:
            self._converse(connection)
        except (MessageError, Hangup) as fault:
            _log.info("a client was dropped: %s", fault)
        except OSError:
            pass
        finally:
            connection.close()
            self._forget(connection)

    def _converse(self, connection: Connection) -> None:
        inbox = Inbox()
        receive = connection.line.recv
        while data := receive(_CHUNK):
            inbox.feed(data)
            while (message := inbox.next()) is not None:
                with connection.answering:
                    if answer := self._answer(connection, message):
                        connection.line.sendall(answer)
                connection.send_signals()

    def _answer(self, connection: Connection, message: Message) -> bytes:
        """The answer to one request, after as long as it takes."""
        while True:
            seen = self._core.version
            answer = self._try(connection, message)
            if answer is not WAIT:
                return answer
            with self._changed:
                self._changed.wait_for(
                    lambda seen=seen: self._core.version != seen,  # type: ignore[misc]
                    _LIVENESS_SECONDS,
                )
            if self._stopping or connection.gone():
                raise Hangup("the client went away while it waited")

    def _try(self, connection: Connection, message: Message) -> bytes | Wait:
        """One attempt; WAIT when the client has to wait for another one's transaction."""
        client, body = connection.client, message.body
        if isinstance(body, Transmit):
            return self._transmit(connection, body, message.data)
        if isinstance(body, Release) and body.context == client.context:
            self._part(client)
        with self._changing():
            reader = self._core.touched(client, message)
            if reader is None:
                return self._core.handle(client, message)
        with self._busy[reader], self._changing():
            return self._core.handle(client, message)

    def _transmit(self, connection: Connection, request: Transmit, command: bytes) -> bytes | Wait:
        core, client = self._core, connection.client
        reader = client.handles.get(request.card)
        if reader is None:
            raise Hangup("a handle that is not the client's")
        # Not `_changing`, which costs more than all the rest: a transmission signals nobody.
        with self._busy[reader]:
            with self._changed:
                version = core.version
                rv = core.may_transmit(client, request)
                card, call_off = reader.contacts.card, reader.contacts.call_off
                if core.version != version:
                    self._changed.notify_all()
            if rv is WAIT:
                return WAIT
            if rv is not Rv.SUCCESS or card is None:
                return core.not_transmitted(request, rv)
            if call_off is None:
                answer = _ask(card, command)
            else:
                with self._vigil.over(connection, call_off):
                    answer = _ask(card, command)
            return core.transmitted(client, request, answer)

    def _forget(self, connection: Connection) -> None:
        self._part(connection.client)
        with self._changing():
            self._core.leave(connection.client)
            self._connections.pop(connection.client, None)
        self._threads.discard(current_thread())

    def _part(self, client: Client) -> None:
        """End a client's connections to one reader after the other, last where a card works."""
        held = self._core.held_by(client)
        for reader in sorted(held, key=lambda reader: self._busy[reader].locked()):
            with self._busy[reader], self._changing():
                self._core.part(client, reader)

    @contextmanager
    def _changing(self) -> Iterator[None]:
        """Use the core, alone; afterwards wake who waits and tell who is to be told."""
        with self._changed:
            version = self._core.version
            yield
            signals = self._core.watchers.take_signals()
            told = [(self._connections.get(client), data) for client, data in signals]
            if self._core.version != version:
                self._changed.notify_all()
        for connection, data in told:
            if connection is not None:
                connection.signal(data)

    def _end(self) -> None:
        with self._changed:
            self._stopping = True
            self._core.version += 1
            self._changed.notify_all()
            connections = list(self._connections.values())
            threads = list(self._threads)
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        for connection in connections:
            connection.hang_up()
        for thread in (self._acceptor, *threads):
            thread.join()
        self._vigil.end()
        for reader in self._core.readers:
            card = reader.remove()
            if card is not None:
                take_power(card)


def _ask(card: CardPort, command: bytes) -> bytes | None:
    """The card's answer; None when it has none, or fails."""
    try:
        answer = card.transmit(command)
        return answer if len(answer) >= 2 else None
    except Exception:  # noqa: BLE001 a card is anybody's code, and its fault is not the reader's
        _log.exception("a card failed")
        return None
