"""The service over its real socket: many clients, moving cards, ends of all kinds."""

from __future__ import annotations

import os
import socket
import stat
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.pcsc.cards import DENIED, OK, VERIFIED, VERIFY, BrokenCard, LongCard, PinCard, SlowCard
from tests.pcsc.cards import long_answer as answer_of
from tests.pcsc.rawclient import RawClient
from tests.pcsc.served import (
    READER,
    Guest,
    in_the_background,
    line_of,
    open_descriptors,
    output,
    own_threads,
    program,
    serving,
    soon,
)
from ushield.reader.codes import Disposition, Protocol, Rv, Share, State
from ushield.reader.messages import Begin, Connect, Request, Status, Wait
from ushield.reader.service import PcscService, ReaderError, ReaderSpec, default_names

MINORS = [3, 4, 5, 6]
SECOND = "ushield 00 01"
PROMPT = 0.02
"""Seconds within which a waiting client is told of an event."""


@pytest.fixture
def card() -> PinCard:
    return PinCard()


@pytest.fixture
def service(card: PinCard) -> Iterator[PcscService]:
    """One reader with a card in it."""
    with serving(card) as service:
        yield service


@pytest.fixture
def ada(service: PcscService) -> Iterator[Guest]:
    with Guest(service, READER) as guest:
        yield guest


@pytest.fixture
def bob(service: PcscService) -> Iterator[Guest]:
    with Guest(service, READER) as guest:
        yield guest


# --- start and stop -----------------------------------------------------------------------------


def test_nothing_is_left_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    card = PinCard()
    with serving(card) as service, Guest(service, READER), RawClient(service.socket, 6):
        assert os.listdir(tmp_path) == [service.socket.parent.name]
    assert os.listdir(tmp_path) == []
    assert card.done == ["on", "off"]


def test_files_are_for_their_owner_only() -> None:
    before = os.umask(0)
    try:
        with serving(None) as service:
            folder = service.socket.parent
            modes = {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()}
            assert modes == {0o600}
            assert stat.S_IMODE(folder.stat().st_mode) == 0o700
            assert stat.S_ISSOCK(service.socket.stat().st_mode)
    finally:
        os.umask(before)


def test_two_services_side_by_side() -> None:
    with (
        serving(PinCard(), names=["left"]) as left,
        serving(PinCard(), names=["right"]) as right,
        Guest(left, "left") as one,
        Guest(right, "right") as two,
    ):
        assert one.says(VERIFY) == OK
        assert two.says(VERIFIED) == DENIED
        assert one.connect("right").rv == Rv.UNKNOWN_READER
        assert one.cancel(two.context).rv == Rv.INVALID_HANDLE
        assert output(right, "print(good(SCardListReaders(context(), [])))") == "['right']\n"
        assert left.environment != right.environment


def test_a_service_can_start_again(card: PinCard) -> None:
    service = PcscService([ReaderSpec(READER, card)])
    for _ in range(3):
        with service, Guest(service, READER) as guest:
            assert guest.says(VERIFIED) == DENIED
        service.stop()
    assert card.done == ["on", "off"] * 3


def test_a_service_that_cannot_start_leaves_nothing(service: PcscService, tmp_path: Path) -> None:
    threads, descriptors = own_threads(), open_descriptors()
    with pytest.raises(Exception, match="in use by another service"):
        PcscService([ReaderSpec(READER)], service.socket).start()
    (tmp_path / "file").touch()
    with pytest.raises(Exception, match="is no socket"):
        PcscService([ReaderSpec(READER)], tmp_path / "file").start()
    soon(lambda: own_threads() <= threads, "no thread is left")
    assert open_descriptors() == descriptors
    with Guest(service, READER) as guest:
        assert guest.card


def test_a_killed_service_is_cleaned_up_by_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = (
        "from ushield.reader.service import *; import time\n"
        "print(PcscService([ReaderSpec('r')]).start().socket, flush=True); time.sleep(60)"
    )
    environment = os.environ | {"TMPDIR": str(tmp_path)}
    with subprocess.Popen(
        [sys.executable, "-c", text], env=environment, stdout=subprocess.PIPE, text=True
    ) as process:
        path = Path(line_of(process))
        with Guest(path) as guest:
            process.kill()
            assert guest.hung_up()
    assert path.exists()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with serving(None) as service:
        assert os.listdir(tmp_path) == [service.socket.parent.name]


