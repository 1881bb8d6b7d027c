"""Clients that break the rules: each is dropped, and nobody else notices."""

from __future__ import annotations

import gc
import logging
import socket
import struct
import time
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import suppress

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.pcsc.cards import OK, VERIFY, PinCard
from tests.pcsc.rawclient import RawClient
from tests.pcsc.served import READER, Guest, open_descriptors, own_threads, serving, soon
from ushield.reader import service as rooms
from ushield.reader.codes import Rv
from ushield.reader.messages import (
    MAX_DATA,
    RECORD_SIZE,
    RECORDS,
    Attribute,
    ControlCode,
    Establish,
    Request,
    Status,
    Transmit,
    Version,
    Wait,
    body_size,
    build_request,
)
from ushield.reader.service import PcscService

SECOND = "ushield 00 01"
LIST_SIZE = RECORDS * RECORD_SIZE
MOST = 0xFFFFFFFF
EXAMPLES = max(120, settings().max_examples)


@pytest.fixture(scope="module")
def shared() -> Iterator[PcscService]:
    """A service that sees all the bad clients of this module."""
    with serving(PinCard(), PinCard()) as service:
        yield service


@pytest.fixture(autouse=True)
def no_trouble(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """A bad client is no trouble for the service: there is no traceback."""
    caplog.set_level(logging.DEBUG, "ushield")
    yield
    assert [record for record in caplog.records if record.levelno >= logging.ERROR] == []


@pytest.fixture
def service(shared: PcscService) -> Iterator[PcscService]:
    """The service, with a client that knows how to behave and must not notice anything."""
    with Guest(shared, READER) as bystander, Guest(shared) as watcher:
        watcher.wait()
        assert bystander.begin(bystander.card).rv == Rv.SUCCESS
        yield shared
        assert bystander.says(VERIFY) == OK
        assert bystander.end(bystander.card).rv == Rv.SUCCESS
        assert bystander.disconnect(bystander.card).rv == Rv.SUCCESS
        while watcher.silent(0):
            time.sleep(0.001)
        assert watcher.event() == Wait()


def header(command: int, size: int) -> bytes:
    return struct.pack("=II", size, command)


def promise(command: Request, size: int) -> bytes:
    """A request that promises so many bytes of data, which do not follow."""
    if command is Request.TRANSMIT:
        return build_request(command, Transmit(1, 2, 16, size, 3, 16, MAX_DATA))
    return build_request(command, ControlCode(1, 1, size, MAX_DATA))


def wrong_sizes() -> Iterator[tuple[str, bytes]]:
    for command in Request:
        right = body_size(command)
        assert right is not None
        for size in {right - 1, right + 1, right + 8, 2 * right + 1, 0x7FFFFFFF, MOST} - {-1}:
            if size != 8 or command not in (Request.WAIT, Request.STOP_WAITING):
                yield f"{command.name} of {size} bytes", header(command, size)


BAD = {
    **{f"command {number:#x}": header(number, 0) for number in (0, 3, 0xC, 0xE, 0x18, 0x100, MOST)},
    **{f"command {number:#x}, 4 GiB": header(number, MOST) for number in (0, 3, 0x18, MOST)},
    **dict(wrong_sizes()),
    "data of 65,549 bytes": promise(Request.TRANSMIT, MAX_DATA + 1),
    "data of 4 GiB": promise(Request.TRANSMIT, MOST),
    "control data of 65,549 bytes": promise(Request.CONTROL, MAX_DATA + 1),
    "control data of 4 GiB": promise(Request.CONTROL, MOST),
    "an attribute of 265 bytes": build_request(
        Request.GET_ATTRIBUTE, Attribute(1, 0x7FFF0003, b"", 265)
    ),
    "an attribute of 4 GiB": build_request(Request.SET_ATTRIBUTE, Attribute(1, 1, b"", MOST)),
    "a handle of nobody": build_request(Request.STATUS, Status(1)),
    "a handle of nobody, with data": promise(Request.TRANSMIT, 5) + bytes(5),
    "nonsense": b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
}


@pytest.mark.parametrize("bad", BAD.values(), ids=BAD.keys())
@pytest.mark.parametrize("greeted", [True, False])
def test_who_breaks_the_rules_is_dropped(service: PcscService, bad: bytes, greeted: bool) -> None:
    with RawClient(service.socket, greet=greeted) as client:
        client.send_raw(bad)
        assert client.hung_up()


def test_what_came_before_is_answered(service: PcscService) -> None:
    with RawClient(service.socket) as client:
        client.send_raw(build_request(Request.ESTABLISH, Establish(2)) + header(99, 0))
        assert client.answer(Establish).rv == Rv.SUCCESS
        assert client.hung_up()


def test_the_log_says_why(service: PcscService, caplog: pytest.LogCaptureFixture) -> None:
    with RawClient(service.socket) as client:
        client.send_raw(header(99, 0))
        assert client.hung_up()
    soon(lambda: bool(caplog.records), "there is a line")
    (record,) = caplog.records
    assert record.getMessage() == "a client was dropped: there is no command 0x63"
    assert record.levelno == logging.INFO


# --- versions -----------------------------------------------------------------------------------


@pytest.mark.parametrize("version", [(5, 0), (3, 4), (4, 2), (4, 7), (-1, 2**31 - 1)])
def test_an_unknown_version_is_answered_and_logged_once(
    service: PcscService, caplog: pytest.LogCaptureFixture, version: tuple[int, int]
) -> None:
    with RawClient(service.socket, greet=False) as client:
        assert client.version(*version) == Version(4, 6, Rv.SERVICE_STOPPED)
        (record,) = caplog.records
        assert record.levelno == logging.WARNING
        assert "{}:{}".format(*version) in record.getMessage()
        assert "4:6" in record.getMessage()
        # A library that knows the answered version as well tries again with it.
        assert client.version(4, 6) == Version(4, 6, Rv.SUCCESS)
        assert client.establish().rv == Rv.SUCCESS
    assert len(caplog.records) == 1


# --- those who do not finish --------------------------------------------------------------------


@pytest.mark.parametrize(
    "half",
    [
        b"\x0c",
        header(Request.VERSION, 12),
        build_request(Request.VERSION, Version(4, 4))[:-1],
        promise(Request.TRANSMIT, MAX_DATA) + bytes(MAX_DATA - 1),
    ],
    ids=["a byte", "a header", "all but a byte", "65,547 bytes of data"],
)
def test_half_a_message(service: PcscService, half: bytes) -> None:
    with RawClient(service.socket, greet=False) as waits, RawClient(service.socket) as goes:
        for client in (waits, goes):
            client.send_raw(half)
        assert waits.silent(0.02)
        with Guest(service, SECOND) as guest:
            assert guest.says(VERIFY) == OK
    soon(lambda: len(service._connections) == 2, "both are forgotten")


def test_clients_that_say_nothing(service: PcscService) -> None:
    silent = [socket.socket(socket.AF_UNIX) for _ in range(300)]
    for client in silent:
        client.connect(str(service.socket))
    soon(lambda: len(service._connections) == 302, "all have come in")
    with Guest(service, SECOND) as guest:
        began = time.perf_counter()
        assert guest.says(VERIFY) == OK
        assert time.perf_counter() - began < 0.2
    for client in silent:
        client.close()
    soon(lambda: len(service._connections) == 2, "all are forgotten")


def test_one_byte_at_a_time(service: PcscService) -> None:
    requests = [
        (build_request(Request.VERSION, Version(4, 6)), Version(4, 6, 0)),
        (build_request(Request.WAIT, Wait()), None),
        (build_request(Request.STOP_WAITING, Wait()), Wait()),
        (build_request(Request.ESTABLISH, Establish(9)), Establish(9, 0, Rv.INVALID_VALUE)),
    ]
    with RawClient(service.socket, greet=False) as client:
        for request, answer in requests:
            for byte in request:
                client.send_raw(bytes((byte,)))
            if answer is not None:
                assert client.answer(type(answer)) == answer


# --- those who do not read ----------------------------------------------------------------------


def test_an_event_for_a_client_that_does_not_read(caplog: pytest.LogCaptureFixture) -> None:
    """It holds up nobody, and does not get into an answer that is half sent."""
    card = PinCard()
    with serving(card) as service, Guest(service) as deaf, Guest(service) as watcher:
        deaf.send_raw(header(Request.WAIT, 0) * 200)
        soon(lambda: deaf._line.recv(LIST_SIZE, socket.MSG_PEEK) != b"", "answers come")
        time.sleep(0.05)
        watcher.wait()
        began = time.perf_counter()
        service.remove(0)
        watcher.event()
        service.insert(0, card)
        assert time.perf_counter() - began < 0.1
        assert watcher.readers()[0].events == 3
        lists = events = 0
        while lists < 200 or not events:
            head = deaf.receive(8)
            if head == bytes(8):
                events += 1
            else:
                assert head == READER.encode()[:8]
                deaf.receive(LIST_SIZE - 8)
                lists += 1
        assert deaf.silent(0.02)
        assert 1 <= events <= 2


def test_what_nobody_reads_is_not_kept(service: PcscService) -> None:
    """The service does not read on while its answers are not read."""
    with RawClient(service.socket) as client:
        client._line.setblocking(False)
        sent = 0
        with suppress(BlockingIOError):
            while sent < 50_000_000:
                sent += client._line.send(header(Request.READERS, 0) * 1000)
        assert sent < 2_000_000


def test_a_client_that_goes_without_reading(service: PcscService) -> None:
    with RawClient(service.socket) as client:
        client.send_raw(header(Request.READERS, 0) * 500)
    soon(lambda: len(service._connections) == 2, "it is forgotten")


# --- too many -----------------------------------------------------------------------------------


def test_too_many_clients(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rooms, "_MOST_CLIENTS", 3)
    with serving(PinCard()) as service:
        guests = [Guest(service, READER) for _ in range(3)]
        for _ in range(5):
            with RawClient(service.socket, greet=False) as turned_away:
                assert turned_away.hung_up()
        assert [guest.says(VERIFY) for guest in guests] == [OK] * 3
        guests.pop().close()
        soon(lambda: service.records()[0].sharing == 2, "one has left")
        with Guest(service, READER) as late:
            assert late.says(VERIFY) == OK
        for guest in guests:
            guest.close()


# --- any bytes ----------------------------------------------------------------------------------

COMMANDS = st.sampled_from(list(Request))
BODIES = COMMANDS.flatmap(
    lambda command: st.binary(
        min_size=body_size(command) or 0, max_size=body_size(command) or 0
    ).map(lambda body: header(command, len(body)) + body)
)
"""Requests of the right size, with anything in them."""


@settings(
    max_examples=EXAMPLES,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(parts=st.lists(st.binary(max_size=300) | BODIES, max_size=8))
def test_any_bytes(service: PcscService, parts: list[bytes]) -> None:
    with RawClient(service.socket) as client, suppress(ConnectionError):
        for part in parts:
            client.send_raw(part)


@settings(
    max_examples=EXAMPLES,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(at=st.integers(0, 400), flip=st.integers(1, 255))
def test_a_conversation_with_one_wrong_byte(service: PcscService, at: int, flip: int) -> None:
    with Guest(service, SECOND) as guest:
        talk = bytearray(
            build_request(Request.STATUS, Status(guest.card))
            + build_request(Request.TRANSMIT, Transmit(guest.card, 2, 16, 5, 3, 16, 300), bytes(5))
            + build_request(Request.CONTROL, ControlCode(guest.card, 1, 4, 9), bytes(4))
            + build_request(Request.GET_ATTRIBUTE, Attribute(guest.card, 0x7FFF0003, b"", 264))
        )
        talk[at % len(talk)] ^= flip
        guest.send_raw(bytes(talk))


# --- thousands ----------------------------------------------------------------------------------


def die_in_a_transaction(path: PcscService) -> None:
    with Guest(path, READER) as guest:
        guest.send(Request.BEGIN, Status(guest.card))


def stop_half_way(service: PcscService) -> None:
    with RawClient(service.socket) as client:
        client.send_raw(promise(Request.TRANSMIT, MAX_DATA) + bytes(30_000))


def say_nothing(service: PcscService) -> None:
    RawClient(service.socket, greet=False).close()


def read_nothing(service: PcscService) -> None:
    with RawClient(service.socket) as client:
        client.send_raw(header(Request.WAIT, 0) * 20)


def break_a_rule(service: PcscService) -> None:
    with RawClient(service.socket) as client:
        client.send_raw(header(99, MOST))
        assert client.hung_up()


def use_another_s_handle(service: PcscService) -> None:
    with Guest(service) as guest:
        guest.send(Request.STATUS, Status(12345))
        assert guest.hung_up()


def leave_all_open(service: PcscService) -> None:
    with Guest(service, READER) as guest:
        for _ in range(5):
            guest.connect(READER)
        guest.wait()


MANNERS: list[Callable[[PcscService], None]] = [
    die_in_a_transaction,
    stop_half_way,
    say_nothing,
    read_nothing,
    break_a_rule,
    use_another_s_handle,
    leave_all_open,
]


def bad_clients(service: PcscService, rounds: int) -> None:
    for _ in range(rounds):
        for manner in MANNERS:
            manner(service)
    soon(lambda: not service._threads, "all are forgotten")


def grows_by(service: PcscService, rounds: int) -> int:
    """How many bytes Python has more after so many rounds than before."""
    bad_clients(service, 20)
    gc.collect()
    tracemalloc.start()
    try:
        bad_clients(service, 2)
        gc.collect()
        before = tracemalloc.get_traced_memory()[0]
        bad_clients(service, rounds)
        gc.collect()
        return tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    "rounds", [150, pytest.param(5000, marks=pytest.mark.torture)], ids=["quick", "long"]
)
def test_nothing_grows(rounds: int, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING, "ushield")
    with serving(PinCard()) as service:
        descriptors, threads = open_descriptors(), own_threads()
        assert grows_by(service, rounds) < 50_000
        assert own_threads() <= threads
        assert open_descriptors() <= descriptors
        core = service._core
        assert not (core._contexts or core._handles or list(core.watchers) or core._turns)
        assert not service._connections
        assert service.records()[0].sharing == 0
        with Guest(service, READER) as guest:
            assert guest.says(VERIFY) == OK
