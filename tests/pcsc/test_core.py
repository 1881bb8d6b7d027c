"""The core of the service, without sockets: every request, and who has to wait for whom."""

from __future__ import annotations

from collections.abc import Callable
from itertools import chain, repeat
from typing import Any

import pytest

from tests.pcsc.cards import (
    ATR_BOTH,
    ATR_T0,
    ATR_T1,
    DENIED,
    OK,
    VERIFIED,
    VERIFY,
    BrokenCard,
    LongCard,
    PinCard,
    long_answer,
)
from tests.pcsc.desk import OTHER_READER, READER, Caller, Desk
from ushield.reader.answers import VENDOR, Hangup
from ushield.reader.codes import (
    GET_FEATURE_REQUEST,
    Attribute,
    Disposition,
    Protocol,
    Rv,
    Share,
    State,
)
from ushield.reader.core import Core
from ushield.reader.messages import (
    MAX_ATTRIBUTE,
    RECORD_SIZE,
    RECORDS,
    Establish,
    Events,
    Message,
    ReaderCount,
    Request,
    Transmit,
    Version,
    Wait,
    build_body,
)
from ushield.reader.slots import GRACE_SECONDS, WAIT, Reader
from ushield.reader.watchers import Client

EXCLUSIVE, SHARED, DIRECT = Share
LEAVE, RESET, UNPOWER, EJECT = Disposition
MINORS = [3, 4, 5, 6]
READY = State.PRESENT | State.POWERED | State.NEGOTIABLE
EVENT = build_body(Wait())
USES: list[Callable[[Caller], Any]] = [
    Caller.status,
    Caller.begin,
    Caller.end,
    Caller.transmit,
    lambda one: one.attribute(0),
]
"""What fails when something happened to the card."""


@pytest.fixture
def card() -> PinCard:
    return PinCard()


@pytest.fixture
def desk(card: PinCard) -> Desk:
    """Two readers, a card in the first."""
    return Desk(card)


@pytest.fixture
def ada(desk: Desk) -> Caller:
    """A client connected to the first reader, shared."""
    return desk.connected()


@pytest.fixture
def bob(desk: Desk, ada: Caller) -> Caller:
    """Another one."""
    return desk.connected()


def says(answer: Any) -> Rv | object:
    """What an answer says, or WAIT."""
    if answer is WAIT or answer is None:
        return answer
    return Rv(answer[0].rv if isinstance(answer[0], Transmit) else answer.rv)


# --- versions and contexts ----------------------------------------------------------------------


@pytest.mark.parametrize("minor", MINORS)
def test_a_known_version_is_the_service_s_own(desk: Desk, minor: int) -> None:
    answer = desk.caller().ask(Request.VERSION, Version(4, minor, 77))
    assert answer == Version(4, minor, Rv.SUCCESS)
    assert desk.log == []


@pytest.mark.parametrize(
    ("major", "minor"), [(5, 0), (4, 7), (4, 2), (3, 3), (0, 0), (-1, -1), (2**31 - 1, 4)]
)
def test_an_unknown_version_is_refused_and_logged(desk: Desk, major: int, minor: int) -> None:
    caller = desk.caller()
    answer = caller.ask(Request.VERSION, Version(major, minor))
    assert answer == Version(4, 6, Rv.SERVICE_STOPPED)
    (line,) = desk.log
    assert f"{major}:{minor}," in line
    assert "4:3 to 4:6" in line


@pytest.mark.parametrize(("scope", "rv"), [*zip(range(4), repeat(0)), (4, Rv.INVALID_VALUE)])
def test_scopes(desk: Desk, scope: int, rv: int) -> None:
    answer = desk.caller().establish(scope)
    assert answer.rv == rv
    assert bool(answer.context) is not bool(rv)


def test_a_context_is_released_once(desk: Desk, ada: Caller) -> None:
    stranger = desk.caller()
    assert says(ada.release(stranger.client.context)) == Rv.INVALID_VALUE
    context = ada.client.context
    assert says(ada.release()) == Rv.SUCCESS
    assert says(ada.release(context)) == Rv.INVALID_HANDLE
    assert desk.record().sharing == 0


def test_a_released_context_is_of_no_more_use(desk: Desk, ada: Caller) -> None:
    context = ada.client.context
    ada.release()
    assert says(ada.connect(context=context)) == Rv.INVALID_HANDLE
    assert says(ada.connect(context=0)) == Rv.INVALID_HANDLE
    assert says(desk.caller().cancel(context)) == Rv.INVALID_HANDLE
    with pytest.raises(Hangup):
        ada.status()


def test_a_second_context_takes_the_place_of_the_first(desk: Desk, ada: Caller) -> None:
    first = ada.client.context
    assert ada.establish().context not in (0, first)
    assert says(ada.connect(context=first)) == Rv.INVALID_HANDLE
    assert says(ada.status()) == Rv.SUCCESS
    assert says(desk.caller().cancel(first)) == Rv.INVALID_HANDLE


def test_numbers_are_neither_nothing_nor_taken() -> None:
    numbers = chain([0, 5, 5, 0, 5, 9], repeat(1))
    core = Core([Reader(READER, lambda: 0.0)], lambda: next(numbers), print)
    asked = Message(Request.ESTABLISH, Establish(2))
    clients = [Client(), Client()]
    answers = [core.handle(client, asked) for client in clients]
    assert answers == [build_body(Establish(2, 5)), build_body(Establish(2, 9))]


# --- the list of readers ------------------------------------------------------------------------