def test_stop_with_clients_in_every_state() -> None:
    card = SlowCard()
    with ExitStack() as outside, serving(card, PinCard()) as service:
        silent = RawClient(service.socket, greet=False)
        half, watcher = Guest(service), Guest(service)
        holder, waiter = Guest(service, SECOND), Guest(service, SECOND)
        worker, next_one = Guest(service, READER), Guest(service, READER)
        half.send_raw(b"\x04\0\0\0\x07")
        watcher.wait()
        holder.begin(holder.card)
        waiter.send(Request.BEGIN, Begin(waiter.card))
        for one in (worker, next_one):
            one.send_transmit(one.card, VERIFY)
        assert card.working.wait(5)
        everybody: list[RawClient] = [silent, half, watcher, holder, waiter, worker, next_one]
        for guest in everybody:
            outside.enter_context(guest)
        threading.Timer(0.1, card.may_answer.set).start()
        began = time.monotonic()
        service.stop()
        assert time.monotonic() - began < 1
        for guest in everybody:
            # The watcher may be told of others that are gone already.
            assert guest.hung_up() or (guest is watcher and guest.receive(7) and guest.hung_up())
        outside.close()
    assert card.done == ["on", "off"]


def test_a_client_may_come_while_the_service_stops(card: PinCard) -> None:
    for _ in range(20):
        with serving(card) as service:
            path, stop = service.socket, threading.Event()

            def knock(path: Path = path, stop: threading.Event = stop) -> None:
                while not stop.is_set():
                    try:
                        with Guest(path, READER):
                            pass
                    except (OSError, AssertionError):
                        return

            threads = [threading.Thread(target=knock) for _ in range(3)]
            for thread in threads:
                thread.start()
            time.sleep(0.01)
        stop.set()
        for thread in threads:
            thread.join(5)
            assert not thread.is_alive()


# --- readers and their names --------------------------------------------------------------------

NAMES = [
    "Yubico YubiKey OTP+FIDO+CCID 00 00",
    "x" * 127,
    "银行卡读卡器" * 7,
    "é" * 63 + "!",
    " leading and trailing ",
    "with\ttab and 'quotes\"",
    "\\\\?PnP?\\Not quite",
    "a",
]


def test_sixteen_readers_with_all_kinds_of_names() -> None:
    names = [*NAMES, *default_names(16 - len(NAMES))]
    with serving(*[PinCard() for _ in names], names=names) as service:
        assert service.readers == names
        with Guest(service) as guest:
            assert [record.name for record in guest.readers()] == names
            for name in names:
                assert guest.connect(name).rv == Rv.SUCCESS
        text = (
            "where = context(); readers = good(SCardListReaders(where, []))\n"
            "for reader in readers: ask(connect(where, reader), b'0000')\n"
            "print(readers == sys.argv[1:])"
        )
        assert output(service, text, *names) == "True\n"


@pytest.mark.parametrize(
    ("names", "complaint"),
    [
        ([], "1 to 16 readers, not 0"),
        (default_names(17), "1 to 16 readers, not 17"),
        (["a", "b", "a"], "same name"),
        ([""], "1 to 127 bytes"),
        (["x" * 128], "1 to 127 bytes"),
        (["é" * 64], "1 to 127 bytes"),
        (["a\0b"], "1 to 127 bytes"),
        (["\udcff"], "1 to 127 bytes"),
    ],
)
def test_names_that_are_none(names: list[str], complaint: str) -> None:
    with pytest.raises(ReaderError, match=complaint):
        PcscService([ReaderSpec(name) for name in names])


def test_readers_are_found_by_name_and_by_number(service: PcscService, card: PinCard) -> None:
    assert service.remove(0) is card
    service.insert(READER, card)
    service.reset(READER)
    assert card.done == ["on", "off", "on", "reset"]
    for wrong in (1, -1, "nobody"):
        with pytest.raises(ReaderError, match="there is no reader"):
            service.remove(wrong)
    with pytest.raises(ReaderError, match="already"):
        service.insert(0, PinCard())
    service.remove(0)
    for call in (service.remove, service.reset):
        with pytest.raises(ReaderError, match="no card"):
            call(0)
    assert [record.state for record in service.records()] == [State.ABSENT]


