"""A cut of power at any instant leaves the card as before a command or as after it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

import pytest

from applet.os.store import MemoryStore, StoreError
from tests.chip.cards import cells
from tests.chip.test_power import Cut, CutStore
from tests.piv.cards import (
    P_256,
    RSA_1024,
    PivChip,
    born,
    ec_key,
    ec_parts,
    full,
    rsa_key,
    rsa_parts,
)

WRONG = b"999999\xff\xff"
EC = ec_parts(ec_key(P_256))


def _administer_and_verify(chip: PivChip) -> None:
    chip.administer()
    chip.verify()


def _block_both(chip: PivChip) -> None:
    chip.block_pin()
    chip.block_puk()


ACTS: dict[str, tuple[Callable[[PivChip], object], Callable[[PivChip], object]]] = {
    "PUT DATA": (PivChip.administer, lambda chip: chip.put(0x5FC105, bytes(8192))),
    "PUT DATA, remove": (PivChip.administer, lambda chip: chip.put(0x5FC105, b"")),
    "GENERATE": (PivChip.administer, lambda chip: chip.generate(0x9A, RSA_1024, pin_policy=3)),
    "GENERATE, empty slot": (PivChip.administer, lambda chip: chip.generate(0x83, P_256)),
    "IMPORT": (
        PivChip.administer,
        lambda chip: chip.bring(0x9A, RSA_1024, rsa_parts(rsa_key(1024)), pin_policy=1),
    ),
    "SET MANAGEMENT KEY": (
        PivChip.administer,
        lambda chip: chip.set_management_key(0x08, bytes(16)),
    ),
    "SET TRIES": (
        _administer_and_verify,
        lambda chip: chip.ok("00 FA 03 03"),
    ),
    "RESET": (_block_both, lambda chip: chip.ok("00 FB 00 00")),
}


def _cuts(
    start: Mapping[str, bytes],
    prepare: Callable[[PivChip], object],
    act: Callable[[PivChip], object],
) -> Iterator[tuple[bool, PivChip]]:
    """Cut `act` short at each of its commits, before and after it; the card that is left.

    The first item says whether that commit was kept.
    """
    for at in range(10):
        for kept in (False, True):
            ready = CountingStore(start)
            prepare(PivChip(ready))
            store = CutStore(start, ready.commits + at, kept=kept)
            chip = PivChip(store)
            prepare(chip)
            try:
                act(chip)
            except Cut:
                yield kept, PivChip(store.after())
            else:
                assert at, "the command commits nothing"
                return
    raise AssertionError("too many commits")


class CountingStore(MemoryStore):
    """A memory that counts the commits that changed something."""

    commits = 0

    def commit(self) -> None:
        self.commits += bool(self._before)
        super().commit()


@pytest.mark.parametrize(("prepare", "act"), ACTS.values(), ids=ACTS.keys())
def test_a_cut_leaves_the_state_before_or_after_a_command(
    prepare: Callable[[PivChip], object], act: Callable[[PivChip], object]
) -> None:
    start = cells(full().store)
    ready = PivChip(MemoryStore(start))
    prepare(ready)
    before = cells(ready.store)
    whole = PivChip(MemoryStore(before))
    found = list(_cuts(start, prepare, act))
    assert [kept for kept, _ in found] == [False, True], "one transaction"
    (_, not_kept), (_, kept) = found
    assert cells(not_kept.store) == before
    prepare(whole)
    act(whole)
    assert cells(kept.store).keys() == cells(whole.store).keys()
    assert cells(kept.store) != before


def _tries(chip: PivChip) -> tuple[int, int]:
    """Tries left of PIN and PUK; the one of the PUK costs one, on a copy."""
    copy = chip.copy()
    pin = int(copy.sw("00 20 00 80")[3], 16)
    return pin, int(copy.sw("00 2C 00 80 [ {wrong} {pin} ]")[3], 16) + 1


@pytest.mark.parametrize("block", [WRONG, b"123456\xff\xff"], ids=["wrong", "right"])
def test_a_try_is_spent_before_it_is_looked_at(block: bytes) -> None:
    start = cells(born().store)
    store = CutStore(start, 0, kept=True)
    with pytest.raises(Cut):
        PivChip(store).sw("00 20 00 80 [ {block} ]", block=block)
    left = PivChip(store.after())
    assert left.sw("00 20 00 80") == "63C5"
    store = CutStore(start, 0, kept=False)
    with pytest.raises(Cut):
        PivChip(store).sw("00 20 00 80 [ {block} ]", block=block)
    assert cells(store.after()) == start


@pytest.mark.parametrize("puk", [WRONG, b"12345678"], ids=["wrong", "right"])
def test_a_try_of_the_puk_too(puk: bytes) -> None:
    store = CutStore(cells(born().store), 0, kept=True)
    with pytest.raises(Cut):
        PivChip(store).sw("00 2C 00 80 [ {puk} {pin} ]", puk=puk)
    assert _tries(PivChip(store.after())) == (6, 9)


@pytest.mark.parametrize("command", ["00 24 00 80 [ {pin} 39*8 ]", "00 2C 00 80 [ {puk} 39*8 ]"])
def test_a_cut_leaves_the_old_pin_or_the_new_one(command: str) -> None:
    seen = set()
    for _, left in _cuts(cells(born().store), lambda _: None, lambda chip: chip.ok(command)):
        old, new = left.copy(), left.copy()
        right = old.sw("00 20 00 80 [ {pin} ]"), new.sw("00 20 00 80 [ 39*8 ]")
        assert right.count("9000") == 1
        seen.add(right[1] == "9000")
    assert seen == {False, True}


def test_a_cut_during_birth_leaves_a_card_that_is_born_again() -> None:
    for kept in (False, True):
        store = CutStore({}, 0, kept=kept)
        with pytest.raises(Cut):
            PivChip(store)
        again = dict(cells(PivChip(store.after()).store))
        assert len(again.pop("piv/serial")) == 4
        assert again.items() <= cells(born().store).items()


def test_a_memory_that_cannot_write_refuses_and_changes_nothing() -> None:
    def full_up(_changed: Mapping[str, bytes | None]) -> None:
        raise StoreError("full")

    start = cells(full().store)
    chip = PivChip(MemoryStore(start, persist=full_up))
    chip.administer()
    assert chip.put(0x5FC102, b"x") == 0x6581
    assert chip.bring(0x9A, P_256, EC) == 0x6581
    assert chip.set_management_key(0x08, bytes(16)) == "6581"
    assert chip.sw("00 20 00 80 [ {pin} ]") == "6581"
    assert chip.sw("00 20 00 80") == "63C6"
    assert chip.sign(0x9A) == "6982"
    assert cells(chip.store) == start
