"""A model of PINs, PUKs and the life cycle, written from the rules alone, walked beside the card.

The rules: docs/vectors.md (PIN rules, life cycle), ISO 7816-4 §7.4.10 and §11, ISO 7816-9. The
model knows nothing of the chip's code: it keeps a few numbers and says which status word is due.
"""

from __future__ import annotations

from dataclasses import dataclass

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from applet.os.store import MemoryStore
from tests.chip.cards import AID, EC, Chip, activated, blank, cells, create_key, personalised

MANUFACTURED, PERSONALISED, DEACTIVATED, ACTIVATED, PIN_BLOCKED, TERMINATED = 1, 3, 4, 5, 7, 12
USER, OFFICER = 1, 3
OK, DENIED, BLOCKED, REFUSED, WRONG_DATA = "9000", "6982", "6983", "6985", "6A80"
NOT_THERE, EXISTS = "6A88", "6A89"

VALUES = [b"123456\xff\xff", b"87654321", b"12345678", b"abcdefg\xff"]
TOO_SHORT = b"12345\xff\xff\xff"

REFERENCES = st.sampled_from([USER, OFFICER, 2])
BLOCKS = st.sampled_from(VALUES)
NEW = st.sampled_from([*VALUES, TOO_SHORT])
TRIES = st.integers(1, 4)


@dataclass
class Secret:
    """A PIN or a PUK: what it is, how many tries it has and how many are left."""

    value: bytes
    tries: int
    left: int


@dataclass
class Pair:
    """A PIN with its PUK."""

    pin: Secret
    puk: Secret


