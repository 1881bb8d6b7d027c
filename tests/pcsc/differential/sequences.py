"""Sequences of calls that Hypothesis makes, turned into scripts.

Whether a call waits, and when it returns, is found out on our side, where that shows at once. What
comes out is a script as in the tables, which both sides can play.
"""

from __future__ import annotations

from itertools import chain
from typing import NamedTuple

from hypothesis import strategies as st

from tests.pcsc.differential.conversation import Conversation, Line, SilenceError
from tests.pcsc.differential.script import SHARES, Step, step
from tests.pcsc.differential.sides import Side
from tests.pcsc.differential.wire import POWERED, PRESENT

WAITS_SECONDS = 0.3
"""On our side, a call that has not returned by then waits for somebody."""

RETURNS_SECONDS = 0.03
"""On our side, a call that waits no longer has mostly returned by then."""

HARNESS = ["card out", "card in", "see", "see"]
CONTEXT = ["wait 0 first=UNAWARE", "wait 0 first=last", "release", "kill"]
CONNECT = [
    *["connect shared"] * 5,
    "connect exclusive",
    "connect direct none",
]
HANDLE = [
    *["begin"] * 6,
    *["end leave"] * 3,
    *[f"end {disposition}" for disposition in ("reset", "unpower", "eject")],
    *["transmit size:9 protocol=OLD"] * 3,
    *["status"] * 2,
    *["reconnect leave shared"] * 3,
    *[f"reconnect {initialization} shared" for initialization in ("reset", "unpower")],
    "reconnect leave exclusive",
    "reconnect leave direct none",
    *["disconnect leave"] * 2,
    *[f"disconnect {disposition}" for disposition in ("reset", "unpower", "eject")],
    "attribute 0",
    "control 1",
]
WAITING = [
    *("begin", "transmit size:9 protocol=OLD", "status", "connect shared", "connect exclusive"),
    *("reconnect leave shared", "reconnect reset shared", "disconnect reset", "disconnect unpower"),
]
LEAVING = [
    *["end leave"] * 3,
    *("end reset", "end unpower", "end eject", "kill", "release", "card out"),
    *("disconnect leave", "disconnect reset", "disconnect unpower", "disconnect eject"),
]
ANY_OTHER = HARNESS + CONTEXT + CONNECT + HANDLE * 3
SERVED_AT_ONCE = ("wait", "release", "attribute", "control", "end", "kill")


class Wish(NamedTuple):
    """What a client would do. `which` chooses among its handles."""

    client: str
    what: str
    which: int


def wishes(clients: str) -> st.SearchStrategy[list[Wish]]:
    """Beginnings with everybody connected, and whatever comes then."""
    one = _wish(st.sampled_from(clients), ANY_OTHER).map(lambda wish: [wish])
    start = st.tuples(*(_wish(st.just(client), CONNECT) for client in clients))
    rest = st.lists(one | one | _contention(clients), min_size=6, max_size=20)
    return st.builds(lambda first, then: [*first, *chain(*then)], start, rest)


def _wish(client: st.SearchStrategy[str], what: list[str]) -> st.SearchStrategy[Wish]:
    return st.builds(Wish, client, st.sampled_from(what), st.integers(0, 1))


def _contention(clients: str) -> st.SearchStrategy[list[Wish]]:
    """One has the card for itself, another wants it, and one way or other gets it."""

    def between(pair: list[str]) -> st.SearchStrategy[list[Wish]]:
        owner, other = map(st.just, pair[:2])
        meanwhile = st.lists(_wish(owner, HANDLE + HARNESS), max_size=2)
        parts = (_wish(owner, ["begin"]), _wish(other, WAITING), meanwhile, _wish(owner, LEAVING))
        return st.builds(lambda first, second, then, last: [first, second, *then, last], *parts)

    return st.permutations(list(clients)).flatmap(between)


def explore(side: Side, wanted: list[Wish]) -> list[Line]:
    """Do what can be done of it on our side: the script, with what came of each line."""
    side.prepare("T1")
    explorer = _Explorer(side)
    with explorer.talk as talk:
        for wish in wanted:
            if text := explorer.phrase(wish):
                explorer.do(text)
    return talk.lines


