"""The chip's non-volatile memory as the chip sees it: named cells and one open transaction.

A change is visible at once, and lasting after `commit`. Losing power, or `abort`, drops what was
not committed: memory is always the state before a command or after it, never between.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Generic, Protocol, TypeVar

T = TypeVar("T")


class StoreError(Exception):
    """The memory could not keep what it was told to commit; nothing of it was kept."""


class Store(Protocol):
    """Named cells of bytes with one transaction open at a time."""

    def get(self, key: str) -> bytes | None:
        """The cell's content, or None; the same object until the cell is written."""
        ...

    def put(self, key: str, value: bytes) -> None:
        """Write a cell within the open transaction."""
        ...

    def delete(self, key: str) -> None:
        """Remove a cell within the open transaction; a cell that is not there is no error."""
        ...

    def keys(self, prefix: str) -> Iterator[str]:
        """The names of all cells that begin with `prefix`, sorted."""
        ...

    def commit(self) -> None:
        """Make the open transaction lasting. StoreError: nothing of it was kept."""
        ...

    def abort(self) -> None:
        """Drop the open transaction."""
        ...


class MemoryStore:
    """The contract in a dictionary; also the base of stores that keep the cells elsewhere.

    `persist` is called by `commit` with the changed cells (None: deleted) before they count as
    committed; when it raises StoreError the transaction is dropped.
    """

    def __init__(
        self,
        cells: Mapping[str, bytes] | None = None,
        persist: Callable[[Mapping[str, bytes | None]], None] | None = None,
    ) -> None:
        self._cells: dict[str, bytes] = dict(cells or {})
        self._before: dict[str, bytes | None] = {}
        self._persist = persist

    def get(self, key: str) -> bytes | None:
        """The cell's content, or None."""
        return self._cells.get(key)

    def put(self, key: str, value: bytes) -> None:
        """Write a cell within the open transaction."""
        self._before.setdefault(key, self._cells.get(key))
        self._cells[key] = value

    def delete(self, key: str) -> None:
        """Remove a cell within the open transaction."""
        if key in self._cells:
            self._before.setdefault(key, self._cells[key])
            del self._cells[key]

    def keys(self, prefix: str) -> Iterator[str]:
        """The names of all cells that begin with `prefix`, sorted."""
        return iter(sorted(key for key in self._cells if key.startswith(prefix)))

    def commit(self) -> None:
        """Make the open transaction lasting; costs nothing when nothing was written."""
        if not self._before:
            return
        if self._persist:
            try:
                self._persist({key: self._cells.get(key) for key in self._before})
            except StoreError:
                self.abort()
                raise
        self._before = {}

    def abort(self) -> None:
        """Drop the open transaction."""
        for key, value in self._before.items():
            if value is None:
                self._cells.pop(key, None)
            else:
                self._cells[key] = value
        self._before = {}


class Records(Generic[T]):
    """Cells under one prefix, seen as values of one type.

    A decoded value is kept as long as its cell holds the very same bytes object, so an abort or a
    new write is noticed without any bookkeeping, and a read costs two dictionary look-ups.
    """

    def __init__(
        self,
        store: Store,
        prefix: str,
        decode: Callable[[bytes], T],
        encode: Callable[[T], bytes],
    ) -> None:
        self._store = store
        self._prefix = prefix
        self._decode = decode
        self._encode = encode
        self._decoded: dict[str, tuple[bytes, T]] = {}

    def get(self, name: str) -> T | None:
        """The value of this name, or None."""
        raw = self._store.get(self._prefix + name)
        if raw is None:
            return None
        known = self._decoded.get(name)
        if known is not None and known[0] is raw:
            return known[1]
        value = self._decode(raw)
        self._decoded[name] = (raw, value)
        return value

    def put(self, name: str, value: T) -> None:
        """Write a value within the open transaction."""
        raw = self._encode(value)
        self._store.put(self._prefix + name, raw)
        self._decoded[name] = (raw, value)

    def delete(self, name: str) -> None:
        """Remove a value within the open transaction."""
        self._store.delete(self._prefix + name)
        self._decoded.pop(name, None)

    def names(self, prefix: str = "") -> Iterator[str]:
        """The names that begin with `prefix`, sorted."""
        skip = len(self._prefix)
        return (key[skip:] for key in self._store.keys(self._prefix + prefix))
