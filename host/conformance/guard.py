"""A layer in front of a card that never lets the last try of a PIN be spent."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from apdu.command import Command, parse_command
from apdu.errors import ApduError
from apdu.instruction import INS
from apdu.status import SW
from host.conformance.asking import Asking
from host.conformance.pins import LEAST, NO_PIN, PIN_OF, WORDS, PinSurvey, tries_left
from host.conformance.reach import BLOCK, PRESENTING, spent
from host.exchange import Transmit

_OK = b"\x90\x00"


class LastTryError(Exception):
    """A command was held back: it could have spent a last try."""


class Guard:
    """The layer, for one card; `transmit` is the way through it.

    It counts the tries that are left by what the card answers, from those of the survey on; of what
    it does not know it takes one to be left. What is certainly right may always be presented. To a
    card that may have counted a question nothing of the kind is sent at all.
    """

    def __init__(self, transmit: Transmit, pins: PinSurvey, values: Mapping[str, bytes]) -> None:
        self.over(transmit)
        self._full = dict(pins.tries)
        self._left = dict(pins.tries)
        self._right = dict(values)
        self._has_pin: dict[tuple[bytes, int], bool] = {}
        self._free: set[int] = set()
        self.telling = pins.telling
        """Whether the card, as far as is known, answers the question for tries, and counts none."""

    def over(self, transmit: Transmit) -> None:
        """From now on this is the way to the card: it is connected to anew."""
        self._send = transmit
        self._ask = Asking(transmit)

    def look(self, applications: Iterable[bytes], references: Iterable[int]) -> None:
        """Find out, before a dialogue, under which of these references the card has no PIN."""
        known = {reference for reference, pin in PIN_OF.items() if pin.name in self._full}
        unknown = sorted(set(references) - known)
        looked = [(aid, reference) for aid in applications for reference in unknown]
        for place in looked:
            if place not in self._has_pin and self.telling:
                self._has_pin[place] = self._ask_whether(*place)
        found = {
            reference for aid, reference in looked if self._has_pin.get((aid, reference), True)
        }
        self._free = set(unknown) - found

    def _ask_whether(self, aid: bytes, reference: int) -> bool:
        """Whether an application has a PIN under a reference, or may have."""
        self._ask.select(aid)
        sw = self._ask.command(INS.VERIFY, reference).sw
        self.telling = sw in NO_PIN or sw == SW.OK or tries_left(sw) is not None
        return sw not in NO_PIN

    def transmit(self, raw: bytes) -> bytes:
        """Pass a command on. LastTryError when it may spend a last try; then nothing was sent."""
        try:
            command = parse_command(raw)
        except ApduError:
            return self._send(raw)
        harmless = self.telling and (not command.data or command.p2 in self._free)
        if command.ins not in PRESENTING or harmless:
            return self._send(raw)
        name = spent(command)
        if not self._is_right(name, command):
            self._check(name, command)
        answer = self._send(raw)
        self._note(name, command, answer)
        return answer

    def _is_right(self, name: str, command: Command) -> bool:
        given = command.data if command.ins == INS.VERIFY else command.data[:BLOCK]
        return self.telling and not command.chained and self._right.get(name) == given

    def _check(self, name: str, command: Command) -> None:
        pin = PIN_OF.get(command.p2)
        if self.telling and self._left.get(name, 1) < LEAST and pin and name == pin.name:
            # It may be better than it looks: not everything that is refused is a try.
            told = tries_left(self._ask.command(INS.VERIFY, pin.reference).sw)
            self._left[name] = 1 if told is None else told
        if not self.telling or self._left.get(name, 1) < LEAST:
            what = WORDS.get(name) or f"a PIN with reference {command.p2:02X}"
            raise LastTryError(f"it could have spent the last try of {what}, and was held back")

    def _note(self, name: str, command: Command, answer: bytes) -> None:
        """Count what is left, and keep in mind which PIN is right from now on."""
        told = tries_left(int.from_bytes(answer[-2:], "big"))
        if answer[-2:] != _OK:
            self._left[name] = self._left.get(name, 1) - 1 if told is None else told
            return
        self._left[name] = self._full.get(name, 1)
        if len(command.data) == 2 * BLOCK:
            pin = PIN_OF.get(command.p2)
            changed = pin.name if pin is not None else name
            self._right[changed] = command.data[BLOCK:]
            self._left[changed] = self._full.get(changed, 1)