@pytest.mark.parametrize("minor", MINORS)
def test_readers_are_sixteen_records(desk: Desk, minor: int) -> None:
    caller = desk.caller(minor)
    for command in (Request.READERS, Request.READER_ARRAY):
        assert len(caller.raw(command)) == RECORDS * RECORD_SIZE
        first, second = caller.readers(command)
        assert first == (READER, 1, READY, 0, ATR_BOTH, 0)
        assert second == (OTHER_READER, 0, State.ABSENT, 0, b"", 0)
    assert caller.count() == RECORDS
    assert caller.raw(Request.EVENTS) == build_body(Events(2))


def test_a_record_tells_who_is_connected(desk: Desk, ada: Caller) -> None:
    assert desk.record().sharing == 1
    bob = desk.connected()
    assert (desk.record().sharing, desk.record().protocol) == (2, Protocol.T1)
    bob.disconnect()
    ada.disconnect()
    desk.connected(share=EXCLUSIVE)
    assert desk.record().sharing == -1


def test_events_are_counted_in_sixteen_bits(desk: Desk) -> None:
    desk.core.readers[0].contacts.events = 0xFFFF
    desk.remove()
    assert desk.record().events == 0
    desk.insert(PinCard())
    assert desk.record().events == 1


# --- connections --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("atr", "share", "protocols", "rv", "active"),
    [
        (ATR_BOTH, SHARED, Protocol.ANY, Rv.SUCCESS, Protocol.T1),
        (ATR_BOTH, SHARED, Protocol.T0, Rv.SUCCESS, Protocol.T0),
        (ATR_BOTH, SHARED, Protocol.T1, Rv.SUCCESS, Protocol.T1),
        (ATR_BOTH, SHARED, Protocol.ANY_OLD, Rv.SUCCESS, Protocol.T1),
        (ATR_BOTH, SHARED, Protocol.RAW, Rv.SUCCESS, Protocol.RAW),
        (ATR_BOTH, EXCLUSIVE, Protocol.ANY | Protocol.RAW, Rv.SUCCESS, Protocol.RAW),
        (ATR_T0, EXCLUSIVE, Protocol.ANY, Rv.SUCCESS, Protocol.T0),
        (ATR_T0, SHARED, Protocol.T1, Rv.PROTO_MISMATCH, None),
        (ATR_T1, SHARED, Protocol.T0, Rv.PROTO_MISMATCH, None),
        (ATR_T1, DIRECT, Protocol.T0, Rv.SUCCESS, Protocol.UNDEFINED),
        (ATR_T1, DIRECT, 0, Rv.SUCCESS, Protocol.UNDEFINED),
        (ATR_T1, SHARED, 0, Rv.PROTO_MISMATCH, None),
        (ATR_T1, SHARED, Protocol.T15, Rv.PROTO_MISMATCH, None),
        (ATR_T1, 0, Protocol.ANY, Rv.INVALID_VALUE, None),
        (ATR_T1, 4, Protocol.ANY, Rv.INVALID_VALUE, None),
        (ATR_T1, 4, 0, Rv.PROTO_MISMATCH, None),
        (b"\xff\xff", SHARED, Protocol.ANY, Rv.SUCCESS, Protocol.T0),
        (None, SHARED, Protocol.ANY, Rv.NO_SMARTCARD, None),
        (None, EXCLUSIVE, Protocol.ANY, Rv.NO_SMARTCARD, None),
        (None, DIRECT, Protocol.ANY, Rv.SUCCESS, Protocol.UNDEFINED),
    ],
)
def test_connect(atr: bytes | None, share: int, protocols: int, rv: Rv, active: int | None) -> None:
    desk = Desk(None if atr is None else PinCard(atr))
    answer = desk.caller().connect(READER, share, protocols)
    assert says(answer) == rv
    assert bool(answer.card) is (rv is Rv.SUCCESS)
    assert desk.record().sharing == (0 if rv else -1 if share == EXCLUSIVE else 1)
    if active is not None:
        assert answer.active == active


@pytest.mark.parametrize(
    ("first", "second", "rv"),
    [
        (SHARED, SHARED, Rv.SUCCESS),
        (SHARED, DIRECT, Rv.SUCCESS),
        (DIRECT, SHARED, Rv.SUCCESS),
        (SHARED, EXCLUSIVE, Rv.SHARING_VIOLATION),
        (DIRECT, EXCLUSIVE, Rv.SHARING_VIOLATION),
        (EXCLUSIVE, SHARED, Rv.SHARING_VIOLATION),
        (EXCLUSIVE, DIRECT, Rv.SHARING_VIOLATION),
        (EXCLUSIVE, EXCLUSIVE, Rv.SHARING_VIOLATION),
    ],
)
def test_two_connections(desk: Desk, first: Share, second: Share, rv: Rv) -> None:
    one = desk.connected(share=first)
    two = desk.caller()
    assert says(two.connect(share=second)) == rv
    one.disconnect()
    if rv:
        assert says(two.connect(share=second)) == Rv.SUCCESS


def test_unknown_readers(desk: Desk) -> None:
    caller = desk.caller()
    for name in ("nobody", "", READER + " ", READER.upper(), "\udcff", "x" * 127):
        assert says(caller.connect(name)) == Rv.UNKNOWN_READER
    assert says(caller.connect("nobody", protocols=0)) == Rv.PROTO_MISMATCH
    assert says(caller.connect("nobody", share=9)) == Rv.INVALID_VALUE


