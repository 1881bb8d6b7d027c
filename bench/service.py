"""Our PC/SC service: a trivial command against pcscd's, many clients, events, life and memory."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from statistics import median
from time import perf_counter, sleep

from bench.measure import Row, at_most
from bench.worker import Worker
from tests.pcscd import SOCKET_VARIABLE, Pcscd, eventually
from ushield.reader.service import default_names
from ushield.testing import ReaderFactory, TokenFactory

_ROUNDS, _TURNS = 15, 61
_COMMANDS = 1500
_COMMANDS_A_TURN = 300
_CLIENTS = 8
_MANY_READERS = 16
_EVENTS = 20


def rows(pcscd: Pcscd) -> Iterator[Row]:
    """What one client sees first, then what many do."""
    with ExitStack() as stack:
        real = client_of_service(stack, "chip")
        null = client_of_service(stack, "null")
        stack.enter_context(Worker("bench.served", "vpcd", str(pcscd.port), "null"))
        eventually(lambda: pcscd.reader().present, "the null card is in the reader")
        theirs = stack.enter_context(Worker("bench.libpcsclite", env=find(str(pcscd.socket))))
        name = "GET CHALLENGE through libpcsclite and our service"
        yield _compare(name, real, "a null card, pcscd and vpcd", theirs, 1.2)
        yield _compare("the same", real, "a null card, our service", null, 0.85)
    yield _many_clients()
    yield at_most("a card put in or out is seen by who waits", _event() * 1e3, "ms", 20)
    yield at_most("`ushield_reader`, set up and torn down", _fixture() * 1e3, "ms", 50)
    yield at_most("`ushield run -- true`, whole process", _run(), "s", 0.3)
    yield _memory()


def client_of_service(stack: ExitStack, kind: str) -> Worker:
    """A client of a service of its own, which has a card of this kind (see `bench.served`)."""
    server = stack.enter_context(Worker("bench.served", "service", kind))
    return stack.enter_context(Worker("bench.libpcsclite", env=find(server.hello)))


def find(socket: str) -> dict[str, str]:
    """The environment in which a client finds a service."""
    return {SOCKET_VARIABLE: socket}


def _compare(name: str, worker: Worker, against: str, other: Worker, least: float) -> Row:
    """The rate of the first worker as a share of the other's."""
    return ratio_row(name, turn_about(worker, other, _COMMANDS_A_TURN), against, least)


def turn_about(worker: Worker, other: Worker, count: int) -> list[tuple[float, float]]:
    """Seconds of one action, in many turns of `count`; the first turn warms up.

    Turns are short, so that what else the machine does spoils a few of them and not the median.
    """
    pairs = [(worker.seconds(count), other.seconds(count)) for _ in range(_TURNS + 1)]
    return pairs[1:]


def ratio_row(
    name: str, pairs: list[tuple[float, float]], against: str, least: float | None
) -> Row:
    """A row of seconds measured turn about, ours first; `least` is what is wanted."""
    ratio = median(theirs / ours for ours, theirs in pairs)
    ours, theirs = (median(pair[side] for pair in pairs) * 1e6 for side in (0, 1))
    return Row(
        name=name,
        value=f"{ours:,.1f} us",
        against=f"{against}: {theirs:,.1f} us",
        ratio=ratio,
        wanted="" if least is None else f"at least {least:.2f}",
        met=None if least is None else ratio >= least,
    )


def _many_clients() -> Row:
    """All at once, each with a reader of its own; how many commands each gets done in a second."""
    with ExitStack() as stack:
        server = stack.enter_context(Worker("bench.served", "service", "chip", str(_CLIENTS)))
        env = find(server.hello)
        clients = [
            stack.enter_context(Worker("bench.libpcsclite", name, env=env))
            for name in default_names(_CLIENTS)
        ]
        alone = min(clients[0].seconds(_COMMANDS) for _ in range(3))
        for client in clients:
            client.write(str(_COMMANDS))
        times = [float(client.read()) for client in clients]
    total = _CLIENTS * _COMMANDS / max(times)
    return Row(
        name=f"{_CLIENTS} clients on {_CLIENTS} readers, all together",
        value=f"{total:,.0f} a second, the slowest at {min(times) / max(times):.2f} of the fastest",
        against=f"one alone: {1 / alone:,.0f} a second",
        ratio=total * alone,
    )


def _event() -> float:
    """Seconds from an insertion or a removal to its sight."""
    with (
        Worker("bench.served", "service", "null") as server,
        Worker("bench.libpcsclite", env=find(server.hello)) as client,
    ):
        seconds = []
        for number in range(_EVENTS):
            assert client.ask("event") == "waiting"
            sleep(0.005)
            begin = float(server.ask("insert" if number % 2 else "remove"))
            seconds.append(float(client.read()) - begin)
    return max(seconds)


def _fixture() -> float:
    """As the pytest plugin does it for each test; the token was made for an earlier one."""

    def once() -> float:
        begin = perf_counter()
        with TokenFactory() as tokens, ReaderFactory(tokens) as readers:
            readers()
        return perf_counter() - begin

    return median([once() for _ in range(_ROUNDS)])


def _run() -> float:
    def once() -> float:
        begin = perf_counter()
        subprocess.run([sys.executable, "-m", "ushield", "run", "--", "true"], check=True)
        return perf_counter() - begin

    return median(once() for _ in range(_ROUNDS))


def _memory() -> Row:
    """What readers with tokens in them need, beside the program itself."""

    def size(count: int) -> int:
        with Worker("bench.served", "service", "token", str(count)) as server:
            return int(server.ask("rss"))

    one, many = size(1), size(_MANY_READERS)
    each = (many - one) / (_MANY_READERS - 1)
    return Row(
        name=f"memory of a service with {_MANY_READERS} tokens",
        value=f"{many / 2**20:,.1f} MiB, {each / 2**10:,.0f} KiB for each reader more",
        against=f"with one token: {one / 2**20:,.1f} MiB",
        ratio=many / one,
    )