class _Explorer:
    def __init__(self, side: Side) -> None:
        self._side = side
        self.talk = Conversation(side, WAITS_SECONDS)
        self._released: set[str] = set()
        self._held: dict[str, set[str]] = {}
        """The handles of each client that may hold a transaction."""
        self._stale: set[tuple[str, str]] = set()
        """Clients and handles that were told of a reset or a removal."""

    def phrase(self, wish: Wish) -> str | None:
        """The line for it; None when it cannot be done now, or pcscd would leave it to chance."""
        if wish.what in HARNESS:
            return self._harness(wish.what)
        if wish.what == "kill":
            return self._kill(wish.client)
        if wish.client in self.talk.pending:
            return None
        if wish.client in self._released:
            return f"{wish.client}@own establish"
        if wish.what in CONTEXT:
            return f"{wish.client} {wish.what}"
        if not self._alone_in_waiting(wish):
            return None
        handles = sorted(self.talk.open.get(wish.client, ()))
        if wish.what in CONNECT:
            return self._connect(wish, handles)
        if not handles:
            return None
        handle = handles[wish.which % len(handles)]
        if (wish.client, handle) in self._stale:
            return self._heal(wish.client, handle)
        if self._without_power(wish) or self._spoils(wish):
            return None
        others = self._held.get(wish.client, set()) - {handle}
        if others and wish.what.startswith("disconnect") and "leave" not in wish.what:
            return None  # in pcscd the client would wait for itself
        return f"{wish.client}.{handle.removeprefix('own.')} {wish.what}"

    def do(self, text: str) -> None:
        """Play the line, and then say who has returned by it."""
        asked = step(text)
        if asked.client and not asked.do.startswith(SERVED_AT_ONCE):
            asked = asked._replace(waits=True)
        try:
            result = self.talk.step(asked)
        except SilenceError:
            return
        if result == "waits":
            self.talk.lines[-1] = Line(f"{text} ...", result)
        self._note(asked, result)
        for client, waiting in list(self.talk.pending.items()):
            if self.talk.has_returned(client, RETURNS_SECONDS):
                self._note(waiting.step, self.talk.lines[-1].result)

    def _note(self, done: Step, result: str) -> None:
        """Who has no context, and who may hold a transaction."""
        if result.startswith(("RESET_CARD", "REMOVED_CARD")):
            self._stale.add((done.client, done.arguments["card"]))
        held = self._held.setdefault(done.client, set())
        exclusive = done.arguments.get("share") == SHARES["exclusive"]
        match done.do:
            case "release" | "kill":
                held.clear()
            case "begin" | "connect" | "reconnect" if result.startswith("SUCCESS"):
                if done.do == "begin" or exclusive:
                    held.add(done.arguments["card"])
            case "disconnect" if result == "SUCCESS":
                held.discard(done.arguments["card"])
            case "card":
                self._held.clear()
            case _:
                pass
        if done.do == "release":
            self._released.add(done.client)
        elif done.do in ("establish", "kill"):
            self._released.discard(done.client)

    def _heal(self, client: str, handle: str) -> str:
        """What a program does when the card was reset or removed."""
        self._stale.discard((client, handle))
        state = self._side.record().state
        if not state & PRESENT:
            return "card in"
        how = "leave" if state & POWERED else "reset"
        return f"{client}.{handle.removeprefix('own.')} reconnect {how} shared"

    def _connect(self, wish: Wish, handles: list[str]) -> str | None:
        """A second handle at most; none for who holds a transaction, who would wait for itself."""
        free = [name for name in ("1", "2") if f"own.{name}" not in handles]
        if not free or self._held.get(wish.client):
            return None
        return f"{wish.client}.{free[0]} {wish.what}"

    def _harness(self, what: str) -> str | None:
        present = bool(self._side.record().state & PRESENT)
        if what == ("card in" if present else "card out"):
            return None
        return what

    def _kill(self, client: str) -> str | None:
        """pcscd goes on with what a dead client waits for, and keeps its handles so long."""
        if client in self.talk.pending:
            return None
        return f"{client} kill" if client in self.talk.open else None

    def _alone_in_waiting(self, wish: Wish) -> bool:
        """Whether it is certain who is next: in pcscd that is chance, when two wait."""
        return not self.talk.pending or len(self._clients - set(self.talk.pending)) == 1

    @property
    def _clients(self) -> set[str]:
        return {client for client, handles in self.talk.open.items() if handles}

    def _spoils(self, wish: Wish) -> bool:
        """Whether pcscd would do something odd for who waits.

        It connects who waits for a transaction even when that has become exclusive, and lets a
        reconnect succeed when it leaves the card without power.
        """
        waiting = {pending.step.do for pending in self.talk.pending.values()}
        return (wish.what.endswith("exclusive") and "connect" in waiting) or (
            wish.what == "disconnect unpower" and "reconnect" in waiting
        )

    def _without_power(self, wish: Wish) -> bool:
        """pcscd says that a card without power is ready after a reconnect; ours gives power."""
        state = self._side.record().state
        return wish.what.startswith("reconnect leave") and state & (PRESENT | POWERED) == PRESENT
