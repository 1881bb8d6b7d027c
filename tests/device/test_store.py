"""The store contract, the same for the dictionary and for the SQLite image."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from applet.os.store import MemoryStore, Records, Store, StoreError
from ushield.device.image import ImageStore, new_image, open_image

NAMES = st.sampled_from(["a", "a/1", "a/2", "b", "b/1"])


@pytest.fixture(params=["memory", "image"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    if request.param == "memory":
        yield MemoryStore()
        return
    with new_image(tmp_path / "token.ushield") as image:
        yield image


def test_a_write_is_seen_at_once_and_dropped_by_abort(store: Store) -> None:
    store.put("a", b"1")
    store.commit()
    store.put("a", b"2")
    store.put("b", b"3")
    store.delete("a")
    assert store.get("a") is None and store.get("b") == b"3"
    store.abort()
    assert store.get("a") == b"1" and store.get("b") is None


def test_keys_are_sorted_and_by_prefix(store: Store) -> None:
    for name in ("b", "a/2", "a/1", "a"):
        store.put(name, b"")
    assert list(store.keys("a/")) == ["a/1", "a/2"]
    assert list(store.keys("")) == ["a", "a/1", "a/2", "b"]


def test_deleting_what_is_not_there_is_no_error(store: Store) -> None:
    store.delete("nothing")
    store.commit()
    assert store.get("nothing") is None


def test_a_commit_that_fails_keeps_nothing() -> None:
    def full(changed: object) -> None:
        raise StoreError("full")

    store = MemoryStore({"a": b"1"}, persist=full)
    store.put("a", b"2")
    with pytest.raises(StoreError):
        store.commit()
    assert store.get("a") == b"1"


def test_records_notice_an_abort() -> None:
    store = MemoryStore()
    decoded: list[bytes] = []

    def decode(raw: bytes) -> int:
        decoded.append(raw)
        return raw[0]

    records = Records(store, "n/", decode, lambda value: bytes((value,)))
    records.put("x", 1)
    store.commit()
    records.put("x", 2)
    store.abort()
    assert records.get("x") == 1
    assert records.get("x") == 1
    assert decoded == [b"\x01"], "an unchanged cell is decoded once"


class AgainstAModel(RuleBasedStateMachine):
    """Any sequence of writes, commits, aborts and re-openings behaves as two dictionaries do."""

    make: Callable[[], tuple[Store, Callable[[], Store]]]

    @initialize()
    def begin(self) -> None:
        self.store, self.reopen = type(self).make()
        self.committed: dict[str, bytes] = {}
        self.now: dict[str, bytes] = {}

    def teardown(self) -> None:
        if isinstance(self.store, ImageStore):
            self.store.close()

    @rule(name=NAMES, value=st.binary(max_size=8))
    def put(self, name: str, value: bytes) -> None:
        self.store.put(name, value)
        self.now[name] = value

    @rule(name=NAMES)
    def delete(self, name: str) -> None:
        self.store.delete(name)
        self.now.pop(name, None)

    @rule()
    def commit(self) -> None:
        self.store.commit()
        self.committed = dict(self.now)

    @rule()
    def abort(self) -> None:
        self.store.abort()
        self.now = dict(self.committed)

    @rule()
    def lose_power(self) -> None:
        self.store = self.reopen()
        self.now = dict(self.committed)

    @invariant()
    def same(self) -> None:
        assert {key: self.store.get(key) for key in self.store.keys("")} == self.now


@pytest.mark.parametrize("kind", ["memory", "image"])
def test_store_against_a_model(kind: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    def memory() -> tuple[Store, Callable[[], Store]]:
        store = MemoryStore()

        def reopen() -> Store:
            store.abort()
            return store

        return store, reopen

    def image() -> tuple[Store, Callable[[], Store]]:
        path = tmp_path_factory.mktemp("image") / "token.ushield"
        with new_image(path):
            pass
        open_now = [open_image(path)]

        def reopen() -> Store:
            open_now[0].close()
            open_now[0] = open_image(path)
            return open_now[0]

        return open_now[0], reopen

    class Machine(AgainstAModel):
        make = staticmethod(memory if kind == "memory" else image)

    test_case = Machine.TestCase
    test_case.settings = settings(max_examples=15, stateful_step_count=25, deadline=None)
    test_case("runTest").runTest()