# --- cards that come and go ---------------------------------------------------------------------


@pytest.mark.parametrize("minor", MINORS)
def test_a_watcher_sees_every_move(service: PcscService, card: PinCard, minor: int) -> None:
    def swap() -> None:
        service.remove(0)
        service.insert(0, PinCard())

    with Guest(service, minor=minor) as watcher:
        moves: list[tuple[Any, int, int]] = [
            (lambda: service.remove(0), 2, State.ABSENT),
            (lambda: service.insert(0, card), 3, State.PRESENT),
            (lambda: service.reset(0), 3, State.PRESENT),
            (swap, 5, State.PRESENT),
        ]
        for move, events, state in moves:
            watcher.wait()
            move()
            assert watcher.event(1) == Wait()
            record = watcher.reader(READER)
            assert record.events == events
            assert record.state & (State.ABSENT | State.PRESENT) == state


def test_a_watcher_is_told_promptly(service: PcscService, card: PinCard) -> None:
    delays = []
    with Guest(service) as watcher:
        for _ in range(20):
            watcher.wait()
            began = time.perf_counter()
            service.remove(0)
            watcher.event()
            delays.append(time.perf_counter() - began)
            watcher.wait()
            began = time.perf_counter()
            service.insert(0, card)
            watcher.event()
            delays.append(time.perf_counter() - began)
    assert statistics.median(delays) < PROMPT / 4
    assert sorted(delays)[-3] < PROMPT


def test_a_program_sees_every_move(service: PcscService, card: PinCard) -> None:
    text = """
where = context()
(_, state, atr), = good(SCardGetStatusChange(where, 0, [(READER, SCARD_STATE_UNAWARE)]))
for _ in range(3):
    print(state >> 16, bool(state & SCARD_STATE_PRESENT), len(atr), flush=True)
    (_, state, atr), = good(SCardGetStatusChange(where, 10_000, [(READER, state)]))
print(state >> 16, bool(state & SCARD_STATE_PRESENT), len(atr), flush=True)
print(SCardGetStatusChange(where, 50, [(READER, state)])[0] & 0xFFFFFFFF == 0x8010000A)
""".replace("READER", repr(READER))
    with program(service, text) as process:
        assert line_of(process) == "1 True 5"
        service.remove(0)
        assert line_of(process) == "2 False 0"
        service.insert(0, card)
        assert line_of(process) == "3 True 5"
        service.remove(0)
        service.insert(0, card)
        assert line_of(process) in ("4 False 0", "5 True 5")
        assert line_of(process) in ("True", "False")


@pytest.mark.parametrize("minor", MINORS)
def test_watchers_among_many_moves_do_not_get_confused(minor: int) -> None:
    """An event that came before the records, or within them, would be read as part of them."""
    card = PinCard()
    rounds = 60
    with serving(card) as service:

        def watch() -> None:
            with Guest(service, minor=minor) as watcher:
                seen = 0
                while seen < 1 + 2 * rounds:
                    # A client of 4:3 looks first, and may miss what comes before it waits.
                    (record,) = watcher.readers() if minor == 3 else watcher.wait()
                    assert record.name == READER
                    if minor == 3:
                        watcher.send(Request.WAIT, Wait())
                    if record.events > seen or (minor == 3 and watcher.silent(0.1)):
                        assert watcher.stop_waiting() == Wait()
                    else:
                        assert watcher.event(5) == Wait()
                    seen = record.events

        def come_and_go() -> None:
            for _ in range(200):
                with Guest(service, READER, Share.DIRECT):
                    pass

        with in_the_background(watch, watch, come_and_go):
            for _ in range(rounds):
                service.remove(0)
                service.insert(0, card)