class Model(RuleBasedStateMachine):
    """The card and the model; every rule sends one command and compares the status words."""

    @initialize(start=st.sampled_from(["blank", "personalised", "activated"]))
    def begin(self, start: str) -> None:
        makers = {"blank": blank, "personalised": personalised, "activated": activated}
        self.chip: Chip = makers[start]()
        self.verified: set[int] = set()
        self.pairs: dict[int, Pair] = {}
        self.key = start != "blank"
        self.phase = {"blank": MANUFACTURED, "personalised": PERSONALISED}.get(start, ACTIVATED)
        if start != "blank":
            for reference, pin in ((USER, b"123456\xff\xff"), (OFFICER, b"87654321")):
                self.pairs[reference] = Pair(Secret(pin, 6, 6), Secret(b"12345678", 10, 10))

    # What the card must answer

    def due_present(self, reference: int, secret: Secret, block: bytes) -> str:
        """Present a PIN or a PUK: the try is spent, and given back when the block is right."""
        if secret.left == 0:
            return BLOCKED
        if block == secret.value:
            secret.left = secret.tries
            return OK
        secret.left -= 1
        self.verified.discard(reference)
        return f"63C{secret.left}" if secret.left else BLOCKED

    def due_verify(self, reference: int, block: bytes) -> str:
        if self.phase in (MANUFACTURED, TERMINATED):
            return REFUSED
        if reference not in self.pairs:
            return NOT_THERE
        sw = self.due_present(reference, self.pairs[reference].pin, block)
        if sw == OK:
            self.verified.add(reference)
        self.follow_holder()
        return sw

    def follow_holder(self) -> None:
        """A card in use follows its holder's PIN into PIN BLOCKED and back."""
        if self.phase in (ACTIVATED, PIN_BLOCKED):
            holder = self.pairs.get(USER)
            blocked = holder is not None and holder.pin.left == 0
            self.phase = PIN_BLOCKED if blocked else ACTIVATED

    def due_ask(self, reference: int) -> str:
        if reference not in self.pairs:
            return NOT_THERE
        left = self.pairs[reference].pin.left
        if left == 0:
            return BLOCKED
        return OK if reference in self.verified else f"63C{left}"

    # Commands

    @rule(reference=REFERENCES, block=BLOCKS)
    def verify(self, reference: int, block: bytes) -> None:
        due = self.due_verify(reference, block)
        assert self.chip.sw(f"00 20 00 0{reference} [ {{block}} ]", block=block) == due

    @rule(reference=REFERENCES)
    def verify_right(self, reference: int) -> None:
        pair = self.pairs.get(reference)
        self.verify(reference, pair.pin.value if pair else VALUES[0])

    @rule(reference=REFERENCES, block=st.binary(min_size=1, max_size=20))
    def verify_malformed(self, reference: int, block: bytes) -> None:
        if len(block) != 8:
            assert self.chip.sw(f"00 20 00 0{reference} [ {{block}} ]", block=block) == "6700"

    @rule(reference=REFERENCES, old=BLOCKS, new=NEW)
    def change(self, reference: int, old: bytes, new: bytes) -> None:
        if self.phase in (MANUFACTURED, TERMINATED):
            due = REFUSED
        elif new == TOO_SHORT:
            due = WRONG_DATA
        else:
            due = self.due_verify(reference, old)
            if due == OK:
                self.pairs[reference].pin.value = new
        sw = self.chip.sw(f"00 24 00 0{reference} [ {{old}} {{new}} ]", old=old, new=new)
        assert sw == due

    @rule(reference=REFERENCES, puk=BLOCKS, new=st.none() | NEW)
    def unblock(self, reference: int, puk: bytes, new: bytes | None) -> None:
        due = self.due_unblock(reference, puk, new)
        p1 = "01" if new is None else "00"
        command = f"00 2C {p1} 0{reference} [ {{puk}} {{new}} ]"
        assert self.chip.sw(command, puk=puk, new=new or b"") == due

    def due_unblock(self, reference: int, puk: bytes, new: bytes | None) -> str:
        if self.phase not in (PERSONALISED, ACTIVATED, PIN_BLOCKED):
            return REFUSED
        if new == TOO_SHORT:
            return WRONG_DATA
        if reference not in self.pairs:
            return NOT_THERE
        pair = self.pairs[reference]
        sw = self.due_present(reference, pair.puk, puk)
        if sw == OK:
            pair.pin.left = pair.pin.tries
            pair.pin.value = new or pair.pin.value
            self.verified.discard(reference)
        self.follow_holder()
        return sw

    @rule(reference=REFERENCES | st.just(0))
    def logout(self, reference: int) -> None:
        due = OK if reference == 0 or reference in self.pairs else NOT_THERE
        if reference == 0:
            self.verified.clear()
        self.verified.discard(reference)
        assert self.chip.sw(f"00 2E 00 0{reference}") == due

    @rule(how=st.sampled_from(["reset", "power", "select", "part", "battery"]))
    def forget(self, how: str) -> None:
        """Whatever ends a session takes every verified PIN back and leaves all else."""
        if how == "reset":
            self.chip.card.reset()
        elif how == "power":
            self.chip.card.power_off()
            self.chip.card.power_on()
        elif how == "select":
            self.chip.ok(f"00 A4 04 0C [ {AID} ]")
        elif how == "part":
            self.chip.ok("00 A4 04 0C [ F0555348 49 ]")
        else:
            self.chip = Chip(MemoryStore(cells(self.chip.store)))
        self.verified.clear()

    @rule()
    def select_another(self) -> None:
        assert self.chip.sw("00 A4 04 00 [ A000000308 ]") == "6A82"

    @rule(reference=REFERENCES, pin=NEW, puk=NEW, tries=TRIES, puk_tries=TRIES)
    def store_pin(self, reference: int, pin: bytes, puk: bytes, tries: int, puk_tries: int) -> None:
        due = self.due_store(reference, pin, puk)
        if due == OK:
            self.pairs[reference] = Pair(
                Secret(pin, tries, tries), Secret(puk, puk_tries, puk_tries)
            )
            self.verified.discard(reference)
            if self.phase == MANUFACTURED:
                self.phase = PERSONALISED
        command = f"00 DA 01 0{reference} [ {{pin}} {{puk}} {{counts}} 00 ]"
        counts = bytes((tries, puk_tries))
        assert self.chip.sw(command, pin=pin, puk=puk, counts=counts) == due

    def due_store(self, reference: int, pin: bytes, puk: bytes) -> str:
        if self.phase in (DEACTIVATED, TERMINATED):
            return REFUSED
        if self.phase in (ACTIVATED, PIN_BLOCKED):
            if USER not in self.verified:
                return DENIED
            if reference in self.pairs:
                return EXISTS
        return WRONG_DATA if TOO_SHORT in (pin, puk) else OK

    @rule()
    def make_key(self) -> None:
        """While the card is built a key may be made without any PIN."""
        if self.phase in (MANUFACTURED, PERSONALISED) and not self.key:
            create_key(self.chip, "22", EC, 256, None, "1111FF")
            self.chip.ok("00 46 00 00")
            self.key = True

    @rule()
    def sign(self) -> None:
        environment = self.chip.sw(f"00 22 41 B6 [ 80 01 04 81 02 {EC} ]")
        assert environment == (OK if self.key else NOT_THERE)
        if self.phase == PIN_BLOCKED:
            due = BLOCKED
        elif self.phase != ACTIVATED or not self.key:
            due = REFUSED
        else:
            due = OK if USER in self.verified else DENIED
        data, sw = self.chip.send("00 2A 9E 9A [ 42*32 ] 00")
        assert (f"{sw:04X}", bool(data)) == (due, due == OK)

    def due_officer(self, *, phases: tuple[int, ...], free: tuple[int, ...] = ()) -> str:
        """What only the officer may do, and in some phases whoever comes."""
        if self.phase in free:
            return OK
        if self.phase not in phases:
            return BLOCKED if self.phase == PIN_BLOCKED else REFUSED
        return OK if OFFICER in self.verified else DENIED

    @rule(sure=st.integers(0, 3))
    def erase(self, sure: int) -> None:
        if sure:
            return
        due = self.due_officer(phases=(ACTIVATED, PIN_BLOCKED), free=(MANUFACTURED, PERSONALISED))
        if due == OK:
            self.phase, self.key = MANUFACTURED, False
            self.pairs.clear()
            self.verified.clear()
        assert self.chip.sw("00 DA 01 E0 [ 0000 113FFF 111FFF ]") == due

    @rule()
    def activate(self) -> None:
        due = self.due_officer(phases=(DEACTIVATED,), free=(PERSONALISED,))
        if due == OK:
            self.phase = ACTIVATED
            self.follow_holder()
            self.verified.clear()
        assert self.chip.sw(f"00 44 04 00 [ {AID} ]") == due

    @rule()
    def deactivate(self) -> None:
        due = self.due_officer(phases=(ACTIVATED, PIN_BLOCKED))
        if due == OK:
            self.phase = DEACTIVATED
            self.verified.clear()
        assert self.chip.sw("00 04 00 00") == due

    @rule(sure=st.integers(0, 5))
    def terminate(self, sure: int) -> None:
        if sure:
            return
        due = self.due_officer(phases=(ACTIVATED, PIN_BLOCKED, DEACTIVATED))
        if due == OK:
            self.phase = TERMINATED
            self.verified.clear()
        assert self.chip.sw("00 FE 00 00") == due

    # What holds after every command

    @invariant()
    def counters_agree(self) -> None:
        if hasattr(self, "chip"):
            records = b"".join(
                bytes((ref, p.pin.left, p.pin.tries, p.puk.left, p.puk.tries))
                for ref, p in sorted(self.pairs.items())
            )
            assert self.chip.ok("00 CA 01 B3 00") == records

    @invariant()
    def phase_agrees(self) -> None:
        if hasattr(self, "chip"):
            assert self.chip.ok("00 CA 01 B2 00") == bytes((self.phase,))

    @invariant()
    def verified_state_agrees(self) -> None:
        if hasattr(self, "chip"):
            for reference in (USER, 2, OFFICER):
                assert self.chip.sw(f"00 20 00 0{reference}") == self.due_ask(reference)


TestModel = Model.TestCase
TestModel.settings = settings(
    max_examples=max(60, settings().max_examples // 2), stateful_step_count=60
)
