"""A script played on one side: clients come and go, calls are made, results put into words."""

from __future__ import annotations

import time
from typing import Any, NamedTuple, Self

from tests.pcsc.differential.process import AT_MOST_SECONDS, Client
from tests.pcsc.differential.script import Step, Watched
from tests.pcsc.differential.sides import Side
from tests.pcsc.differential.words import Result, Teller

SETTLE_SECONDS = 3.0


class Line(NamedTuple):
    """A step and what came of it."""

    step: str
    result: str

    def __str__(self) -> str:
        return f"{self.step} -> {self.result}"


class Pending(NamedTuple):
    """A call that waits."""

    number: int
    step: Step


class SilenceError(Exception):
    """A call has not returned in time."""


class Conversation:
    """Plays steps on a side. `patience` is how long a call that may wait is given to return."""

    def __init__(self, side: Side, patience: float) -> None:
        self._side = side
        self._patience = patience
        self._base = side.record().events
        self._teller = Teller(self._base)
        self._clients: dict[str, Client] = {}
        self.pending: dict[str, Pending] = {}
        """Calls that wait, by client: a client makes no other call of that context then."""
        self.open: dict[str, set[str]] = {}
        """The handles that each client has."""
        self.lines: list[Line] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for client in self._clients.values():
            client.kill()

    def play(self, steps: list[Step]) -> list[Line]:
        """All steps, up to the first that does not come to its end."""
        for step in steps:
            try:
                self.step(step)
            except SilenceError:
                break
        return self.lines

    def step(self, step: Step) -> str:
        """One step; what came of it. SilenceError when a call has not returned."""
        try:
            result = self._do(step)
        except SilenceError:
            self.lines.append(Line(step.text, "never returns"))
            raise
        self.lines.append(Line(step.text, result))
        return result

    def has_returned(self, client: str, seconds: float) -> bool:
        """Whether the call that waits has returned; the step that says so is played then."""
        number, step = self.pending[client]
        result = self._clients[client].result(number, seconds)
        if result is None:
            return False
        del self.pending[client]
        self.lines.append(Line(f"{client} returns", self._told(step, result)))
        return True

    # --- steps ----------------------------------------------------------------------------------

    def _do(self, step: Step) -> str:
        match step.do:
            case "card":
                self._side.card(*step.arguments["what"])
                return "done"
            case "until":
                return self._until(int(*step.arguments["what"]))
            case "see":
                return self._teller.record(self._side.record())
            case "kill" | "exit":
                return self._end(step)
            case "returns":
                number, asked = self.pending.pop(step.client)
                return self._returned(asked, number, AT_MOST_SECONDS)
            case _:
                return self._call(step)

    def _call(self, step: Step) -> str:
        number = self._client(step.client).ask(step.do, self._arguments(step))
        if not step.waits:
            return self._returned(step, number, AT_MOST_SECONDS)
        try:
            return self._returned(step, number, self._patience)
        except SilenceError:
            self.pending[step.client] = Pending(number, step)
            return "waits"

    def _client(self, name: str) -> Client:
        """The client of that name, with a context of its own."""
        if name not in self._clients:
            self._clients[name] = client = Client(self._side.environment)
            number = client.ask("establish", {"context": "own"})
            established = client.result(number, AT_MOST_SECONDS)
            assert established == {"rv": 0}, established
        return self._clients[name]

    def _returned(self, step: Step, number: int, seconds: float) -> str:
        result = self._clients[step.client].result(number, seconds)
        if result is None:
            raise SilenceError(step.text)
        return self._told(step, result)

    def _told(self, step: Step, result: Result) -> str:
        self._remember(step, result)
        return self._teller.result(step.do, step.arguments, result)

    def _remember(self, step: Step, result: Result) -> None:
        """Which handles the client has now."""
        cards = self.open.setdefault(step.client, set())
        if step.do == "connect" and not result["rv"]:
            cards.add(step.arguments["card"])
        elif step.do == "disconnect" and not result["rv"]:
            cards.discard(step.arguments["card"])
        elif step.do == "release":
            prefix = step.arguments["context"] + "."
            cards -= {card for card in cards if card.startswith(prefix)}

    def _end(self, step: Step) -> str:
        """End a client, and wait until the service knows; another may be counted by that."""
        before = self._side.record().sharing
        client = self._clients.pop(step.client)
        if step.do == "kill":
            client.kill()
        else:
            client.exit()
        self.pending.pop(step.client, None)
        mine = len(self.open.pop(step.client, ()))
        if mine:
            after = 0 if before < 0 else before - mine
            coming = any(pending.step.do == "connect" for pending in self.pending.values())
            self._until(after, *(after + 1, -1) * coming)
        return "ended"

    def _until(self, *sharing: int) -> str:
        """Wait until so many connections are counted."""
        deadline = time.monotonic() + SETTLE_SECONDS
        while (found := self._side.record().sharing) not in sharing:
            if time.monotonic() > deadline:
                return f"{found} connections"
            time.sleep(0.002)
        return "so it is"

    def _arguments(self, step: Step) -> dict[str, Any]:
        if step.do != "wait":
            return step.arguments
        readers = [(one.name, self._state(one)) for one in step.arguments["readers"]]
        return step.arguments | {"readers": readers}

    def _state(self, reader: Watched) -> int | None:
        if reader.state is None or reader.counter is None:
            return reader.state
        return reader.state | (self._base + reader.counter) << 16


def play(side: Side, card: str, steps: list[Step], patience: float) -> list[Line]:
    """A script from beginning to end, with that card in the reader at first."""
    side.prepare(card)
    with Conversation(side, patience) as conversation:
        return conversation.play(steps)
