"""The PIV applet: each command decoded, allowed or refused, carried out."""

from __future__ import annotations

from typing import assert_never

from apdu.command import Command
from apdu.payload import Asked, PinRecord
from apdu.piv import DataObject
from apdu.pivedge import (
    ATTESTATION,
    CERTIFICATES,
    FACTORY_PIN,
    FACTORY_PUK,
    MANAGEMENT,
    PIN,
    PUK,
    SLOTS,
)
from apdu.pivmetadata import NO_ALGORITHM, Metadata, build_metadata
from apdu.status import SW
from applet.consent.desk import ConsentDesk
from applet.consent.pins import ask_new_pin, ask_pin_change, ask_pin_try
from applet.consent.words import Word
from applet.os.access import SecurityStatus
from applet.os.errors import CardError, refuse_unless
from applet.os.keys.entropy import Entropy
from applet.os.keys.keystore import KeyStore
from applet.os.lifecycle import Event, LifeCycle
from applet.os.pins import PinPolicy, Pins, Role
from applet.os.store import Store
from applet.piv import commands as c
from applet.piv import profile
from applet.piv.decode import decode
from applet.piv.management import Management
from applet.piv.objects import Objects
from applet.piv.slots import Slots

_PREFIX = "piv/"
_SERIAL = _PREFIX + "serial"
_SHOWN_PIN = "PIV"
"""What the display calls the PIN of this applet."""
_SLOTS_OF_CERTIFICATES = {tag: slot for slot, tag in CERTIFICATES.items()}
_FACTORY = {PIN: (Role.PIN, FACTORY_PIN), PUK: (Role.PUK, FACTORY_PUK)}
"""The two halves of the PIN, with what a new card has."""