def test_the_protocol_of_the_first_binds_the_second(desk: Desk) -> None:
    assert desk.connected(protocols=Protocol.T0).card
    assert says(desk.caller().connect(protocols=Protocol.T1)) == Rv.PROTO_MISMATCH
    assert desk.caller().connect(protocols=Protocol.ANY).active == Protocol.T0


def test_raw_stays_until_a_reset(desk: Desk) -> None:
    raw = desk.connected(protocols=Protocol.RAW)
    assert says(desk.caller().connect()) == Rv.PROTO_MISMATCH
    raw.disconnect(RESET)
    assert desk.caller().connect().active == Protocol.T1


def test_one_client_with_many_connections(desk: Desk, ada: Caller) -> None:
    cards = {ada.card} | {ada.connect().card for _ in range(200)}
    assert len(cards) == 201 == desk.record().sharing
    assert says(ada.begin(min(cards))) == Rv.SUCCESS
    assert says(ada.connect()) == Rv.SUCCESS
    assert says(ada.connect(share=EXCLUSIVE)) == Rv.SHARING_VIOLATION
    ada.leave()
    assert desk.record().sharing == 0


@pytest.mark.parametrize("disposition", [4, 99, 0xFFFFFFFF])
def test_no_such_disposition(desk: Desk, ada: Caller, disposition: int) -> None:
    ada.begin()
    assert says(ada.disconnect(disposition)) == Rv.INVALID_VALUE
    assert says(ada.end(disposition)) == Rv.INVALID_VALUE
    assert says(ada.reconnect(initialization=disposition)) == Rv.INVALID_VALUE
    assert says(ada.end()) == Rv.SUCCESS


@pytest.mark.parametrize(
    ("share", "protocols", "initialization", "rv"),
    [
        (SHARED, Protocol.ANY, EJECT, Rv.INVALID_VALUE),
        (0, 0, LEAVE, Rv.INVALID_VALUE),
        (9, Protocol.ANY, LEAVE, Rv.INVALID_VALUE),
        (SHARED, 0, LEAVE, Rv.PROTO_MISMATCH),
        (SHARED, Protocol.T0, LEAVE, Rv.PROTO_MISMATCH),
        (SHARED, Protocol.T0, RESET, Rv.SUCCESS),
        (DIRECT, 0, LEAVE, Rv.SUCCESS),
        (EXCLUSIVE, Protocol.ANY, UNPOWER, Rv.SUCCESS),
    ],
)
def test_reconnect(ada: Caller, share: int, protocols: int, initialization: int, rv: Rv) -> None:
    assert says(ada.reconnect(share, protocols, initialization)) == rv


def test_reconnect_resets_as_it_was_asked_to(card: PinCard, ada: Caller, bob: Caller) -> None:
    card.done.clear()
    for initialization, done in ((LEAVE, []), (RESET, ["reset"]), (UNPOWER, ["off", "on"])):
        assert ada.reconnect(initialization=initialization).active == Protocol.T1
        assert card.done == done
        assert says(ada.status()) == Rv.SUCCESS
        assert says(bob.status()) == (Rv.RESET_CARD if done else Rv.SUCCESS)
        assert says(bob.reconnect()) == Rv.SUCCESS
        card.done.clear()


@pytest.mark.parametrize(
    ("disposition", "done", "state"),
    [
        (LEAVE, [], READY),
        (RESET, ["reset"], READY),
        (UNPOWER, ["off"], State.PRESENT),
        (EJECT, [], READY),
    ],
)
def test_disconnect(
    desk: Desk, card: PinCard, ada: Caller, bob: Caller, disposition: int, done: Any, state: int
) -> None:
    card.done.clear()
    assert says(ada.disconnect(disposition)) == Rv.SUCCESS
    assert card.done == done
    assert (desk.record().state, desk.record().sharing) == (state, 1)
    assert says(bob.status()) == (Rv.RESET_CARD if done else Rv.SUCCESS)
    assert says(desk.caller().connect()) == Rv.SUCCESS
    assert desk.record().state == READY


def test_exclusive_and_back(desk: Desk, ada: Caller) -> None:
    assert says(ada.reconnect(EXCLUSIVE)) == Rv.SUCCESS
    assert desk.record().sharing == -1
    assert says(ada.reconnect(EXCLUSIVE)) == Rv.SUCCESS
    assert says(desk.caller().connect()) == Rv.SHARING_VIOLATION
    assert says(ada.reconnect(SHARED)) == Rv.SUCCESS
    assert desk.record().sharing == 1


@pytest.mark.parametrize("begun", range(4))
def test_what_is_left_of_an_exclusive_connection(desk: Desk, begun: int) -> None:
    """As with pcscd: sharing again ends one transaction, but never the last."""
    ada = desk.connected(share=EXCLUSIVE)
    for _ in range(begun):
        ada.begin()
    ada.reconnect(SHARED)
    for _ in range(max(1, begun)):
        assert says(ada.end()) == Rv.SUCCESS
    assert says(ada.end()) == Rv.NOT_TRANSACTED


# --- transactions -------------------------------------------------------------------------------


def test_transactions_nest(ada: Caller, bob: Caller) -> None:
    for _ in range(3):
        assert says(ada.begin()) == Rv.SUCCESS
    for _ in range(3):
        assert says(bob.end()) == Rv.SHARING_VIOLATION
        assert says(ada.end()) == Rv.SUCCESS
    assert says(ada.end()) == says(bob.end()) == Rv.NOT_TRANSACTED


