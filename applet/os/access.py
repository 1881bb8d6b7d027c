"""Who may do what: one access rule an operation, met by the PINs verified since reset.

A rule is a nibble, as cards of this family write it in tag 86 of the file control parameters
(ISO 7816-4 §9.3.3): 0 always, F never, n after PIN n.
"""

from __future__ import annotations

from apdu.status import SW
from applet.os.errors import CardError
from applet.os.lifecycle import LifeCycle

ALWAYS = 0x0
NEVER = 0xF


class SecurityStatus:
    """The PINs verified since the last reset or selection. Volatile; never written to memory."""

    def __init__(self, life: LifeCycle) -> None:
        self._life = life
        self._verified: set[int] = set()
        self._fresh: set[int] = set()

    def verified(self, reference: int) -> bool:
        """Whether this PIN is verified."""
        return reference in self._verified

    def grant(self, reference: int) -> None:
        """This PIN was presented rightly, just now."""
        self._verified.add(reference)
        self._fresh.add(reference)

    def revoke(self, reference: int) -> None:
        """This PIN counts as not verified any more."""
        self._verified.discard(reference)
        self._fresh.discard(reference)

    def clear(self) -> None:
        """No PIN counts as verified any more: reset, power-off, selection of an applet."""
        self._verified.clear()
        self._fresh.clear()

    def meets(self, rule: int) -> bool:
        """Whether the rule is met now."""
        return rule == ALWAYS or (rule != NEVER and rule in self._verified)

    def require_pin(self, reference: int) -> None:
        """Refuse (6982) unless this PIN is verified."""
        if reference not in self._verified:
            raise CardError(SW.SECURITY_STATUS)

    def require_fresh(self, reference: int) -> None:
        """Refuse (6982) unless this PIN was presented since it was last spent."""
        if reference not in self._fresh:
            raise CardError(SW.SECURITY_STATUS)

    def spend(self, reference: int) -> None:
        """Whatever asks for this PIN afresh needs it presented again; it stays verified."""
        self._fresh.discard(reference)

    def require(self, rule: int) -> None:
        """Refuse (6982) unless the rule is met: for keys, in every phase."""
        if not self.meets(rule):
            raise CardError(SW.SECURITY_STATUS)

    def require_once_built(self, rule: int) -> None:
        """As `require`, but while the card is still being personalised no rule binds: for files."""
        if not self.meets(rule) and not self._life.under_construction:
            raise CardError(SW.SECURITY_STATUS)
