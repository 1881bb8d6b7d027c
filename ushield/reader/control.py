"""The control socket: readers managed from outside, by lines of JSON (docs/control.md).

`Control` and `Lines` are the protocol without I/O, `ControlServer` the threads around a socket.
Whatever a client sends is answered by one line and harms nobody else.
"""

from __future__ import annotations

import json
import logging
import os
import socket
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, suppress
from pathlib import Path
from threading import Event, Lock, Thread, current_thread
from types import MappingProxyType, TracebackType
from typing import Any, NamedTuple, Self

from ushield.reader.connection import listen, trusted
from ushield.reader.keeper import Keeper, Token, TokenError
from ushield.reader.specs import ReaderError

_log = logging.getLogger(__name__)

LONGEST_LINE = 65536
"""Bytes of a request, without its line feed."""

_FIELDS = {
    "list": frozenset[str](),
    "insert": frozenset({"reader", "token"}),
    "remove": frozenset({"reader"}),
    "reset": frozenset({"reader"}),
}
"""What each request may have besides "do"."""

_CHUNK = 8192
_MOST_CLIENTS = 64
_PAUSE_SECONDS = 0.1


class RequestError(ValueError):
    """A line that is no request; the message says what is wrong with it."""


class Verb(NamedTuple):
    """A further request that is answered here, about a display for instance.

    `fields` are what it may have besides "do" and "reader". `do` gets the reader and them, and
    gives the fields of the answer; RequestError or ReaderError to refuse.
    """

    fields: frozenset[str]
    do: Callable[[str | int | None, Mapping[str, Any]], dict[str, Any]]


class Request(NamedTuple):
    """What somebody wants done. Without a reader, the only one that can be meant."""

    do: str
    reader: str | int | None = None
    token: Path | None = None
    further: Mapping[str, Any] = MappingProxyType({})
    """What else a further verb was given."""


def parse_request(line: bytes, verbs: Mapping[str, Verb] = MappingProxyType({})) -> Request:
    """The request in a line of UTF-8 JSON. RequestError for anything else."""
    try:
        fields = json.loads(line.decode())
    except UnicodeDecodeError:
        raise RequestError("a request is UTF-8") from None
    except (ValueError, RecursionError):
        raise RequestError('a request is a line of JSON, such as {"do": "list"}') from None
    if not isinstance(fields, dict):
        raise RequestError('a request is an object, such as {"do": "list"}')
    do = fields.pop("do", None)
    if not isinstance(do, str) or do not in {*_FIELDS, *verbs}:
        raise RequestError(f'"do" is one of {", ".join((*_FIELDS, *verbs))}')
    known = verbs[do].fields | {"reader"} if do in verbs else _FIELDS[do]
    if unknown := sorted(fields.keys() - known):
        raise RequestError(f'"{do}" has no {unknown[0]!r}')
    reader, token = _reader(fields.pop("reader", None)), _token(fields.pop("token", None))
    return Request(do, reader, token, fields)


def _reader(value: Any) -> str | int | None:
    if value is None or type(value) in (str, int):
        return value  # type: ignore[no-any-return]
    raise RequestError('"reader" is a name or a number')


def _token(value: Any) -> Path | None:
    if value is None:
        return None
    if isinstance(value, str) and value.startswith("/") and "\0" not in value:
        with suppress(UnicodeEncodeError):
            os.fsencode(value)
            return Path(value)
    raise RequestError('"token" is the path of a token image, from the root on')


