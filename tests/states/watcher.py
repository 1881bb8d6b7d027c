"""Who follows a host with a small token, by the rules alone.

The rules are those of docs/vectors.md (PIN rules, life cycle) and ISO 7816-4 §9.3. The watcher
knows nothing of the chip's code: it counts tries, keeps which PINs were presented and what is
prepared, and in which phase of its life the token is.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from apdu.edge import Phase
from tests.states.search import Broken
from tests.states.token import (
    ALWAYS,
    HOLDER,
    KEYS,
    MAKE_FILE,
    NEVER,
    PUK_TRIES,
    TRIES,
    WIPE,
    Act,
    Key,
)

_BUILDING = frozenset({Phase.MANUFACTURED, Phase.PERSONALISED})
_IN_USE = frozenset({Phase.ACTIVATED, Phase.PIN_BLOCKED})


@dataclass(frozen=True, slots=True)
class TokenWatcher:
    """What a host has shown, and may do therefore. Tries: of the PINs, then of their PUKs."""

    phase: Phase = Phase.PERSONALISED
    presented: frozenset[int] = frozenset()
    fresh: frozenset[int] = frozenset()
    left: tuple[tuple[int, int], ...] = tuple(TRIES.items())
    puk_left: tuple[tuple[int, int], ...] = tuple(dict.fromkeys(TRIES, PUK_TRIES).items())
    prepared: str = ""

    def after(self, act: Act, sw: int) -> TokenWatcher:
        """Judge an act by its answer."""
        done = sw >> 8 in (0x90, 0x61)
        match act.what:
            case "present":
                return self._present(act.about, right=act.right, done=done)
            case "unblock":
                return self._unblock(act.about, right=act.right, done=done)
            case "store":
                return self._store(act.about, done=done)
            case "use":
                return self._use(act.about, done=done)
            case "sign":
                key = next((key for key in KEYS if key.fid == self.prepared), None)
                return self._sign(key, done=done)
            case "changed" | "read":
                return self._touch(act.what, act.about, done=done)
            case "prepare":
                return replace(self, prepared=_key_of(act)) if done else self
            case "activate" | "wipe":
                return self._live(act, done=done)
            case "logout":
                return self._forget({act.about} if act.about else set(TRIES))
            case "reset" | "power" | "forget":
                return replace(self._forget(set(TRIES)), prepared="")
            case _:
                return self

    def meets(self, rule: int) -> bool:
        """Whether the host has shown what the rule asks for."""
        return rule == ALWAYS or (rule != NEVER and rule in self.presented)

    def _present(self, reference: int, *, right: bool, done: bool) -> TokenWatcher:
        left = dict(self.left)
        if self.phase in (Phase.MANUFACTURED, Phase.TERMINATED) or not left.get(reference):
            return (
                self if not done else self._broken("a PIN was taken that is blocked or not there")
            )
        if done and not right:
            self._broken("a wrong PIN was taken")
        if right:
            left[reference] = TRIES[reference]
            shown = frozenset({reference})
            return replace(
                self,
                left=tuple(left.items()),
                presented=self.presented | shown,
                fresh=self.fresh | shown,
            )
        left[reference] -= 1
        return replace(self._forget({reference}), left=tuple(left.items()))._follow()

    def _unblock(self, reference: int, *, right: bool, done: bool) -> TokenWatcher:
        puks, left = dict(self.puk_left), dict(self.left)
        allowed = self.phase is Phase.PERSONALISED or self.phase in _IN_USE
        if not allowed or not puks.get(reference):
            return (
                self if not done else self._broken("a PUK was taken that is blocked or not there")
            )
        if done and not right:
            self._broken("a wrong PUK was taken")
        if not right:
            puks[reference] -= 1
            return replace(self._forget({reference}), puk_left=tuple(puks.items()))
        puks[reference], left[reference] = PUK_TRIES, TRIES[reference]
        after = replace(self, left=tuple(left.items()), puk_left=tuple(puks.items()))
        return after._forget({reference})._follow()

    def _store(self, reference: int, *, done: bool) -> TokenWatcher:
        if not done:
            return self
        left, puks = dict(self.left), dict(self.puk_left)
        new = self.phase in _IN_USE and reference not in left and self.meets(MAKE_FILE)
        if self.phase not in _BUILDING and not new:
            self._broken("a PIN was stored anew, or by somebody who may not")
        left[reference], puks[reference] = TRIES[reference], PUK_TRIES
        return replace(
            self._forget({reference}),
            phase=self.phase if new else Phase.PERSONALISED,
            left=tuple(sorted(left.items())),
            puk_left=tuple(sorted(puks.items())),
        )

    def _use(self, key: Key, *, done: bool) -> TokenWatcher:
        if done and not self._may_use(key):
            self._broken(f"the key {key.fid} worked without its rule")
        spent = frozenset({key.rule}) if done and key.each else frozenset[int]()
        return replace(self, fresh=self.fresh - spent)

    def _sign(self, key: Key | None, *, done: bool) -> TokenWatcher:
        if done and key is None:
            self._broken("a key worked that nobody has prepared")
        return self._use(key, done=done) if key else self

    def _may_use(self, key: Key) -> bool:
        shown = key.rule in self.fresh if key.each else self.meets(key.rule)
        return self.phase is Phase.ACTIVATED and shown

    def _touch(self, what: str, rule: int, *, done: bool) -> TokenWatcher:
        free = self.phase in _BUILDING and (what == "changed" or rule != NEVER)
        where = _IN_USE if what == "changed" else set(Phase)
        if done and not free and not (self.phase in where and self.meets(rule)):
            self._broken(f"something was {what} without its rule")
        return self

    def _live(self, act: Act, *, done: bool) -> TokenWatcher:
        if not done:
            return self
        free = self.phase in _BUILDING
        if not free and WIPE not in self.presented:
            self._broken("the card was wiped, ended or activated without the officer")
        gone = self._forget(set(TRIES))
        if act.what == "activate":
            return replace(gone, phase=Phase.ACTIVATED)._follow()
        if act.about is Phase.MANUFACTURED:
            return replace(gone, phase=act.about, left=(), puk_left=(), prepared="")
        if free or self.phase is Phase.TERMINATED:
            self._broken("a card was ended that is not in use")
        return replace(gone, phase=act.about, prepared="")

    def _follow(self) -> TokenWatcher:
        """A card in use follows its holder's PIN into blocking and back."""
        if self.phase not in _IN_USE:
            return self
        left = dict(self.left).get(HOLDER, 1)
        return replace(self, phase=Phase.ACTIVATED if left else Phase.PIN_BLOCKED)

    def _forget(self, references: set[int]) -> TokenWatcher:
        gone = frozenset(references)
        return replace(self, presented=self.presented - gone, fresh=self.fresh - gone)

    def _unless(self, done: bool, fault: str) -> TokenWatcher:
        return self._broken(fault) if done else self

    def _broken(self, fault: str) -> TokenWatcher:
        raise Broken(f"{fault} ({self.phase.name.lower()}, shown {sorted(self.presented)})")


def _key_of(act: Act) -> str:
    return act.commands[0].split()[-2]
