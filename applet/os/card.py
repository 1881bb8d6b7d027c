"""The card: power, the class byte, choosing the applet, and status words at the edge.

Bytes come in and bytes go out; whatever comes in, a status word goes out.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence

from apdu.command import Command, parse_command
from apdu.errors import ApduError
from apdu.instruction import INS
from apdu.status import SW, exact_length
from applet.os.applet import Applet
from applet.os.channel import Chain, Outbox
from applet.os.errors import CardError, refuse_unless
from applet.os.store import Store, StoreError

_log = logging.getLogger(__name__)

_GET_RESPONSE, _SELECT, _GET_DATA = int(INS.GET_RESPONSE), int(INS.SELECT), int(INS.GET_DATA)
_BY_NAME = 0x04
_SHORTEST_AID = 5
_OK = int(SW.OK)
_OK_BYTES = _OK.to_bytes(2, "big")
_SECURE_MESSAGING, _CHAINED, _CHANNEL = 0x0C, 0x10, 0x03


class PowerError(RuntimeError):
    """A command was sent to a card without power."""


class Card:
    """A card with its applets; the first one is selected after reset.

    `strict` lets an unexpected exception through instead of answering 6F00: for tests.
    """

    def __init__(
        self, applets: Sequence[Applet], store: Store, *, atr: bytes, strict: bool = False
    ) -> None:
        self._applets = tuple(applets)
        self._store = store
        self._atr = atr
        self._strict = strict
        self._selected = self._applets[0]
        self._chain = Chain()
        self._outbox = Outbox()
        self._powered = False

    def power_on(self) -> bytes:
        """Begin a session; the ATR."""
        self._powered = True
        return self.reset()

    def reset(self) -> bytes:
        """Forget everything volatile; the ATR."""
        self._forget()
        return self._atr

    def power_off(self) -> None:
        """End the session. What was not committed is lost."""
        self._forget()
        self._powered = False

    def transmit(self, raw: bytes) -> bytes:
        """One command APDU in, one response APDU out. PowerError without power."""
        if not self._powered:
            raise PowerError("the card has no power: call power_on first")
        try:
            data, sw = self._process(parse_command(raw))
            self._store.commit()
        except CardError as refusal:
            data, sw = b"", self._drop(refusal.sw)
        except ApduError:
            data, sw = b"", self._drop(SW.WRONG_LENGTH)
        except StoreError:
            data, sw = b"", self._drop(SW.MEMORY_FAILURE)
        except Exception:
            self._drop(SW.INTERNAL)
            if self._strict:
                raise
            _log.exception("unexpected error inside the card")
            data, sw = b"", SW.INTERNAL
        return data + (_OK_BYTES if sw == _OK else sw.to_bytes(2, "big"))

    def _process(self, command: Command) -> tuple[bytes, int]:
        if command.cla:
            self._check_class(command)
        if command.ins == _GET_RESPONSE:
            self._chain.clear()
            return self._outbox.fetch(command)
        self._outbox.clear()
        whole = self._chain.take(command)
        if whole is None:
            return b"", _OK
        if whole.ins == _SELECT and whole.p1 == _BY_NAME:
            data = self._select(whole)
        else:
            data = self._selected.execute(whole)
        # GET DATA (CA) only reads: it names the exact length and is sent again. PIV's (CB) gives
        # what there is room for and 61xx (SP 800-73-4 part 2 §3.1.2).
        if 0 < whole.le < len(data) <= 256 and whole.ins == _GET_DATA:
            raise CardError(exact_length(len(data)))
        return self._outbox.send(data, whole.le)

    def _select(self, command: Command) -> bytes:
        """SELECT by application identifier, whole or cut on the right (ISO 7816-4 §11.1.1)."""
        refuse_unless(command.p2 in (0x00, 0x0C), SW.WRONG_P1P2)
        name = command.data
        for applet in self._applets:
            if any(self._names(name, aid) for aid in applet.aids):
                if applet is not self._selected:
                    self._selected.clear()
                self._selected = applet
                answer = applet.select()
                return b"" if command.p2 == 0x0C else answer
        raise CardError(SW.NOT_FOUND)

    @staticmethod
    def _names(name: bytes, aid: bytes) -> bool:
        return len(name) >= _SHORTEST_AID and aid.startswith(name)

    def _check_class(self, command: Command) -> None:
        """Refuse class bytes that mean what this card does not do (ISO 7816-4 §5.4.1)."""
        cla = command.cla
        if cla == _CHAINED or self._selected.accepts_class(command):
            return
        refuse_unless(cla < 0x20, SW.CLA_UNSUPPORTED)
        refuse_unless(not cla & _SECURE_MESSAGING, SW.SECURE_MESSAGING_UNSUPPORTED)
        refuse_unless(not cla & _CHANNEL, SW.LOGICAL_CHANNEL_UNSUPPORTED)

    def _drop(self, sw: int) -> int:
        self._store.abort()
        self._chain.clear()
        return sw

    def _forget(self) -> None:
        self._store.abort()
        self._chain.clear()
        self._outbox.clear()
        for applet in self._applets:
            applet.clear()
        self._selected = self._applets[0]