def test_an_exclusive_connection_is_a_transaction_that_does_not_end(desk: Desk) -> None:
    ada = desk.connected(share=EXCLUSIVE)
    assert says(ada.end()) == Rv.NOT_TRANSACTED
    assert says(ada.begin()) == says(ada.end()) == Rv.SUCCESS
    assert says(ada.end()) == Rv.NOT_TRANSACTED


@pytest.mark.parametrize(
    ("call", "meanwhile", "then"),
    [
        pytest.param(lambda bob: bob.begin(), WAIT, Rv.SUCCESS, id="begin"),
        pytest.param(lambda bob: bob.status(), WAIT, Rv.SUCCESS, id="status"),
        pytest.param(lambda bob: bob.transmit(), WAIT, Rv.SUCCESS, id="transmit"),
        pytest.param(lambda bob: bob.connect(), WAIT, Rv.SUCCESS, id="connect"),
        pytest.param(lambda bob: bob.connect(share=DIRECT), WAIT, Rv.SUCCESS, id="direct"),
        pytest.param(lambda bob: bob.reconnect(), WAIT, Rv.SUCCESS, id="reconnect"),
        pytest.param(lambda bob: bob.disconnect(RESET), WAIT, Rv.SUCCESS, id="reset"),
        pytest.param(lambda bob: bob.disconnect(UNPOWER), WAIT, Rv.SUCCESS, id="unpower"),
        pytest.param(lambda bob: bob.disconnect(), Rv.SUCCESS, None, id="leave"),
        pytest.param(lambda bob: bob.end(), Rv.SHARING_VIOLATION, None, id="end"),
        pytest.param(lambda bob: bob.end(RESET), Rv.SHARING_VIOLATION, None, id="end, reset"),
        pytest.param(lambda bob: bob.attribute(0), Rv.SHARING_VIOLATION, None, id="attribute"),
        pytest.param(
            lambda bob: bob.set_attribute(0, b""), Rv.SHARING_VIOLATION, None, id="set attribute"
        ),
        pytest.param(
            lambda bob: bob.control(GET_FEATURE_REQUEST), Rv.SHARING_VIOLATION, None, id="control"
        ),
        pytest.param(lambda bob: bob.release(), Rv.SUCCESS, None, id="release"),
        pytest.param(lambda bob: bob.connect(OTHER_READER), Rv.NO_SMARTCARD, None, id="elsewhere"),
    ],
)
def test_beside_another_s_transaction(
    ada: Caller, bob: Caller, call: Any, meanwhile: Any, then: Rv | None
) -> None:
    ada.begin()
    assert says(call(bob)) == meanwhile
    assert says(ada.transmit()) == Rv.SUCCESS
    assert says(bob.late) is None
    assert says(ada.end()) == Rv.SUCCESS
    assert says(bob.late) == then
    assert bob.waits_for is None


def test_a_client_that_leaves_inside_its_transaction(
    card: PinCard, desk: Desk, ada: Caller, bob: Caller
) -> None:
    ada.begin()
    ada.transmit(VERIFY)
    assert says(bob.begin()) is WAIT
    card.done.clear()
    ada.leave()
    assert card.done == ["reset"]
    assert says(bob.late) == Rv.RESET_CARD
    assert says(bob.reconnect()) == says(bob.begin()) == Rv.SUCCESS
    assert bob.transmit(VERIFIED)[1] == DENIED


def test_a_client_that_releases_inside_its_transaction(ada: Caller, bob: Caller) -> None:
    ada.begin()
    assert says(ada.release()) == Rv.SUCCESS
    assert says(bob.status()) == Rv.RESET_CARD


def test_a_client_that_leaves_outside_of_it(card: PinCard, ada: Caller, bob: Caller) -> None:
    ada.begin()
    ada.end()
    card.done.clear()
    ada.leave()
    assert card.done == []
    assert says(bob.status()) == Rv.SUCCESS


def test_a_client_that_leaves_its_exclusive_connection(card: PinCard, desk: Desk) -> None:
    ada = desk.connected(share=EXCLUSIVE)
    ada.transmit(VERIFY)
    ada.leave()
    assert not card.verified
    assert says(desk.caller().connect(share=EXCLUSIVE)) == Rv.SUCCESS


def test_what_was_reset_already_is_not_reset_again(card: PinCard, desk: Desk, ada: Caller) -> None:
    ada.begin()
    desk.reset()
    card.done.clear()
    ada.leave()
    assert card.done == []


def test_disconnect_ends_the_transaction(ada: Caller, bob: Caller) -> None:
    ada.begin()
    ada.begin()
    assert says(bob.transmit()) is WAIT
    assert says(ada.disconnect()) == Rv.SUCCESS
    assert says(bob.late) == Rv.SUCCESS


def test_the_end_may_reset(card: PinCard, ada: Caller, bob: Caller) -> None:
    for disposition, done in ((RESET, ["reset"]), (UNPOWER, ["off", "on"])):
        card.done.clear()
        ada.begin()
        assert says(bob.status()) is WAIT
        assert says(ada.end(disposition)) == Rv.SUCCESS
        assert card.done == done
        assert says(bob.late) == says(ada.status()) == says(ada.transmit()) == Rv.RESET_CARD
        assert says(ada.reconnect()) == says(bob.reconnect()) == Rv.SUCCESS


# --- queues -------------------------------------------------------------------------------------