def test_a_card_that_is_mute_is_seen_to_be(service: PcscService) -> None:
    broken = BrokenCard()
    service.remove(0)
    service.insert(0, broken)
    with Guest(service) as watcher:
        watcher.wait()
        broken.broken = {"reset", "power_off"}
        with pytest.raises(ReaderError, match="that answers"):
            service.reset(0)
        assert watcher.event(1) == Wait()
        assert watcher.reader(READER).state & State.SWALLOWED
    assert service.remove(0) is broken


def test_cards_that_fail_do_not_keep_the_service_from_ending() -> None:
    cards = [BrokenCard("power_on", "power_off"), BrokenCard("power_off"), PinCard()]
    with serving(*cards) as service, Guest(service, SECOND) as guest:
        assert guest.says() == b"\x00\xca\x00\x00\x90\x00"
        assert guest.disconnect(guest.card, Disposition.UNPOWER).rv == Rv.SUCCESS
    assert cards[2].done == ["on", "off"]


def test_other_connections_learn_of_reset_and_removal(
    service: PcscService, ada: Guest, bob: Guest
) -> None:
    assert ada.reconnect(ada.card, initialization=Disposition.RESET).rv == Rv.SUCCESS
    assert bob.transmit(bob.card, VERIFY)[0].rv == Rv.RESET_CARD
    assert bob.reconnect(bob.card).rv == Rv.SUCCESS
    service.reset(0)
    assert ada.status(ada.card).rv == bob.status(bob.card).rv == Rv.RESET_CARD
    service.remove(0)
    assert ada.status(ada.card).rv == bob.begin(bob.card).rv == Rv.REMOVED_CARD
    assert ada.reconnect(ada.card).rv == Rv.NO_SMARTCARD


# --- transactions -------------------------------------------------------------------------------


def test_a_client_that_waits_gets_its_answer_at_the_end(ada: Guest, bob: Guest) -> None:
    ada.begin(ada.card)
    bob.send(Request.BEGIN, Begin(bob.card))
    assert bob.silent(0.1)
    began = time.perf_counter()
    ada.end(ada.card)
    assert bob.answer(Begin).rv == Rv.SUCCESS
    assert time.perf_counter() - began < PROMPT


def test_everything_that_waits_ends_with_the_removal(
    service: PcscService, ada: Guest, bob: Guest
) -> None:
    with Guest(service, READER) as carl, Guest(service, READER) as dora, Guest(service) as emil:
        ada.begin(ada.card)
        bob.send(Request.BEGIN, Begin(bob.card))
        carl.send(Request.STATUS, Status(carl.card))
        dora.send_transmit(dora.card, VERIFY)
        emil.send(Request.CONNECT, Connect(emil.context, READER, Share.SHARED, Protocol.ANY))
        assert all(one.silent(0.02) for one in (bob, carl, dora, emil))
        service.remove(0)
        assert bob.answer(Begin).rv == carl.answer(Status).rv == Rv.REMOVED_CARD
        assert dora.answer_to_transmit()[0].rv == Rv.REMOVED_CARD
        assert emil.answer(Connect).rv == Rv.NO_SMARTCARD


def test_a_client_killed_inside_its_transaction(service: PcscService, card: PinCard) -> None:
    text = (
        "card = connect(context()); good(SCardBeginTransaction(card))\n"
        "ask(card, bytes.fromhex('00200000')); print('in', flush=True); time.sleep(60)"
    )
    with program(service, text) as process, Guest(service, READER) as bob:
        assert line_of(process) == "in"
        assert card.verified
        bob.send(Request.BEGIN, Begin(bob.card))
        assert bob.silent(0.05)
        began = time.perf_counter()
        process.kill()
        assert bob.answer(Begin).rv == Rv.RESET_CARD
        assert time.perf_counter() - began < 0.5
        assert bob.reconnect(bob.card).rv == bob.begin(bob.card).rv == Rv.SUCCESS
        assert bob.says(VERIFIED) == DENIED