class PivApplet:
    """One PIV application in its corner of the memory."""

    def __init__(
        self,
        store: Store,
        entropy: Entropy,
        policy: PinPolicy | None = None,
        consent: ConsentDesk | None = None,
    ) -> None:
        self._store = store
        self._entropy = entropy
        self._consent = consent or ConsentDesk(store)
        self._life = LifeCycle(store, _PREFIX)
        self._status = SecurityStatus(self._life)
        self._pins = Pins(
            store,
            _PREFIX,
            life=self._life,
            status=self._status,
            primary=PIN,
            policy=policy or PinPolicy(),
        )
        self._objects = Objects(store, _PREFIX, self._status)
        self._management = Management(store, _PREFIX, entropy)
        keys = KeyStore(store, _PREFIX, entropy)
        self._slots = Slots(store, _PREFIX, keys, self._status, self._consent)
        if not self._pins.exists(PIN):
            store.put(_SERIAL, profile.serial_number(entropy.random(profile.SERIAL_LENGTH)))
            self._give_birth()
            store.commit()

    @property
    def _serial(self) -> bytes:
        return self._store.get(_SERIAL) or bytes(profile.SERIAL_LENGTH)

    @property
    def aids(self) -> tuple[bytes, ...]:
        """The application's identifier with its version; hosts cut it where they like."""
        return (profile.AID,)

    def accepts_class(self, _command: Command, /) -> bool:
        """No class of its own."""
        return False

    def clear(self) -> None:
        """Reset, power-off, or another applet was chosen."""
        self._status.clear()
        self._management.clear()
        self._consent.forget()

    def select(self) -> bytes:
        """The application property template. A PIN that is verified stays so (part 2 §3.1.1)."""
        return profile.TEMPLATE

    def execute(self, command: Command) -> bytes:
        """Carry one command out."""
        typed = decode(command)
        if not isinstance(typed, c.GetConsent):
            self._consent.forget()
        self._life.require(typed.ability)
        return self._carry_out(typed)

    def _carry_out(self, typed: c.Typed) -> bytes:  # noqa: C901 one line a command
        match typed:
            case c.Authenticate():
                return self._authenticate(typed)
            case c.GetObject():
                return self._objects.get(typed.tag)
            case c.GetConsent():
                return self._consent.told(typed.tag)
            case c.PutObject():
                self._management.require()
                self._put(typed.given)
            case c.Verify():
                ask_pin_try(self._consent, _SHOWN_PIN, self._pins.left(PIN))
                self._pins.verify(PIN, typed.block)
            case c.AskPin():
                self._pins.ask(PIN)
            case c.Logout():
                self._status.revoke(PIN)
            case c.Change():
                if typed.role is Role.PIN:
                    ask_pin_change(self._consent, _SHOWN_PIN, self._pins.left(PIN))
                self._pins.change(PIN, typed.old, typed.new, role=typed.role)
            case c.Unblock():
                ask_new_pin(self._consent, _SHOWN_PIN, self._pins.left(PIN))
                # A wrong PUK costs a try whatever comes with it: ykman uses the tries up so.
                self._pins.unblock(PIN, typed.puk, typed.new, puk_first=True)
            case c.GenerateKey():
                self._management.require()
                return self._slots.generate(typed.slot, typed.template)
            case c.ImportKey():
                self._management.require()
                self._slots.put(typed.slot, typed.algorithm, typed.key)
            case c.SetManagementKey():
                self._management.require()
                self._management.change(typed.new)
            case c.SetTries():
                self._set_tries(typed.pin, typed.puk)
            case c.Reset():
                self._reset()
            case c.MoveKey():
                self._management.require()
                self._slots.move(typed.source, typed.target)
            case c.GetMetadata():
                return build_metadata(self._metadata(typed.reference))
            case c.Attest():
                return self._attest(typed.slot)
            case c.GetSerial():
                return self._serial
            case c.GetVersion():
                return profile.VERSION
            case _:
                assert_never(typed)
        return b""

    def _put(self, given: DataObject) -> None:
        slot = _SLOTS_OF_CERTIFICATES.get(given.tag)
        if slot is not None and not given.content and self._consent.wants(Asked.DELETION):
            from applet.consent.questions import about_file

            language = self._consent.settings.language
            self._consent.ask(about_file(Word.DELETE_CERTIFICATE, f"{slot:02X}", language))
        self._objects.put(given)

    def _authenticate(self, command: c.Authenticate) -> bytes:
        if command.key == MANAGEMENT:
            return self._management.authenticate(command.algorithm, command.template)
        return self._slots.use(command.key, command.algorithm, command.template)

    def _metadata(self, reference: int) -> Metadata:
        if reference == MANAGEMENT:
            return self._management.metadata()
        if reference in (*SLOTS, ATTESTATION):
            return self._slots.metadata(reference)
        refuse_unless(reference in _FACTORY, SW.REFERENCE_NOT_FOUND)
        role, value = _FACTORY[reference]
        (pin,) = self._pins.statuses()
        tries = (pin.pin_max, pin.pin_left) if role is Role.PIN else (pin.puk_max, pin.puk_left)
        return Metadata(NO_ALGORITHM, factory=self._pins.still(PIN, role, value), tries=tries)

    def _attest(self, slot: int) -> bytes:
        """6A80 for a key that was brought, 6A88 without it or without the key of attestation."""
        told = self._slots.metadata(slot)
        if told.imported or told.policy is None:
            raise CardError(SW.WRONG_DATA)
        # Only now: few ask for it, and certificates take their time to load.
        from applet.piv.attestation import NUMBER_BYTES, Attested, attest

        attested = Attested(slot, self._slots.key(slot), told.policy, self._serial)
        signer = self._slots.key(ATTESTATION)
        signers = self._objects.content(CERTIFICATES[ATTESTATION])
        return attest(attested, signer, signers, self._entropy.random(NUMBER_BYTES))

    def _set_tries(self, pin: int, puk: int) -> None:
        self._management.require()
        self._status.require_pin(PIN)
        self._store_pins(pin, puk)

    def _reset(self) -> None:
        blocked = self._pins.blocked(PIN)
        refuse_unless(blocked and self._pins.blocked(PIN, Role.PUK), SW.CONDITIONS)
        self._life.move(Event.FORMATTED)
        self._pins.clear()
        self._slots.clear()
        self._objects.clear()
        self.clear()
        self._give_birth()

    def _give_birth(self) -> None:
        self._store_pins(profile.PIN_TRIES, profile.PUK_TRIES)
        self._management.give_birth()
        self._life.move(Event.ACTIVATED)

    def _store_pins(self, pin: int, puk: int) -> None:
        record = PinRecord(FACTORY_PIN, FACTORY_PUK, pin, puk)
        self._pins.store(PIN, record)