def test_first_come_first_served(desk: Desk, ada: Caller) -> None:
    queue = [desk.connected() for _ in range(4)]
    ada.begin()
    for one in queue:
        assert says(one.begin()) is WAIT
    ada.end()
    while queue:
        first, *behind = queue
        assert says(first.late) == Rv.SUCCESS
        assert [one.late for one in behind] == [None] * len(behind)
        assert says(first.end()) == Rv.SUCCESS
        queue = behind


def test_who_had_it_last_queues_behind_who_waits(ada: Caller, bob: Caller) -> None:
    ada.begin()
    bob.begin()
    for _ in range(5):
        ada.end()
        assert says(bob.late) == Rv.SUCCESS
        assert says(ada.begin()) is WAIT
        bob.end()
        assert says(ada.late) == Rv.SUCCESS
        assert says(bob.begin()) is WAIT


def test_a_call_of_any_kind_waits_behind_who_waits(desk: Desk, ada: Caller, bob: Caller) -> None:
    carl, dora = desk.connected(), desk.connected()
    ada.begin()
    assert [says(bob.begin()), says(carl.status()), says(dora.connect())] == [WAIT] * 3
    ada.end()
    assert [says(bob.late), says(carl.late), says(dora.late)] == [Rv.SUCCESS, None, None]
    bob.end()
    assert [says(carl.late), says(dora.late)] == [Rv.SUCCESS] * 2


def test_the_holder_never_queues(desk: Desk, ada: Caller, bob: Caller) -> None:
    ada.begin()
    assert says(bob.begin()) is WAIT
    for call in (ada.begin, ada.status, ada.transmit, ada.reconnect, ada.connect):
        assert says(call()) == Rv.SUCCESS


def test_a_dead_waiter_leaves_the_queue(desk: Desk, ada: Caller, bob: Caller) -> None:
    carl = desk.connected()
    ada.begin()
    bob.begin()
    carl.begin()
    bob.leave()
    ada.end()
    assert says(carl.late) == Rv.SUCCESS
    carl.leave()
    ada.leave()
    assert not desk.core._turns


def test_a_waiter_that_dies_when_its_turn_has_come(desk: Desk, ada: Caller, bob: Caller) -> None:
    carl = desk.connected()
    ada.begin()
    bob.begin()
    carl.begin()
    asked, bob.waits_for = bob.waits_for, None
    ada.end()
    assert says(carl.late) is None, "it is bob's turn, who has not been heard of yet"
    bob.waits_for = asked
    bob.leave()
    assert says(carl.late) == Rv.SUCCESS


def test_readers_have_queues_of_their_own(desk: Desk, ada: Caller, bob: Caller) -> None:
    desk.insert(PinCard(), 1)
    ada.begin()
    assert says(bob.begin()) is WAIT
    carl = desk.connected(reader=OTHER_READER)
    assert says(carl.begin()) == says(carl.transmit()) == says(carl.end()) == Rv.SUCCESS


def test_a_disconnection_with_reset_waits_for_the_transaction_s_end(
    card: PinCard, ada: Caller, bob: Caller
) -> None:
    ada.begin()
    card.done.clear()
    assert says(bob.disconnect(RESET)) is WAIT
    assert card.done == []
    ada.end()
    assert (card.done, says(bob.late)) == (["reset"], Rv.SUCCESS)
    assert says(ada.status()) == Rv.RESET_CARD


def test_who_waits_to_be_alone_holds_up_nobody(desk: Desk, ada: Caller, bob: Caller) -> None:
    assert says(bob.reconnect(EXCLUSIVE)) is WAIT
    for call in (ada.status, ada.begin, ada.transmit, ada.end, ada.connect):
        assert says(call()) == Rv.SUCCESS
    assert says(desk.caller().connect()) == Rv.SUCCESS
    desk.callers[-1].leave()
    ada.disconnect()
    assert bob.late is None, "ada has two connections"
    ada.leave()
    assert says(bob.late) == Rv.SUCCESS
    assert desk.record().sharing == -1


def test_who_waits_to_be_alone_may_reset_first(card: PinCard, ada: Caller, bob: Caller) -> None:
    card.done.clear()
    assert says(bob.reconnect(EXCLUSIVE, initialization=RESET)) is WAIT
    assert says(ada.status()) == Rv.RESET_CARD
    ada.leave()
    assert (says(bob.late), card.done) == (Rv.SUCCESS, ["reset"])


def test_one_s_own_second_connection_waits_too(ada: Caller) -> None:
    """As with pcscd: a transaction belongs to a connection, not to a client."""
    first = ada.card
    ada.connect()
    ada.begin(first)
    assert says(ada.transmit()) is WAIT
    ada.leave()


# --- events of the card -------------------------------------------------------------------------


def test_every_connection_is_told_of_a_reset(card: PinCard, desk: Desk, ada: Caller) -> None:
    desk.reset()
    for use in USES:
        assert says(use(ada)) == Rv.RESET_CARD
    assert says(ada.control(GET_FEATURE_REQUEST)) == Rv.SUCCESS
    assert says(ada.reconnect()) == says(ada.transmit()) == Rv.SUCCESS
    assert card.done == ["on", "reset"]


def test_every_connection_is_told_of_a_removal(desk: Desk, ada: Caller) -> None:
    desk.remove()
    for _ in range(2):
        for use in USES:
            assert says(use(ada)) == Rv.REMOVED_CARD
        desk.insert(PinCard())
    assert says(ada.reconnect()) == says(ada.transmit()) == Rv.SUCCESS


