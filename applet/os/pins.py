"""PINs and PUKs: reference data with try counters (ISO 7816-4 §11.5).

A try is spent before anything is compared: the counter goes down and is committed, only then is
the candidate looked at, in constant time, and only a right one gives the tries back. So no cut of
power at any instant wins a free guess.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import Enum
from hmac import compare_digest

from apdu.errors import PayloadError
from apdu.payload import PinRecord, PinStatus, unpad_pin
from apdu.status import SW, tries_left
from applet.os.access import SecurityStatus
from applet.os.errors import CardError, refuse_unless
from applet.os.lifecycle import Event, LifeCycle
from applet.os.store import Records, Store

BLOCK = 8
"""Bytes of a PIN or PUK on the wire, padded at the end with FF."""


@dataclass(frozen=True, slots=True)
class PinPolicy:
    """What a PIN must be like when it is set. Lengths in bytes before padding."""

    pin_min: int = 6
    puk_min: int = 6
    most_tries: int = 15


class Role(Enum):
    """Which of the two reference data of a PIN is meant."""

    PIN = "pin"
    PUK = "puk"


@dataclass(frozen=True, slots=True)
class Counted:
    """Reference data of 8 bytes with its try counter."""

    value: bytes = field(repr=False)
    tries: int
    left: int


@dataclass(frozen=True, slots=True)
class Pin:
    """A PIN and the PUK that unblocks it."""

    pin: Counted
    puk: Counted

    def of(self, role: Role) -> Counted:
        """The half that is meant."""
        return self.pin if role is Role.PIN else self.puk


def _encode(pin: Pin) -> bytes:
    halves = (pin.pin, pin.puk)
    return b"".join(half.value + bytes((half.tries, half.left)) for half in halves)


def _decode(raw: bytes) -> Pin:
    def half(at: int) -> Counted:
        return Counted(raw[at : at + BLOCK], raw[at + BLOCK], raw[at + BLOCK + 1])

    return Pin(half(0), half(BLOCK + 2))


class Pins:
    """The PINs of one applet, references 1 to 14.

    `primary` is the holder's PIN: its blocking and unblocking move the life cycle.
    """

    def __init__(
        self,
        store: Store,
        prefix: str,
        *,
        life: LifeCycle,
        status: SecurityStatus,
        primary: int,
        policy: PinPolicy,
    ) -> None:
        self._store = store
        self._pins = Records(store, prefix + "pin/", _decode, _encode)
        self._life = life
        self._status = status
        self._primary = primary
        self._policy = policy

    def exists(self, reference: int) -> bool:
        """Whether there is such a PIN."""
        return self._pins.get(f"{reference:X}") is not None

    def statuses(self) -> list[PinStatus]:
        """Tries left and tries in all of each PIN, in the order of their references."""
        return [
            PinStatus(int(name, 16), pin.pin.left, pin.pin.tries, pin.puk.left, pin.puk.tries)
            for name in self._pins.names()
            if (pin := self._pins.get(name)) is not None
        ]

    def left(self, reference: int) -> int:
        """Tries of a PIN that are left; 0 also when there is no such PIN."""
        pin = self._pins.get(f"{reference:X}")
        return 0 if pin is None else pin.pin.left

    def blocked(self, reference: int, role: Role = Role.PIN) -> bool:
        """Whether there is such a PIN and no try of it, or of its PUK, is left."""
        pin = self._pins.get(f"{reference:X}")
        return pin is not None and pin.of(role).left == 0

    def still(self, reference: int, role: Role, public: bytes) -> bool:
        """Whether the value is still this one, which everybody knows; spends no try."""
        return compare_digest(self._get(reference).of(role).value, public)

    def store(self, reference: int, record: PinRecord) -> None:
        """Keep a new PIN with its PUK; what could not be used later is refused (6A80)."""
        self._check(record.pin, self._policy.pin_min)
        self._check(record.puk, self._policy.puk_min)
        for tries in (record.tries, record.puk_tries):
            refuse_unless(1 <= tries <= self._policy.most_tries, SW.WRONG_DATA)
        self._put(
            reference,
            Pin(
                Counted(record.pin, record.tries, record.tries),
                Counted(record.puk, record.puk_tries, record.puk_tries),
            ),
        )
        self._status.revoke(reference)
        self._life.move(Event.PIN_STORED)

    def clear(self) -> None:
        """Forget every PIN."""
        for name in list(self._pins.names()):
            self._pins.delete(name)
        self._status.clear()

    def ask(self, reference: int) -> None:
        """VERIFY without data: 9000 when verified, else 63Cx, or 6983 when blocked."""
        left = self._get(reference).pin.left
        if left == 0:
            raise CardError(SW.AUTH_BLOCKED)
        if not self._status.verified(reference):
            raise CardError(tries_left(left))

    def verify(self, reference: int, candidate: bytes) -> None:
        """Compare a PIN; a right one is granted, a wrong one spends a try (63Cx, 6983)."""
        self._present(reference, Role.PIN, candidate)
        self._status.grant(reference)

    def change(self, reference: int, old: bytes, new: bytes, *, role: Role = Role.PIN) -> None:
        """CHANGE REFERENCE DATA: the old PIN, or PUK, is presented, the new one kept."""
        is_pin = role is Role.PIN
        self._check(new, self._policy.pin_min if is_pin else self._policy.puk_min)
        self._present(reference, role, old)
        if is_pin:
            self._status.grant(reference)
        self._keep(reference, role, replace(self._get(reference).of(role), value=new))

    def unblock(
        self, reference: int, puk: bytes, new: bytes | None, *, puk_first: bool = False
    ) -> None:
        """RESET RETRY COUNTER: the PUK gives the PIN its tries back, and a new value if given.

        A new value that can be none (6A80) costs no try; with `puk_first` only if the PUK is right.
        """
        if new is not None and not puk_first:
            self._check(new, self._policy.pin_min)
        before = self._get(reference)
        self._present(reference, Role.PUK, puk)
        if new is not None and puk_first:
            self._check_or_restore(reference, before, new)
        pin = self._get(reference)
        fresh = Counted(pin.pin.value if new is None else new, pin.pin.tries, pin.pin.tries)
        self._put(reference, replace(pin, pin=fresh))
        self._status.revoke(reference)
        if reference == self._primary:
            self._life.move(Event.PIN_UNBLOCKED)

    def _check_or_restore(self, reference: int, before: Pin, new: bytes) -> None:
        """Take nothing of the try that was spent with it, if the new value can be none."""
        try:
            self._check(new, self._policy.pin_min)
        except CardError:
            self._put(reference, before)
            self._store.commit()
            raise

    def _present(self, reference: int, role: Role, candidate: bytes) -> None:
        refuse_unless(len(candidate) == BLOCK, SW.WRONG_LENGTH)
        pin = self._get(reference)
        counted = pin.of(role)
        if counted.left == 0:
            raise CardError(SW.AUTH_BLOCKED)
        spent = replace(counted, left=counted.left - 1)
        self._keep(reference, role, spent)
        self._store.commit()
        if not compare_digest(candidate, counted.value):
            self._status.revoke(reference)
            raise CardError(tries_left(spent.left) if spent.left else SW.AUTH_BLOCKED)
        self._keep(reference, role, replace(counted, left=counted.tries))

    def _keep(self, reference: int, role: Role, counted: Counted) -> None:
        """Write one half; the blocking of the holder's PIN is written in the same transaction."""
        pin = self._get(reference)
        was = pin.pin.left
        pin = replace(pin, pin=counted) if role is Role.PIN else replace(pin, puk=counted)
        self._put(reference, pin)
        if reference == self._primary and bool(was) != bool(pin.pin.left):
            self._life.move(Event.PIN_UNBLOCKED if pin.pin.left else Event.PIN_BLOCKED)

    def _get(self, reference: int) -> Pin:
        pin = self._pins.get(f"{reference:X}")
        if pin is None:
            raise CardError(SW.REFERENCE_NOT_FOUND)
        return pin

    def _put(self, reference: int, pin: Pin) -> None:
        self._pins.put(f"{reference:X}", pin)

    @staticmethod
    def _check(block: bytes, at_least: int) -> None:
        """A block that holds too little could never be presented: hosts refuse a PIN so short."""
        try:
            length = len(unpad_pin(block))
        except PayloadError:
            raise CardError(SW.WRONG_DATA) from None
        refuse_unless(length >= at_least, SW.WRONG_DATA)
