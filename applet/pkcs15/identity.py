"""What tells one token from another, and one state of its files from the next."""

from __future__ import annotations

from applet.os.keys.entropy import Entropy
from applet.os.store import Store
from applet.pkcs15.profile import SERIAL_LENGTH


class Identity:
    """Serial number, given once, and change counter, raised by every write.

    OpenSC keeps copies of files by serial number and change counter; a counter that stood still
    would make it show old ones.
    """

    def __init__(self, store: Store, prefix: str) -> None:
        self._store = store
        self._serial_cell = prefix + "serial"
        self._changes_cell = prefix + "changes"

    @property
    def born(self) -> bool:
        """Whether the token has its serial number already."""
        return self._store.get(self._serial_cell) is not None

    def give_birth(self, entropy: Entropy) -> None:
        """Give the token its serial number."""
        self._store.put(self._serial_cell, entropy.random(SERIAL_LENGTH))

    @property
    def serial(self) -> bytes:
        """The serial number, 10 bytes."""
        return self._store.get(self._serial_cell) or bytes(SERIAL_LENGTH)

    @property
    def changes(self) -> int:
        """How often something was written, modulo 65,536."""
        return int.from_bytes(self._store.get(self._changes_cell) or b"", "big")

    def changed(self) -> None:
        """Something is being written in this transaction."""
        self._store.put(self._changes_cell, ((self.changes + 1) % 65536).to_bytes(2, "big"))