def test_reconnect_to_nothing(desk: Desk, ada: Caller) -> None:
    desk.remove()
    for how in (LEAVE, RESET, UNPOWER):
        assert says(ada.reconnect(initialization=how)) == Rv.NO_SMARTCARD
    for how in (LEAVE, RESET, UNPOWER, EJECT):
        ada.connect(share=DIRECT)
        assert says(ada.disconnect(how)) == Rv.SUCCESS


def test_a_removal_ends_the_transaction(desk: Desk, ada: Caller, bob: Caller) -> None:
    ada.begin()
    assert says(bob.begin()) is WAIT
    desk.remove()
    assert says(bob.late) == Rv.REMOVED_CARD
    desk.insert(PinCard())
    assert says(bob.reconnect()) == says(bob.begin()) == says(bob.end()) == Rv.SUCCESS
    assert says(ada.reconnect()) == Rv.SUCCESS
    assert says(ada.end()) == Rv.NOT_TRANSACTED


def test_a_removal_does_not_end_an_exclusive_connection(desk: Desk) -> None:
    ada = desk.connected(share=EXCLUSIVE)
    desk.remove()
    desk.insert(PinCard())
    assert desk.record().sharing == -1
    assert says(desk.caller().connect()) == Rv.SHARING_VIOLATION
    ada.leave()
    assert says(desk.caller().connect(share=EXCLUSIVE)) == Rv.SUCCESS


def test_a_card_pulled_from_under_a_command(desk: Desk, ada: Caller) -> None:
    desk.during = [desk.remove, lambda: desk.insert(PinCard())]
    answer, data = ada.transmit()
    assert (answer.rv, answer.room, data) == (Rv.REMOVED_CARD, 0, b"")


def test_direct_sees_a_card_come(desk: Desk) -> None:
    ada = desk.connected(reader=OTHER_READER, share=DIRECT)
    assert says(ada.transmit()) == Rv.NO_SMARTCARD
    assert says(ada.transmit(protocol=Protocol.RAW)) == Rv.NOT_TRANSACTED
    desk.insert(PinCard(), 1)
    assert says(ada.reconnect(SHARED)) == says(ada.transmit()) == Rv.SUCCESS


# --- commands to the card -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("protocol", "rv"),
    [
        (Protocol.T1, Rv.SUCCESS),
        (Protocol.ANY_OLD, Rv.SUCCESS),
        (Protocol.RAW, Rv.SUCCESS),
        (Protocol.T0, Rv.PROTO_MISMATCH),
        (Protocol.ANY, Rv.PROTO_MISMATCH),
        (0, Rv.PROTO_MISMATCH),
    ],
)
def test_a_command_says_its_protocol(ada: Caller, protocol: int, rv: Rv) -> None:
    answer, data = ada.transmit(b"\x00\xca\x00\x00\x07", protocol)
    assert (answer.rv, data) == (rv, b"" if rv else b"\x00\xca\x00\x00\x07\x90\x00")
    assert answer.room == len(data)


@pytest.mark.parametrize("size", [2, 3, 258, 65_536, 65_538])
@pytest.mark.parametrize("spare", [-1, 0, 1])
def test_room_for_the_answer(size: int, spare: int) -> None:
    ada = Desk(LongCard()).connected()
    answer, data = ada.transmit(long_answer(size), room=size + spare)
    assert answer.room == size
    assert len(data) == (0 if spare < 0 else size)
    assert answer.rv == (Rv.INSUFFICIENT_BUFFER if spare < 0 else Rv.SUCCESS)


# --- attributes and control codes ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("what", "value"),
    [
        (Attribute.ATR_STRING, ATR_BOTH),
        (Attribute.DEVICE_FRIENDLY_NAME, READER.encode() + b"\0"),
        (Attribute.DEVICE_SYSTEM_NAME, READER.encode() + b"\0"),
        (Attribute.VENDOR_NAME, VENDOR),
    ],
)
def test_attributes(ada: Caller, what: int, value: bytes) -> None:
    for room in (len(value), MAX_ATTRIBUTE):
        answer = ada.attribute(what, room)
        assert (answer.rv, answer.length) == (Rv.SUCCESS, len(value))
        assert answer.data == value.ljust(MAX_ATTRIBUTE, b"\0")
    answer = ada.attribute(what, len(value) - 1)
    assert (answer.rv, answer.length) == (Rv.INSUFFICIENT_BUFFER, len(value))
    assert not any(answer.data)
    assert says(ada.set_attribute(what, value)) == Rv.UNSUPPORTED_FEATURE


def test_other_attributes(desk: Desk, ada: Caller) -> None:
    assert says(ada.attribute(0x00010101)) == Rv.UNSUPPORTED_FEATURE
    with pytest.raises(Hangup):
        ada.attribute(Attribute.VENDOR_NAME, MAX_ATTRIBUTE + 1)
    bob = desk.connected(reader=OTHER_READER, share=DIRECT)
    assert says(bob.attribute(Attribute.ATR_STRING)) == Rv.UNSUPPORTED_FEATURE


def test_control(ada: Caller) -> None:
    answer = ada.control(GET_FEATURE_REQUEST)
    assert (answer.rv, answer.returned) == (Rv.SUCCESS, 0)
    answer = ada.control(0x42000C00 + 1, b"anything")
    assert (answer.rv, answer.returned) == (Rv.UNSUPPORTED_FEATURE, 0)


