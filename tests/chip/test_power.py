"""Power: what a session forgets, what memory keeps, and a cut at any instant.

A cut is a memory that stops the chip at its n-th commit: just before, when nothing of it is kept,
or just after, when it is kept and nothing more is done. After it the card starts from the cells.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

import pytest

from applet.os.store import MemoryStore, StoreError
from tests.chip import cards
from tests.chip.cards import AID, DIGEST_INFO, EC, SIGN, Chip, activated, cells, personalised
from ushield.device.assembly import assemble

INFO = DIGEST_INFO + bytes(range(32))
WRONG = b"999999\xff\xff"
FIRST_PIECE, LAST_PIECE = "10 2A 9E 9A [ {head} ]", "00 2A 9E 9A [ {tail} ] 00"


# Sessions


def _power(chip: Chip) -> None:
    chip.card.power_off()
    chip.card.power_on()


ENDS: dict[str, Callable[[Chip], object]] = {
    "reset": lambda chip: chip.card.reset(),
    "power": _power,
    "select": lambda chip: chip.ok(f"00 A4 04 0C [ {AID} ]"),
    "select the other name": lambda chip: chip.ok("00 A4 04 0C [ F0555348 49454C44 01 ]"),
    "select a part": lambda chip: chip.ok("00 A4 04 0C [ A0000000 63 ]"),
}


@pytest.fixture(params=list(ENDS.values()), ids=list(ENDS))
def end(request: pytest.FixtureRequest) -> Callable[[Chip], object]:
    """One of the ways in which a session ends."""
    way: Callable[[Chip], object] = request.param
    return way


def test_the_end_of_a_session_takes_back_every_pin(end: Callable[[Chip], object]) -> None:
    chip = activated()
    chip.verify()
    chip.ok("00 20 00 03 [ {so-pin} ]")
    end(chip)
    assert chip.sw("00 20 00 01") == "63C6"
    assert chip.sw("00 20 00 03") == "63C6"
    assert chip.sw("00 04 00 00") == "6982"
    chip.environment("41 B6", "02", SIGN)
    assert chip.sw("00 2A 9E 9A [ {info} ] 00", info=INFO) == "6982"


def test_the_end_of_a_session_forgets_the_environment(end: Callable[[Chip], object]) -> None:
    chip = activated()
    for use, key in (("41 B6", SIGN), ("41 B8", cards.DECIPHER), ("41 A4", EC), ("81 B6", SIGN)):
        chip.environment(use, "02", key)
    chip.ok("00 2A 90 80 [ 616263 ]")
    end(chip)
    chip.verify()
    assert chip.sw("00 2A 9E 9A [ {info} ] 00", info=INFO) == "6985"
    assert chip.sw("00 2A 80 86 [ 00 55*128 ] 00") == "6985"
    assert chip.sw("00 86 00 00 [ 7C ( 85 ( 04 55*64 ) ) ] 00") == "6985"
    assert chip.sw("00 2A 00 A8 [ 9E ( 00 ) 9A ( 00 ) ]") == "6985"
    chip.environment("41 B6", "02", SIGN)
    assert chip.sw("00 2A 9E 9A 00") == "6985", "the digest is forgotten"


def test_the_end_of_a_session_drops_a_chain(end: Callable[[Chip], object]) -> None:
    chip = activated()
    chip.verify()
    chip.environment("41 B6", "02", SIGN)
    whole = chip.ok("00 2A 9E 9A [ {info} ] 00", info=INFO)
    assert chip.sw(FIRST_PIECE, head=INFO[:20]) == "9000"
    end(chip)
    chip.verify()
    chip.environment("41 B6", "02", SIGN)
    assert chip.ok(LAST_PIECE, tail=INFO) == whole, "the first piece was not put before it"


@pytest.mark.parametrize("lose", [_power, ENDS["reset"]], ids=["power", "reset"])
def test_the_very_next_command_does_not_end_the_old_chain(lose: Callable[[Chip], object]) -> None:
    """The same command follows at once: only the loss of the session can have dropped the chain."""
    chip = activated()
    chip.ok("10 20 00 01 [ 313233 ]")
    lose(chip)
    assert chip.sw("00 20 00 01 [ 343536FFFF ]") == "6700"
    assert chip.sw("00 20 00 01") == "63C6"


def test_the_end_of_a_session_drops_the_half_of_a_key(end: Callable[[Chip], object]) -> None:
    chip = activated()
    chip.verify()
    chip.ok(f"00 A4 08 0C [ 5015 {EC} ]")
    before = chip.ok("00 CA 01 86 00")
    chip.ok("00 DA 01 87 [ 00*31 01 ]")
    end(chip)
    chip.verify()
    chip.ok(f"00 A4 08 0C [ 5015 {EC} ]")
    assert chip.ok("00 CA 01 86 00") == before
    chip.ok("00 DA 01 86 [ 04 55*64 ]")
    assert chip.ok("00 CA 01 86 00") == before, "one part alone makes no key"


def test_the_end_of_a_session_drops_half_a_cryptogram(end: Callable[[Chip], object]) -> None:
    chip = activated()
    chip.verify()
    chip.environment("41 B8", "00", cards.DECIPHER)
    chip.ok("00 2A 80 86 [ 81 55*128 ]")
    end(chip)
    chip.verify()
    chip.environment("41 B8", "02", cards.DECIPHER)
    assert chip.sw("00 2A 80 86 [ 82 55*128 ] 00") == "6700"


def test_the_end_of_a_session_drops_what_was_not_fetched(end: Callable[[Chip], object]) -> None:
    chip = activated()
    chip.verify()
    chip.environment("41 B6", "02", SIGN)
    assert chip.send("00 2A 9E 9A [ {info} ] 10", info=INFO)[1] == 0x61F0
    end(chip)
    assert chip.sw("00 C0 00 00 00") == "6985"


def test_the_end_of_a_session_drops_its_files(end: Callable[[Chip], object]) -> None:
    """A secret key file is for one session (OpenSC makes it for what ECDH gives)."""
    chip = activated()
    chip.verify()
    chip.ok("00 A4 08 0C [ 5015 ]")
    chip.ok("00 E0 00 00 [ 62 ( 81 ( 0100 ) 82 ( 41 ) 83 ( 4B20 ) 86 ( 1111FF ) 85 ( 0001 ) ) ]")
    chip.ok("00 A4 08 0C [ 5015 4B20 ]")
    end(chip)
    assert chip.sw("00 A4 08 00 [ 5015 4B20 ]") == "6A82"
    assert chip.copy().sw("00 A4 08 00 [ 5015 4B20 ]") == "6A82"


def test_the_end_of_a_session_keeps_the_tries(end: Callable[[Chip], object]) -> None:
    chip = activated()
    for left in "54321":
        assert chip.sw("00 20 00 01 [ {wrong} ]", wrong=WRONG) == f"63C{left}"
        end(chip)
    assert chip.sw("00 20 00 01 [ {wrong} ]", wrong=WRONG) == "6983"
    end(chip)
    assert chip.sw("00 20 00 01 [ {pin} ]") == "6983"
    assert chip.ok("00 CA 01 B2 00") == b"\x07"


def test_a_piece_of_a_chain_is_nothing_without_the_rest() -> None:
    """Power goes in the middle of a chain: the memory is as before, and so is the card."""
    chip = activated()
    chip.verify()
    chip.ok("00 A4 08 0C [ 2F00 ]")
    before = cells(chip.store)
    chip.ok("10 D6 00 00 [ FF*20 ]")
    assert cells(chip.store) == before
    again = chip.copy()
    again.verify()
    again.ok("00 A4 08 0C [ 2F00 ]")
    again.ok("00 D6 00 00 [ EE*4 ]")
    assert again.ok("00 B0 00 00 06")[:4] == b"\xee" * 4
    assert again.ok("00 B0 00 04 02") != b"\xff\xff"


# Cuts


class Cut(Exception):
    """The power is gone."""


class CutStore(MemoryStore):
    """A memory whose n-th commit is the last thing that happens, kept or not."""

    def __init__(self, start: Mapping[str, bytes], at: int, *, kept: bool) -> None:
        super().__init__(start)
        self._lasting = dict(start)
        self._countdown = at
        self._kept = kept

    def commit(self) -> None:
        changes = bool(self._before)
        if changes and self._countdown == 0 and not self._kept:
            raise Cut
        super().commit()
        self._lasting = dict(self._cells)
        if changes:
            if self._countdown == 0:
                raise Cut
            self._countdown -= 1

    def after(self) -> MemoryStore:
        """The memory as the next power-on finds it."""
        return MemoryStore(self._lasting)


def _cuts(start: Mapping[str, bytes], act: Callable[[Chip], object]) -> Iterator[tuple[bool, Chip]]:
    """Let `act` run into a cut at each of its commits, before and after; the card that is left.

    The first item says whether that commit was kept.
    """
    for at in range(10):
        for kept in (False, True):
            store = CutStore(start, at, kept=kept)
            try:
                act(Chip(store))
            except Cut:
                yield kept, Chip(store.after())
            else:
                assert at, "the command commits nothing"
                return
    raise AssertionError("too many commits")


def _tries(chip: Chip) -> bytes:
    return chip.ok("00 CA 01 B3 00")[:5]


@pytest.mark.parametrize("block", [WRONG, cards.PIN], ids=["wrong", "right"])
def test_a_try_is_spent_before_it_is_looked_at(block: bytes) -> None:
    """Cut just after the first commit, a wrong PIN and the right one have cost the same."""
    start = cells(activated().store)
    store = CutStore(start, 0, kept=True)
    with pytest.raises(Cut):
        Chip(store).sw("00 20 00 01 [ {block} ]", block=block)
    left = Chip(store.after())
    assert _tries(left) == bytes.fromhex("01 05 06 0A 0A")
    assert left.sw("00 20 00 01") == "63C5", "nothing is verified"


def test_cutting_the_power_wins_no_guess() -> None:
    """Whoever cuts the power at the instant of the answer has six guesses, not more."""
    memory = cells(activated().store)
    guesses = 0
    while True:
        store = CutStore(memory, 0, kept=True)
        try:
            assert Chip(store).sw("00 20 00 01 [ {wrong} ]", wrong=WRONG) == "6983"
        except Cut:
            guesses += 1
            memory = cells(store.after())
        else:
            break
    assert guesses == 6
    assert Chip(MemoryStore(memory)).ok("00 CA 01 B2 00") == b"\x07"


def test_cutting_before_the_counter_is_written_tells_nothing() -> None:
    """No answer, no verified state and no difference between right and wrong."""
    start = cells(activated().store)
    for block in (WRONG, cards.PIN):
        store = CutStore(start, 0, kept=False)
        chip = Chip(store)
        with pytest.raises(Cut):
            chip.sw("00 20 00 01 [ {block} ]", block=block)
        assert not chip.card._selected._status.verified(1)  # type: ignore[attr-defined]
        assert cells(store.after()) == start


def test_the_puk_is_spent_before_it_is_looked_at() -> None:
    start = cells(activated().store)
    for puk in (WRONG, cards.PUK):
        store = CutStore(start, 0, kept=True)
        with pytest.raises(Cut):
            Chip(store).sw("00 2C 00 01 [ {block} {pin} ]", block=puk)
        assert _tries(Chip(store.after())) == bytes.fromhex("01 06 06 09 0A")


def test_a_memory_that_cannot_write_refuses_and_looks_at_nothing() -> None:
    """6581; the tries are as they were, and the right PIN is not verified either."""

    def full(_changed: Mapping[str, bytes | None]) -> None:
        raise StoreError("full")

    start = cells(activated().store)
    for block in (WRONG, cards.PIN):
        chip = Chip(MemoryStore(start, persist=full))
        assert chip.sw("00 20 00 01 [ {block} ]", block=block) == "6581"
        assert chip.sw("00 20 00 01") == "63C6"
        assert cells(chip.store) == start
    chip = Chip(MemoryStore(start, persist=full))
    assert chip.sw("00 24 00 01 [ {pin} 39*8 ]") == "6581"
    assert cells(chip.store) == start


NEW_FILE = "00 E0 00 00 [ 62 ( 80 ( 0010 ) 82 ( 01 ) 83 ( 4F4F ) 86 ( 0000FF ) ) ]"

ACTS: dict[str, tuple[Callable[[Chip], object], ...]] = {
    "CREATE FILE": (Chip.verify, lambda chip: chip.ok(NEW_FILE)),
    "DELETE FILE": (Chip.verify, lambda chip: chip.ok("A0 E4 00 00 [ 5031 ]")),
    "UPDATE BINARY": (
        Chip.verify,
        lambda chip: chip.ok("00 A4 08 0C [ 2F00 ]"),
        lambda chip: chip.ok("00 D6 00 00 [ FF*32 ]"),
    ),
    "GENERATE KEY": (
        Chip.verify,
        lambda chip: chip.ok(f"00 A4 08 0C [ 5015 {EC} ]"),
        lambda chip: chip.ok("00 46 00 00"),
    ),
    "PUT DATA PIN": (
        Chip.verify,
        lambda chip: chip.ok("00 DA 01 02 [ 39*8 38*8 03 03 00 ]"),
    ),
    "PUT DATA erase": (
        lambda chip: chip.ok("00 20 00 03 [ {so-pin} ]"),
        lambda chip: chip.ok("00 DA 01 E0 [ 0000 113FFF 111FFF ]"),
    ),
    "DEACTIVATE": (
        lambda chip: chip.ok("00 20 00 03 [ {so-pin} ]"),
        lambda chip: chip.ok("00 04 00 00"),
    ),
    "TERMINATE": (
        lambda chip: chip.ok("00 20 00 03 [ {so-pin} ]"),
        lambda chip: chip.ok("00 FE 00 00"),
    ),
}


@pytest.mark.parametrize("steps", ACTS.values(), ids=ACTS.keys())
def test_a_cut_leaves_the_state_before_or_after_a_command(
    steps: tuple[Callable[[Chip], object], ...],
) -> None:
    """Never one between: each commit of the last step leads from one to the other."""
    start = cells(activated().store)
    *prepare, last = steps
    chip = Chip(MemoryStore(start))
    for step in prepare:
        step(chip)
    prepared = cells(chip.store)

    def act(chip: Chip) -> None:
        for step in prepare:
            step(chip)
        last(chip)

    whole = Chip(MemoryStore(start))
    act(whole)
    complete = cells(whole.store).keys()
    after_last = [left for kept, left in _cuts(start, act)][-2:]
    not_kept, kept = (cells(left.store) for left in after_last)
    assert not_kept == prepared
    assert kept.keys() == complete and kept != prepared


@pytest.mark.parametrize(
    "command",
    [
        "00 24 00 01 [ {pin} 39*8 ]",
        "00 2C 00 01 [ {puk} 39*8 ]",
    ],
    ids=["change", "unblock"],
)
def test_a_cut_leaves_the_old_pin_or_the_new_one(command: str) -> None:
    """With the old PIN the tries may be one fewer; with the new one they are all there."""
    seen = set()
    for _, left in _cuts(cells(activated().store), lambda chip: chip.sw(command)):
        old, new = left.copy(), left.copy()
        tries = _tries(left)
        right = old.sw("00 20 00 01 [ {pin} ]"), new.sw("00 20 00 01 [ 39*8 ]")
        assert right.count("9000") == 1
        is_new = right[1] == "9000"
        assert tries[1] in ((6,) if is_new else (5, 6))
        assert tries[3] in ((10,) if is_new else (9, 10))
        seen.add(is_new)
    assert seen == {False, True}


def test_a_cut_during_activation_leaves_a_card_that_can_be_activated_or_is() -> None:
    start = cells(personalised().store)
    phases = set()
    for kept, left in _cuts(start, lambda chip: chip.ok(f"00 44 04 00 [ {AID} ]")):
        phase = left.ok("00 CA 01 B2 00")
        assert phase == (b"\x05" if kept else b"\x03")
        if not kept:
            left.ok(f"00 44 04 00 [ {AID} ]")
        phases.add(phase)
    assert len(phases) == 2


def test_a_cut_during_birth_leaves_a_card_that_is_born_again() -> None:
    """The first power-on of an empty memory is one transaction too."""
    for kept in (False, True):
        store = CutStore({}, 0, kept=kept)
        with pytest.raises(Cut):
            assemble(store)
        again = Chip(store.after())
        assert len(again.ok("00 CA 01 B0 00")) == 10
        assert again.ok("00 CA 01 B2 00") == b"\x01"


def test_the_change_counter_moves_with_every_write() -> None:
    """OpenSC keeps files by it; a write and its count are one transaction."""
    chip = activated()
    chip.verify()
    chip.ok("00 A4 08 0C [ 2F00 ]")
    counters = [chip.ok("00 CA 01 A0 14")[-2:]]
    for command in ("00 D6 00 00 [ 00 ]", NEW_FILE, "A0 E4 00 00 [ 4F4F ]"):
        chip.ok(command)
        counters.append(chip.ok("00 CA 01 A0 14")[-2:])
    assert len(set(counters)) == len(counters)
    for command in ("00 B0 00 00 01", "00 84 00 00 08", "00 20 00 01 [ {pin} ]"):
        chip.send(command)
    assert chip.ok("00 CA 01 A0 14")[-2:] == counters[-1]