def test_a_client_killed_while_it_waits(service: PcscService, ada: Guest, bob: Guest) -> None:
    text = (
        "card = connect(context()); print('in', flush=True); input(); SCardBeginTransaction(card)"
    )
    with program(service, text) as process:
        assert line_of(process) == "in"
        ada.begin(ada.card)
        print(file=process.stdin, flush=True)
        time.sleep(0.05)
        bob.send(Request.BEGIN, Begin(bob.card))
        time.sleep(0.05)
        process.kill()
        process.wait()
        ada.end(ada.card)
        assert bob.answer(Begin).rv == Rv.SUCCESS
        soon(lambda: service.records()[0].sharing == 2, "the dead one is forgotten")
        assert bob.end(bob.card).rv == ada.status(ada.card).rv == Rv.SUCCESS


def test_two_programs_through_the_library(service: PcscService) -> None:
    """The library's own way of waiting and the service's get along."""
    text = """
card = connect(context())
for _ in range(50):
    good(SCardBeginTransaction(card))
    assert ask(card, bytes.fromhex('00200000')) == b'\\x90\\0'
    assert ask(card, bytes.fromhex('00200001')) == b'\\x90\\0'
    good(SCardEndTransaction(card, SCARD_LEAVE_CARD))
print('done')
"""
    with program(service, text) as one, program(service, text) as two:
        assert line_of(one) == line_of(two) == "done"


def test_fairness(service: PcscService) -> None:
    """Who asks again at once is behind who has waited: two clients get the card in turns."""
    with Guest(service, READER) as holder, Guest(service, READER) as other:
        assert holder.begin(holder.card).rv == Rv.SUCCESS
        for _ in range(50):
            other.send(Request.BEGIN, Begin(other.card))
            soon(lambda: bool(service._core._turns), "the other one waits")
            assert holder.end(holder.card).rv == Rv.SUCCESS
            holder.send(Request.BEGIN, Begin(holder.card))
            assert other.answer(Begin).rv == Rv.SUCCESS
            assert holder.silent(0.005), "the other one has the card"
            assert other.end(other.card).rv == Rv.SUCCESS
            assert holder.answer(Begin).rv == Rv.SUCCESS


# --- many at once -------------------------------------------------------------------------------


def test_a_hundred_contexts(service: PcscService) -> None:
    threads = own_threads()
    guests = [Guest(service, READER, minor=3 + number % 4) for number in range(100)]
    assert len({guest.context for guest in guests}) == len({guest.card for guest in guests}) == 100
    assert service.records()[0].sharing == 100
    for guest in guests:
        assert guest.says() == b"\x00\xca\x00\x00\x90\x00"
    for guest in guests:
        guest.close()
    soon(lambda: service.records()[0].sharing == 0, "everybody has left")
    soon(lambda: own_threads() <= threads, "only the door is watched")


def test_a_hundred_contexts_of_one_program(service: PcscService) -> None:
    text = """
cards = [connect(context()) for _ in range(100)]
assert len(set(cards)) == 100
answers = []
def work(card): answers.append(ask(card, b'0000'))
threads = [threading.Thread(target=work, args=(card,)) for card in cards]
for thread in threads: thread.start()
for thread in threads: thread.join()
print(len(answers), set(answers))
"""
    assert output(service, text) == "100 {b'0000\\x90\\x00'}\n"


def test_a_program_that_forks(service: PcscService) -> None:
    text = """
where = context(); card = connect(where)
child = os.fork()
if not child:
    mine = connect(context())
    good(SCardBeginTransaction(mine))
    os._exit(0 if ask(mine, b'0000') == b'0000\\x90\\0' else 1)
assert os.waitpid(child, 0)[1] == 0
rv = SCardStatus(card)[0] & 0xFFFFFFFF
assert rv == 0x80100068, hex(rv)
good(SCardReconnect(card, SCARD_SHARE_SHARED, SCARD_PROTOCOL_T1, SCARD_LEAVE_CARD))
good(SCardBeginTransaction(card))
print(ask(card, b'0000'))
"""
    assert output(service, text) == "b'0000\\x90\\x00'\n"
    soon(lambda: service.records()[0].sharing == 0, "both have left")


def test_a_service_whose_process_has_forked(service: PcscService, ada: Guest) -> None:
    """A child has the sockets too; a client that is dropped finds that out all the same."""
    as_a_child_has = [one.line.dup() for one in service._connections.values()]
    ada.send_raw(b"\xff" * 8)
    assert ada.hung_up()
    for line in as_a_child_has:
        line.close()