# --- bad manners --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "call",
    [
        pytest.param(lambda one, card: one.status(card), id="status"),
        pytest.param(lambda one, card: one.begin(card), id="begin"),
        pytest.param(lambda one, card: one.end(LEAVE, card), id="end"),
        pytest.param(lambda one, card: one.transmit(card=card), id="transmit"),
        pytest.param(lambda one, card: one.reconnect(card=card), id="reconnect"),
        pytest.param(lambda one, card: one.disconnect(LEAVE, card), id="disconnect"),
        pytest.param(lambda one, card: one.attribute(0, card=card), id="attribute"),
        pytest.param(lambda one, card: one.set_attribute(0, b"", card=card), id="set attribute"),
        pytest.param(lambda one, card: one.control(0, card=card), id="control"),
    ],
)
def test_handles_of_others(desk: Desk, ada: Caller, bob: Caller, call: Any) -> None:
    for card in (ada.card, 0, -1, 2**31 - 1):
        with pytest.raises(Hangup):
            call(bob, card)
    gone = bob.card
    bob.disconnect()
    with pytest.raises(Hangup):
        call(bob, gone)
    assert says(ada.status()) == Rv.SUCCESS


@pytest.mark.parametrize("command", [Request.STATUS, Request.TRANSMIT, Request.VERSION])
def test_a_request_that_is_none(desk: Desk, command: Request) -> None:
    """The inbox lets none of these through."""
    with pytest.raises(Hangup):
        desk.core.handle(desk.caller().client, Message(command, None))
    with pytest.raises(Hangup):
        desk.core.handle(desk.caller().client, Message(command, ReaderCount(1)))


# --- waiting for events -------------------------------------------------------------------------


@pytest.mark.parametrize("minor", MINORS)
def test_a_wait_is_answered_as_its_version_has_it(desk: Desk, minor: int) -> None:
    """4:4 and 4:5 expect the records at once, 4:3 and 4:6 nothing."""
    caller = desk.caller(minor)
    size = RECORDS * RECORD_SIZE if minor in (4, 5) else 0
    assert len(caller.wait()) == size
    assert caller.told == []
    assert caller.stop_waiting() == EVENT
    assert caller.stop_waiting() == b""


@pytest.mark.parametrize("minor", MINORS)
def test_an_event_is_told_once(desk: Desk, minor: int) -> None:
    caller = desk.caller(minor)
    caller.wait()
    if minor == 6:
        caller.readers(Request.READER_ARRAY)
    for happens in (desk.remove, lambda: desk.insert(PinCard()), desk.reset):
        happens()
        assert caller.told == [Wait()]
    assert caller.stop_waiting() == b""
    caller.wait()
    if minor == 6:
        caller.readers(Request.READER_ARRAY)
    desk.reset()
    assert caller.told == [Wait()] * 2


def test_an_event_does_not_get_between_a_wait_and_its_records(desk: Desk) -> None:
    """4:6 asks for the readers after WAIT: what comes before the answer would be taken for it."""
    caller = desk.caller(6)
    caller.wait()
    desk.remove()
    assert caller.told == []
    assert caller.count() == RECORDS
    assert caller.told == []
    raw = caller.raw(Request.READER_ARRAY)
    assert raw[RECORDS * RECORD_SIZE :] == EVENT or caller.told == [Wait()]
    assert caller.stop_waiting() == b""


def test_the_end_of_a_wait_brings_the_event_that_was_held_back(desk: Desk) -> None:
    caller = desk.caller(6)
    caller.wait()
    desk.remove()
    assert caller.stop_waiting() == EVENT
    assert caller.stop_waiting() == b""
    assert caller.told == []


def test_only_who_waits_is_told(desk: Desk, ada: Caller) -> None:
    watcher, cured = desk.caller(), desk.caller()
    watcher.wait()
    cured.wait()
    cured.stop_waiting()
    desk.remove()
    assert (watcher.told, cured.told, ada.told) == ([Wait()], [], [])


def test_cancel(desk: Desk, ada: Caller) -> None:
    watcher = desk.caller()
    watcher.wait()
    context = watcher.client.context
    assert says(ada.cancel(context)) == Rv.SUCCESS
    assert watcher.told == [Wait(rv=Rv.CANCELLED)]
    assert says(ada.cancel(context)) == Rv.SUCCESS
    assert watcher.stop_waiting() == b""
    desk.remove()
    assert watcher.told == [Wait(rv=Rv.CANCELLED)]
    assert says(ada.cancel(0)) == says(ada.cancel(99_999)) == Rv.INVALID_HANDLE


def test_who_is_gone_is_told_nothing(desk: Desk) -> None:
    watcher = desk.caller()
    watcher.wait()
    context = watcher.client.context
    watcher.leave()
    desk.remove()
    assert watcher.told == []
    assert says(desk.caller().cancel(context)) == Rv.INVALID_HANDLE


# --- the grace period ---------------------------------------------------------------------------


@pytest.mark.parametrize("share", [SHARED, EXCLUSIVE])
@pytest.mark.parametrize("how", [Caller.disconnect, Caller.release, Caller.leave])
def test_a_verified_pin_does_not_outlive_the_grace_period(
    desk: Desk, how: Any, share: Share
) -> None:
    ada = desk.connected()
    assert ada.transmit(VERIFY)[1] == OK
    how(ada)
    desk.now += GRACE_SECONDS
    bob = desk.connected()
    assert bob.transmit(VERIFIED)[1] == OK, "it lasts as long as that"
    how(bob)
    desk.now += GRACE_SECONDS + 0.1
    assert desk.connected(share=share).transmit(VERIFIED)[1] == DENIED


