"""Commands to one card: sent through the layers, refusals raised, the environment remembered."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager

from apdu.command import Command, build_command, parse_command
from apdu.errors import ApduError
from apdu.filecontrol import FileControl, parse_file_control
from apdu.instruction import INS, name_of
from host.errors import (
    AnswerError,
    CardError,
    NoApplication,
    NotFound,
    UnsupportedError,
    card_error,
)
from host.exchange import SHORT, Transmit, chained, continued, undivided
from host.trace import TraceRecord
from host.transport import Transport

_OK = b"\x90\x00"
_FROM_MF, _FCI = 0x08, 0x00
_MOST_DATA = 65535

ALL = 256
"""Le of a short command that takes whatever there is."""

_BY_NAME = 0x04


Explain = Callable[[CardError, Transmit], CardError]
"""Asks the card what it meant by a refusal, right after it; a refusal that says more."""


class CardLink:
    """What a client sends its commands through.

    `extended` sends long commands with extended lengths (ISO 7816-3 §12.1.3), else they are
    chained. `trace` gets a record of every APDU; without it tracing costs nothing. `explain` is
    asked about every refusal, `name` says what the application calls a command.
    """

    def __init__(
        self,
        transport: Transport,
        *,
        extended: bool = False,
        trace: Callable[[TraceRecord], None] | None = None,
        explain: Explain | None = None,
        name: Callable[[Command], str] = name_of,
    ) -> None:
        self.transport = transport
        self._name = name
        self._explain = explain
        bottom = transport.transmit
        if trace is not None:
            from host.trace import traced

            bottom = traced(bottom, trace)
        whole = continued(bottom)
        whole = whole if extended else chained(whole)
        shared = not transport.exclusive
        self._transmit = undivided(whole, transport.transaction) if shared else whole
        self._exclusive = transport.exclusive
        self._environment: bytes | None = None

    def transaction(self) -> AbstractContextManager[None]:
        """Several commands that nobody else's may come between."""
        return self.transport.transaction()

    def send(self, command: bytes) -> bytes:
        """One command APDU; the data of its answer. CardError for any status word but 9000."""
        try:
            answer = self._transmit(command)
        except Exception:
            self._environment = None
            raise
        if answer[-2:] == _OK:
            return answer[:-2]
        raise self._refusal(command, answer)

    def command(
        self, ins: int, p1p2: int, data: bytes = b"", le: int = 0, *, cla: int = 0x00
    ) -> bytes:
        """A command by its fields. It may be one that changes the security environment."""
        self._environment = None
        return self.send(build(ins, p1p2, data, le, cla=cla))

    def use(self, environment: bytes, *commands: bytes) -> bytes:
        """Commands under a security environment, which `environment` (an MSE command) sets.

        An environment that is certainly still set is not set again: on an exclusive transport,
        when it is the very same object as last time and nothing else came between. On a shared one
        all is one transaction. The answer is the last command's.
        """
        if not self._exclusive:
            with self.transport.transaction():
                return self._use(environment, commands)
        if self._environment is environment and len(commands) == 1:
            return self.send(commands[0])
        return self._use(environment, commands)

    def _use(self, environment: bytes, commands: tuple[bytes, ...]) -> bytes:
        self._environment = None
        self.send(environment)
        self._environment = environment
        answer = b""
        for command in commands:
            answer = self.send(command)
        return answer

    def select_application(self, aid: bytes, name: str) -> bytes:
        """SELECT by its identifier; its control information, undecoded. NoApplication by `name`."""
        try:
            return self.command(INS.SELECT, _BY_NAME << 8, aid, 256)
        except NotFound as refusal:
            raise NoApplication(refusal.sw, refusal.command, name) from None

    def select(self, path: bytes) -> FileControl:
        """SELECT by the path from the master file (without it); the file's control information."""
        answer = self.command(INS.SELECT, _FROM_MF << 8 | _FCI, path, 256)
        try:
            return parse_file_control(answer)
        except ApduError as error:
            raise AnswerError(f"the control information of a file is wrong: {error}") from None

    def _refusal(self, command: bytes, answer: bytes) -> CardError:
        self._environment = None
        try:
            name = self._name(parse_command(command))
        except ApduError:
            name = "malformed command"
        refusal = card_error(int.from_bytes(answer[-2:], "big"), name)
        return refusal if self._explain is None else self._explain(refusal, self._transmit)


def build(ins: int, p1p2: int, data: bytes = b"", le: int = 0, *, cla: int = 0x00) -> bytes:
    """A command APDU, with extended lengths when it needs them.

    UnsupportedError for more data than any command carries (65,535 bytes).
    """
    if len(data) > _MOST_DATA:
        raise UnsupportedError(f"a command carries {_MOST_DATA} bytes at most, not {len(data)}")
    long = len(data) > SHORT or le > SHORT + 1
    return build_command(Command(cla, ins, p1p2 >> 8, p1p2 & 0xFF, data, le, extended=long))