def test_no_more_threads(service: PcscService, monkeypatch: pytest.MonkeyPatch) -> None:
    def start(self: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "start", start)
        with RawClient(service.socket, greet=False) as turned_away:
            assert turned_away.hung_up()
    with Guest(service, READER) as guest:
        assert guest.card


def test_no_more_descriptors(tmp_path: Path) -> None:
    """When a process has no descriptor left, clients have to wait, but not for ever."""
    text = """
import resource, sys
from tests.pcsc.cards import PinCard
from ushield.reader.service import PcscService, ReaderSpec
with PcscService([ReaderSpec("ushield 00 00", PinCard())]) as service:
    resource.setrlimit(resource.RLIMIT_NOFILE, (30, 30))
    print(service.socket, flush=True)
    sys.stdin.read()
"""
    with subprocess.Popen(
        [sys.executable, "-c", text],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        path = Path(line_of(process))
        lines = []
        for _ in range(40):
            line = socket.socket(socket.AF_UNIX)
            line.connect(str(path))
            lines.append(line)
        time.sleep(0.1)
        for line in lines:
            line.close()
        with Guest(path, READER) as guest:
            assert guest.says() == b"\x00\xca\x00\x00\x90\x00"
        _, log = process.communicate("", timeout=10)
        assert process.returncode == 0
        assert "Traceback" not in log


# --- commands that take long, and long commands -------------------------------------------------


@pytest.fixture
def slow() -> SlowCard:
    return SlowCard()


@pytest.fixture
def beside(slow: SlowCard) -> Iterator[PcscService]:
    """A slow card in the first reader, a quick one in the second."""
    with serving(slow, PinCard()) as service:
        yield service
        slow.may_answer.set()


def test_a_long_command_holds_up_nobody_else(beside: PcscService, slow: SlowCard) -> None:
    with (
        Guest(beside, READER) as ada,
        Guest(beside, SECOND) as bob,
        Guest(beside) as watcher,
        Guest(beside, minor=6) as newest,
    ):
        watcher.wait()
        ada.send_transmit(ada.card, VERIFY)
        assert slow.working.wait(5)
        began = time.perf_counter()
        assert bob.says(VERIFY) == OK
        assert [one.name for one in watcher.readers()] == [READER, SECOND]
        assert len(newest.readers()) == 2
        beside.remove(SECOND)
        assert watcher.event(1) == Wait()
        beside.insert(SECOND, PinCard())
        assert bob.reconnect(bob.card).rv == Rv.SUCCESS
        with Guest(beside, SECOND) as carl:
            assert carl.says(VERIFIED) == DENIED
        assert time.perf_counter() - began < 0.5
        slow.may_answer.set()
        assert ada.answer_to_transmit()[1] == OK


def test_two_commands_to_one_card_come_one_after_the_other(
    beside: PcscService, slow: SlowCard
) -> None:
    with Guest(beside, READER) as ada, Guest(beside, READER) as bob:
        ada.send_transmit(ada.card, VERIFY)
        assert slow.working.wait(5)
        bob.send_transmit(bob.card, VERIFIED)
        assert bob.silent(0.05)
        slow.may_answer.set()
        assert ada.answer_to_transmit()[1] == bob.answer_to_transmit()[1] == OK


def test_a_card_removed_while_it_works(beside: PcscService, slow: SlowCard) -> None:
    with Guest(beside, READER) as ada, Guest(beside, READER) as bob, Guest(beside) as watcher:
        watcher.wait()
        ada.send_transmit(ada.card, VERIFY)
        assert slow.working.wait(5)
        bob.send_transmit(bob.card, VERIFY)
        with in_the_background(lambda: beside.remove(READER)):
            assert watcher.event(1) == Wait()
            assert watcher.reader(READER).state == State.ABSENT
            assert bob.silent(0.02)
            slow.may_answer.set()
        answer, response = ada.answer_to_transmit()
        assert (answer.rv, answer.room, response) == (Rv.REMOVED_CARD, 0, b"")
        assert bob.answer_to_transmit()[0].rv == Rv.REMOVED_CARD
        assert not slow.powered


def test_a_client_that_dies_while_the_card_works(beside: PcscService, slow: SlowCard) -> None:
    with Guest(beside, READER) as bob:
        with Guest(beside, READER) as ada:
            ada.begin(ada.card)
            ada.send_transmit(ada.card, VERIFY)
            assert slow.working.wait(5)
        bob.send_transmit(bob.card, VERIFIED)
        assert bob.silent(0.05)
        slow.may_answer.set()
        assert bob.answer_to_transmit()[0].rv == Rv.RESET_CARD
        assert bob.reconnect(bob.card).rv == Rv.SUCCESS
        assert bob.says(VERIFIED) == DENIED


@pytest.mark.parametrize("names", [(READER, SECOND), (SECOND, READER)])
@pytest.mark.parametrize("how", [Guest.close, Guest.release])
def test_who_leaves_two_readers_holds_up_none(
    slow: SlowCard, names: tuple[str, str], how: Callable[[Guest], object]
) -> None:
    """What it held in one reader is free at once, whatever the card in the other one does."""
    cards = (slow, PinCard()) if names[0] == READER else (PinCard(), slow)
    slow_one, quick_one = names
    with (
        serving(*cards) as service,
        Guest(service, slow_one) as ada,
        Guest(service, quick_one) as bob,
        Guest(service, slow_one) as leaver,
    ):
        quick = leaver.connect(quick_one).card
        assert leaver.begin(quick).rv == Rv.SUCCESS
        ada.send_transmit(ada.card, VERIFY)
        assert slow.working.wait(5)
        bob.send(Request.BEGIN, Begin(bob.card))
        assert bob.silent(0.05)
        with in_the_background(lambda: how(leaver)):
            try:
                assert not bob.silent(1)
                assert bob.answer(Begin).rv == Rv.RESET_CARD
                assert bob.reconnect(bob.card).rv == Rv.SUCCESS
                assert bob.says(VERIFIED) == DENIED
            finally:
                slow.may_answer.set()
        assert ada.answer_to_transmit()[1] == OK


@pytest.mark.parametrize("size", [4, 5, 261, 65_535, 65_536, 65_548])
def test_commands_of_all_lengths(ada: Guest, size: int) -> None:
    command = os.urandom(size)
    answer, response = ada.transmit(ada.card, command, room=size + 2)
    assert (answer.rv, response) == (Rv.SUCCESS, command + OK)


@pytest.mark.parametrize("size", [2, 258, 65_535, 65_538, 200_000])
@pytest.mark.parametrize("spare", [-1, 0, 1])
def test_answers_of_all_lengths(size: int, spare: int) -> None:
    with serving(LongCard()) as service, Guest(service, READER) as guest:
        answer, response = guest.transmit(guest.card, answer_of(size), room=size + spare)
        assert answer.room == size
        assert len(response) == (size if spare >= 0 else 0)
        assert answer.rv == (Rv.SUCCESS if spare >= 0 else Rv.INSUFFICIENT_BUFFER)
        assert guest.says(answer_of(2)) == OK


def test_the_longest_apdu_through_the_library(service: PcscService) -> None:
    text = (
        "card = connect(context()); command = os.urandom(65_535)\n"
        "print(ask(card, command) == command + b'\\x90\\0')"
    )
    assert output(service, text) == "True\n"


def test_a_program_cancels_its_own_wait(service: PcscService) -> None:
    text = f"""
where = context()
(_, state, _), = good(SCardGetStatusChange(where, 0, [({READER!r}, SCARD_STATE_UNAWARE)]))
threading.Timer(0.1, lambda: good(SCardCancel(where))).start()
rv = SCardGetStatusChange(where, 10_000, [({READER!r}, state)])[0] & 0xFFFFFFFF
print(hex(rv))
"""
    assert output(service, text) == "0x80100002\n"


def test_requests_glued_together(ada: Guest) -> None:
    """What the service answers, it answers in order."""
    for _ in range(50):
        ada.send_transmit(ada.card, VERIFY, protocol=Protocol.ANY_OLD)
        ada.send(Request.STATUS, Status(ada.card))
    for _ in range(50):
        assert ada.answer_to_transmit()[1] == OK
        assert ada.answer(Status).rv == Rv.SUCCESS
