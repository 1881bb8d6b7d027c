"""The keys with a display in a service's readers. Loads little: most tokens have none."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from threading import Lock
from typing import TYPE_CHECKING, Any, cast

from ushield.reader.control import Verb

if TYPE_CHECKING:
    from ushield.device.display.key import KeyWithDisplay
    from ushield.device.display.script import Decide
    from ushield.reader.card import CardPort

_FIELDS = {
    "screen": frozenset[str](),
    "await": frozenset({"text", "after", "seconds"}),
    "press": frozenset({"button", "screen"}),
    "script": frozenset({"rules"}),
    "time-out": frozenset[str](),
}
"""What can be asked of a display, and what each request may have besides "reader"."""


class Displays:
    """The keys, by the readers that they are in or were pulled out of last.

    `script` presses the buttons of each of them until it is told otherwise.
    """

    def __init__(self, readers: Sequence[str], script: Decide | None = None) -> None:
        self.readers = list(readers)
        self._script = script
        self._scripts: dict[str, Decide | None] = {}
        self._lock = Lock()
        self._keys: dict[str, KeyWithDisplay] = {}
        self._known: set[KeyWithDisplay] = set()
        self._listeners: list[Callable[[], None]] = []

    def put_in(self, reader: str, card: CardPort) -> CardPort:
        """A card goes into a reader; the same card."""
        key = cast("KeyWithDisplay", card) if hasattr(card, "panel") else None
        with self._lock:
            gone = self._keys.pop(reader, None)
            self._keys = {name: one for name, one in self._keys.items() if one is not key}
            if key is not None:
                self._keys[reader] = key
        if key is not None:
            key.hand.follow(self._scripts.get(reader, self._script))
            if key not in self._known:
                self._known.add(key)
                key.panel.listen(self._tell)
        if gone is not None and gone is not key:
            self._known.discard(gone)
            gone.panel.close()
        self._tell()
        return card

    def keys(self) -> dict[str, KeyWithDisplay]:
        """The keys, by reader, in the order of the readers."""
        with self._lock:
            return {name: self._keys[name] for name in self.readers if name in self._keys}

    def follow(self, reader: str, script: Decide | None) -> None:
        """Press the buttons in this reader as a script says from now on; None: no more."""
        self._scripts[reader] = script
        if key := self.keys().get(reader):
            key.hand.follow(script)

    def listen(self, listener: Callable[[], None]) -> Callable[[], None]:
        """Call this, from any thread, after each change of a display or a key; what ends that."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def close(self) -> None:
        """The end: whoever waits for a display is told."""
        for key in self.keys().values():
            key.panel.close()

    def verbs(self) -> dict[str, Verb]:
        """What can be asked of them, for the control socket."""
        return {do: Verb(fields, partial(self._answer, do)) for do, fields in _FIELDS.items()}

    def _answer(
        self, do: str, reader: str | int | None, fields: Mapping[str, Any]
    ) -> dict[str, Any]:
        from ushield.cli.displayverbs import answer

        return answer(self, do, reader, fields)

    def _tell(self) -> None:
        for listener in list(self._listeners):
            listener()