class Control:
    """Answers requests. `token_at` gives the token of a path, which is opened later.

    `verbs` are requests that others answer.
    """

    def __init__(
        self,
        keeper: Keeper,
        token_at: Callable[[Path], Token],
        verbs: Mapping[str, Verb] = MappingProxyType({}),
    ) -> None:
        self._keeper = keeper
        self._token_at = token_at
        self._verbs = verbs

    def answer(self, line: bytes | None) -> bytes:
        """One line of an answer to one line; None stands for a line that was too long."""
        try:
            if line is None:
                raise RequestError(f"a request has {LONGEST_LINE} bytes at most")
            result = self._do(parse_request(line, self._verbs))
        except (RequestError, ReaderError, TokenError) as refusal:
            result = {"ok": False, "error": " ".join(str(refusal).split())}
        except Exception:  # noqa: BLE001 a token is anybody's code; the others are to be answered
            _log.exception("a request failed")
            result = {"ok": False, "error": "a fault of the service; its log says more"}
        return json.dumps(result).encode() + b"\n"

    def _do(self, request: Request) -> dict[str, Any]:
        keeper = self._keeper
        if verb := self._verbs.get(request.do):
            return {"ok": True, **verb.do(request.reader, request.further)}
        match request.do:
            case "list":
                return {"ok": True, "readers": [info._asdict() for info in keeper.list()]}
            case "insert":
                token = None if request.token is None else self._token_at(request.token)
                moved = keeper.insert(request.reader, token)
            case "remove":
                moved = keeper.remove(request.reader)
            case _:
                moved = keeper.reset(request.reader)
        return {"ok": True, **moved._asdict()}


class Lines:
    """Bytes in, lines out. Never holds more than one line's bytes."""

    def __init__(self) -> None:
        self._held = bytearray()
        self._skipping = False

    def feed(self, data: bytes) -> Iterator[bytes | None]:
        """The lines that are complete now, None for one that was too long."""
        *complete, rest = data.split(b"\n")
        for piece in complete:
            yield self._end(piece)
        self._add(rest)

    def _end(self, piece: bytes) -> bytes | None:
        self._add(piece)
        line = None if self._skipping else bytes(self._held)
        self._held.clear()
        self._skipping = False
        return line

    def _add(self, piece: bytes) -> None:
        self._skipping = self._skipping or len(self._held) + len(piece) > LONGEST_LINE
        if self._skipping:
            self._held.clear()
        else:
            self._held += piece


class ControlServer:
    """Listens at a path, as a context manager; only the user himself, and root, are answered."""

    def __init__(self, path: Path, control: Control) -> None:
        self._path = path
        self._control = control
        self._lock = Lock()
        self._clients: dict[Thread, socket.socket] = {}
        self._stopped = Event()
        self._life = ExitStack()

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            self._listener = stack.enter_context(listen(self._path))
            self._acceptor = Thread(target=self._accept, name="ushield-control", daemon=True)
            self._acceptor.start()
            stack.callback(self._end)
            self._life = stack.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._life.close()

    def _accept(self) -> None:
        while not self._stopped.is_set():
            try:
                line, _ = self._listener.accept()
            except OSError:
                # It is the end, or no descriptor is left, and there may be one later.
                self._stopped.wait(_PAUSE_SECONDS)
            else:
                self._welcome(line)

    def _welcome(self, line: socket.socket) -> None:
        thread = Thread(target=self._attend, args=(line,), name="ushield-control", daemon=True)
        with self._lock:
            if self._stopped.is_set() or len(self._clients) >= _MOST_CLIENTS or not trusted(line):
                line.close()
                return
            try:
                thread.start()
            except RuntimeError:
                line.close()
                return
            self._clients[thread] = line

    def _attend(self, line: socket.socket) -> None:
        """One client from its first byte to its last."""
        lines = Lines()
        with suppress(OSError), line:
            while data := line.recv(_CHUNK):
                for request in lines.feed(data):
                    line.sendall(self._control.answer(request))
        with self._lock:
            self._clients.pop(current_thread(), None)

    def _end(self) -> None:
        with self._lock:
            self._stopped.set()
            clients = dict(self._clients)
        for line in (self._listener, *clients.values()):
            with suppress(OSError):
                line.shutdown(socket.SHUT_RDWR)
        for thread in (self._acceptor, *clients):
            thread.join()
