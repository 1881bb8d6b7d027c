"""Three clients and two readers, and whatever can happen between them, in any order."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from tests.pcsc.cards import ATR_BOTH, ATR_T0, VERIFIED, VERIFY, BrokenCard
from tests.pcsc.desk import OTHER_READER, READER, Caller, Desk
from ushield.reader.answers import Hangup
from ushield.reader.codes import GET_FEATURE_REQUEST, Disposition, Protocol, Rv, Share
from ushield.reader.messages import Connect, Reconnect, Request
from ushield.reader.slots import GRACE_SECONDS, WAIT, Reader

NAMES = (READER, OTHER_READER)
PLACES = st.integers(0, 2)
READERS = st.sampled_from([0, 0, 0, 1])
PICKS = st.integers(0, 3)
SHARES = st.sampled_from([Share.SHARED, Share.SHARED, Share.EXCLUSIVE, Share.DIRECT, 7])
PROTOCOLS = st.sampled_from([Protocol.ANY] * 6 + [Protocol.T0, Protocol.RAW, 0])
DISPOSITIONS = st.sampled_from([Disposition.LEAVE] * 4 + [*Disposition, 9])
FAULTS = st.sets(st.sampled_from(["power_on", "power_off", "reset", "transmit"]))


class Machine(RuleBasedStateMachine):
    """The desk, and what a bystander can say of the cards and the connections."""

    @initialize(minors=st.tuples(*[st.integers(3, 6)] * 3), two_cards=st.booleans())
    def start(self, minors: tuple[int, int, int], two_cards: bool) -> None:
        self.minors = minors
        self.desk = Desk(BrokenCard(), BrokenCard() if two_cards else None)
        self.core = self.desk.core
        self.callers: list[Caller | None] = [self.desk.connected(minor) for minor in minors]
        self.past = [0, 0]
        """Resets and removals of the cards that are in each reader no more."""
        self.known: dict[int, int] = {}
        """How many there had been when a connection was made, or made anew."""
        self.alone_since: list[float | None] = [None, None]
        self.waits: dict[Caller, int] = {}

    # --- connections ---

    @rule(place=PLACES, reader=READERS, share=SHARES, protocols=PROTOCOLS)
    def connect(self, place: int, reader: int, share: int, protocols: int) -> None:
        if not (caller := self._free(place)):
            return
        card: Any = self.core.readers[reader].contacts.card
        alone = self.alone_since[reader]
        answer = caller.connect(NAMES[reader], share, protocols)
        if answer is not WAIT and not answer.rv and alone is not None and card is not None:
            assert not (card.verified and self.desk.now - alone > GRACE_SECONDS)

    @rule(place=PLACES, pick=PICKS, share=SHARES, protocols=PROTOCOLS, how=DISPOSITIONS)
    def reconnect(self, place: int, pick: int, share: int, protocols: int, how: int) -> None:
        if found := self._own(place, pick):
            caller, card = found
            answer = caller.reconnect(share, protocols, how, card=card)
            if answer is not WAIT and not answer.rv:
                self.known.pop(card, None)

    @rule(place=PLACES, pick=PICKS)
    def make_anew(self, place: int, pick: int) -> None:
        """What a program does that was told of a reset."""
        self.reconnect(place, pick, Share.SHARED, Protocol.ANY, Disposition.LEAVE)

    @rule(place=PLACES, pick=PICKS, how=DISPOSITIONS)
    def disconnect(self, place: int, pick: int, how: int) -> None:
        if found := self._own(place, pick):
            found[0].disconnect(how, found[1])

    # --- transactions and commands ---

    @rule(place=PLACES, pick=PICKS)
    def begin(self, place: int, pick: int) -> None:
        if found := self._own(place, pick):
            found[0].begin(found[1])

    @rule(place=PLACES, pick=PICKS)
    def make_anew_and_begin(self, place: int, pick: int) -> None:
        self.make_anew(place, pick)
        self.begin(place, pick)

    @rule(place=PLACES, pick=PICKS, how=DISPOSITIONS)
    def end(self, place: int, pick: int, how: int) -> None:
        if found := self._own(place, pick):
            found[0].end(how, found[1])

    @rule(
        place=PLACES,
        pick=PICKS,
        command=st.sampled_from([VERIFY, VERIFIED]),
        protocol=st.sampled_from([Protocol.ANY_OLD, Protocol.T1, Protocol.RAW]),
        room=st.sampled_from([1, 2, 258]),
    )
    def transmit(self, place: int, pick: int, command: bytes, protocol: int, room: int) -> None:
        if not (found := self._own(place, pick)):
            return
        caller, card = found
        reader = caller.client.handles[card]
        answer = caller.transmit(command, protocol, room, card)
        if answer is not WAIT and not answer[0].rv:
            assert len(answer[1]) == 2 <= room
            assert self.known[card] == self._resets(reader), "nobody told this connection"

    @rule(place=PLACES, pick=PICKS, what=st.sampled_from([0x90303, 0x7FFF0003, 1]))
    def ask(self, place: int, pick: int, what: int) -> None:
        if found := self._own(place, pick):
            caller, card = found
            for answer in (
                caller.attribute(what, card=card),
                caller.set_attribute(what, b"1", card=card),
                caller.control(GET_FEATURE_REQUEST, card=card),
            ):
                assert answer is not WAIT
            caller.status(card)

    # --- watching ---

    @rule(place=PLACES, no_more=st.booleans())
    def watch(self, place: int, no_more: bool) -> None:
        if not (caller := self._free(place)):
            return
        if no_more:
            caller.stop_waiting()
            assert caller.stop_waiting() == b""
            return
        self.waits[caller] = self.waits.get(caller, 0) + 1
        caller.wait()
        caller.readers(Request.READER_ARRAY)

    @rule(place=PLACES, whom=PLACES)
    def cancel(self, place: int, whom: int) -> None:
        caller, other = self._free(place), self.callers[whom]
        if caller and other:
            assert caller.cancel(other.client.context).rv == Rv.SUCCESS
            assert other.client not in self.core.watchers

    # --- what does not happen every day ---

    @rule(place=PLACES, how=st.sampled_from(["dies", "releases", "uses what is another's"]))
    def go(self, place: int, how: str) -> None:
        caller = self.callers[place]
        if caller is None:
            self.callers[place] = (
                self.desk.connected(self.minors[place], share=Share.DIRECT)
                if (not self._exclusive() and not self.core.readers[0].locked)
                else self.desk.caller(self.minors[place])
            )
            return
        if how == "releases" and not caller.waits_for:
            assert caller.release().rv == Rv.SUCCESS
            assert caller.establish().rv == Rv.SUCCESS
            return
        if how == "uses what is another's" and not caller.waits_for:
            foreign = next(iter(self.core._handles - set(caller.client.handles)), 0)
            with pytest.raises(Hangup):
                caller.transmit(card=foreign)
        caller.leave()
        self.callers[place] = None

    @rule(reader=READERS, atr=st.sampled_from([ATR_BOTH, ATR_BOTH, ATR_T0, b""]))
    def insert_or_remove(self, reader: int, atr: bytes) -> None:
        card: Any = self.core.readers[reader].contacts.card
        if card is None:
            new = BrokenCard()
            new.atr = atr
            self.desk.insert(new, reader)
        else:
            self.past[reader] += _resets(card) + 1
            assert self.desk.remove(reader) is card

    @rule(reader=READERS, faults=FAULTS)
    def break_or_heal(self, reader: int, faults: set[str]) -> None:
        card: Any = self.core.readers[reader].contacts.card
        if card is not None:
            card.broken = set() if card.broken else faults
        self.desk.reset(reader)

    @rule(seconds=st.sampled_from([1.0, GRACE_SECONDS, GRACE_SECONDS + 1]))
    def time_passes(self, seconds: float) -> None:
        self.desk.now += seconds

    # --- what holds at all times ---

    @invariant()
    def everything_adds_up(self) -> None:
        clients = {one.client for one in self.desk.callers}
        held = {handle: reader for client in clients for handle, reader in client.handles.items()}
        assert self.core._handles == set(held)
        assert set(self.core._contexts.values()) == clients
        assert set(self.core.watchers) <= clients
        for at, reader in enumerate(self.core.readers):
            handles = {handle for handle, its in held.items() if its is reader}
            assert set(reader._handles) == handles
            assert reader._owner in handles | {0}
            assert bool(reader._depth) is bool(reader._owner)
            assert reader.record.sharing in ((-1, 1) if len(handles) == 1 else (len(handles),))
            self._remember(at, reader, handles)

    @invariant()
    def who_waits_has_a_reason(self) -> None:
        for reader, queue in self.core._turns._queues.items():
            assert queue
            assert reader.locked
        for caller in self.desk.callers:
            if (message := caller.waits_for) is None:
                continue
            body: Any = message.body
            if isinstance(body, Connect):
                named = self.core._reader_named(body.reader)
                assert named is not None
                assert named.locked
                assert not any(named.owned_by(handle) for handle in caller.client.handles)
            else:
                reader = caller.client.handles[body.card]
                to_be_alone = isinstance(body, Reconnect) and body.share == Share.EXCLUSIVE
                if to_be_alone and not reader.locked_for(body.card):
                    assert len(reader._handles) > 1
                    continue  # Each try may choose a protocol.
                assert reader.locked_for(body.card)
            assert caller.attempt(message) is WAIT, "it could have got further, but was not told"

    @invariant()
    def who_did_not_ask_is_not_told(self) -> None:
        assert not self.core.watchers.take_signals()
        for caller in self.desk.callers:
            assert len(caller.told) <= self.waits.get(caller, 0)

    def teardown(self) -> None:
        if not hasattr(self, "desk"):
            return
        for caller in list(self.desk.callers):
            caller.leave()
        assert not self.core._contexts
        assert not self.core._handles
        assert not list(self.core.watchers)
        assert not self.core._turns
        for reader in self.core.readers:
            assert (reader.record.sharing, reader._owner, reader._depth) == (0, 0, 0)

    # --- helpers ---

    def _exclusive(self) -> bool:
        return self.core.readers[0].record.sharing < 0

    def _free(self, place: int) -> Caller | None:
        """The client, unless it is gone, or waits for an answer."""
        caller = self.callers[place]
        return None if caller is None or caller.waits_for else caller

    def _own(self, place: int, pick: int) -> tuple[Caller, int] | None:
        """A client that can make a call, and one of its handles."""
        caller = self._free(place)
        if caller is None or not caller.client.handles:
            return None
        handles = list(caller.client.handles)
        return caller, handles[pick % len(handles)]

    def _renewed_by(self, caller: Caller) -> int | None:
        """The connection that will be as new when a client has got its answer."""
        body = caller.waits_for.body if caller.waits_for else None
        return body.card if isinstance(body, Reconnect) else None

    def _resets(self, reader: Reader) -> int:
        at = self.core.readers.index(reader)
        return self.past[at] + _resets(reader.contacts.card)

    def _remember(self, at: int, reader: Reader, handles: set[int]) -> None:
        waiting = {self._renewed_by(caller) for caller in self.desk.callers}
        for handle in handles:
            if reader.event_of(handle) is not Rv.SUCCESS or handle in waiting:
                self.known.pop(handle, None)
            elif handle not in self.known:
                self.known[handle] = self._resets(reader)
        if handles:
            self.alone_since[at] = None
        elif self.alone_since[at] is None:
            self.alone_since[at] = self.desk.now


def _resets(card: Any) -> int:
    """How often a card lost what it knew."""
    return 0 if card is None else sum(what != "on" for what in card.done)


TestCore = Machine.TestCase
TestCore.settings = settings(max_examples=max(150, settings().max_examples), stateful_step_count=40)