@pytest.mark.parametrize("protocols", [0, Protocol.RAW])
def test_nor_by_a_direct_connection(desk: Desk, protocols: int) -> None:
    ada = desk.connected()
    ada.transmit(VERIFY)
    ada.disconnect()
    desk.now += GRACE_SECONDS + 0.1
    direct = desk.connected(share=DIRECT, protocols=protocols)
    assert direct.transmit(VERIFIED, protocol=Protocol.RAW)[1] != OK
    direct.disconnect()
    assert desk.connected().transmit(VERIFIED)[1] == DENIED


def test_nor_by_a_connection_that_fails(desk: Desk) -> None:
    ada = desk.connected()
    ada.transmit(VERIFY)
    ada.disconnect()
    desk.now += GRACE_SECONDS + 0.1
    assert says(desk.caller().connect(protocols=Protocol.T15)) == Rv.PROTO_MISMATCH
    assert desk.connected().transmit(VERIFIED)[1] == DENIED


def test_a_connection_keeps_the_power_on(desk: Desk, card: PinCard, ada: Caller) -> None:
    ada.transmit(VERIFY)
    desk.now += 10 * GRACE_SECONDS
    assert desk.connected().transmit(VERIFIED)[1] == OK
    assert card.done == ["on"]


def test_power_given_anew_is_told_to_nobody(desk: Desk, card: PinCard, ada: Caller) -> None:
    ada.disconnect()
    desk.now += GRACE_SECONDS + 0.1
    bob = desk.connected()
    assert card.done == ["on", "off", "on"]
    assert says(bob.status()) == says(bob.transmit()) == Rv.SUCCESS


# --- cards that fail ----------------------------------------------------------------------------

MUTE = State.PRESENT | State.SWALLOWED


def test_a_mute_card() -> None:
    card = BrokenCard("power_on")
    desk = Desk(card)
    assert desk.record() == (READER, 1, MUTE, 0, b"", 0)
    caller = desk.caller()
    assert says(caller.connect()) == Rv.UNPOWERED_CARD
    assert says(caller.connect(share=DIRECT)) == Rv.SUCCESS
    assert says(caller.reconnect(SHARED)) == Rv.UNRESPONSIVE_CARD
    assert says(caller.reconnect(SHARED, initialization=RESET)) == Rv.UNRESPONSIVE_CARD
    card.broken.clear()
    assert says(caller.reconnect(SHARED, initialization=RESET)) == Rv.SUCCESS
    assert desk.record().state == READY


@pytest.mark.parametrize("atr", [b"", b"\x3b", bytes(34), bytes(1000)], ids=len)
def test_an_answer_to_reset_that_is_none(atr: bytes) -> None:
    """ISO 7816-3 section 8.2.1: 2 to 33 bytes."""
    desk = Desk(PinCard(atr))
    assert desk.record() == (READER, 1, MUTE, 0, b"", 0)
    assert desk.caller().readers()[0].atr == b""


@pytest.mark.parametrize("broken", ["reset", "power_on", "power_off"])
@pytest.mark.parametrize("how", [RESET, UNPOWER])
@pytest.mark.parametrize("call", [Caller.end, Caller.disconnect, Caller.reconnect, Caller.leave])
def test_a_card_that_fails_when_it_is_reset(broken: str, how: Disposition, call: Any) -> None:
    card = BrokenCard()
    desk = Desk(card)
    ada, bob = desk.connected(), desk.connected()
    ada.begin()
    card.broken.add(broken)
    if call is Caller.leave:
        ada.leave()
    elif call is Caller.reconnect:
        assert says(ada.reconnect(initialization=how)) in (Rv.SUCCESS, Rv.UNRESPONSIVE_CARD)
        ada.end()
        ada.disconnect()
    else:
        assert says(call(ada, how)) in (Rv.SUCCESS, Rv.UNRESPONSIVE_CARD)
    assert says(bob.status()) == Rv.RESET_CARD
    assert desk.record().sharing == (2 if call is Caller.end else 1)
    card.broken.clear()
    assert says(bob.reconnect(initialization=RESET)) == says(bob.transmit()) == Rv.SUCCESS


def test_a_card_that_fails_when_it_is_reset_by_hand() -> None:
    card = BrokenCard("reset")
    desk = Desk(card)
    ada = desk.connected()
    assert desk.reset() == Rv.UNRESPONSIVE_CARD
    assert says(ada.status()) == Rv.RESET_CARD
    assert desk.record().state == MUTE
    assert says(ada.transmit()) == Rv.RESET_CARD


def test_a_card_that_fails_at_a_command(desk: Desk) -> None:
    card = BrokenCard("transmit")
    desk.insert(card, 1)
    ada = desk.connected(reader=OTHER_READER)
    answer, data = ada.transmit()
    assert (answer.rv, answer.room, data) == (Rv.NOT_TRANSACTED, 0, b"")
    card.broken.clear()
    assert says(ada.transmit()) == Rv.SUCCESS


def test_a_card_that_fails_after_the_grace_period() -> None:
    card = BrokenCard()
    desk = Desk(card)
    desk.connected().disconnect()
    desk.now += GRACE_SECONDS + 0.1
    card.broken = {"power_off", "power_on"}
    caller = desk.caller()
    assert says(caller.connect()) == Rv.UNPOWERED_CARD
    card.broken.clear()
    assert says(caller.connect()) == Rv.SUCCESS
