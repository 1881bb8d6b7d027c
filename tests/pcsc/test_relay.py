"""The relay: clients see the service behind it as it is, and every exchange is heard."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import pytest

from tests.pcsc.cards import PinCard
from tests.pcsc.rawclient import RawClient, ServiceHungUp
from tests.pcsc.served import (
    PRELUDE,
    READER,
    Guest,
    in_the_background,
    open_descriptors,
    own_threads,
    serving,
    soon,
)
from ushield.reader.codes import Disposition, Rv
from ushield.reader.relay import Relay
from ushield.reader.service import PcscService

ATR = PinCard().power_on()
CHALLENGE = bytes.fromhex("0084000008")


class Heard(list[tuple[object, ...]]):
    """A listener that keeps what it is told."""

    def connected(self, reader: str, atr: bytes) -> None:
        self.append(("connected", reader, atr))

    def reset(self, reader: str, atr: bytes) -> None:
        self.append(("reset", reader, atr))

    def exchanged(self, reader: str, command: bytes, answer: bytes, since: int) -> None:
        self.append((reader, command, answer))


class Deaf(Heard):
    """A listener that fails."""

    def exchanged(self, reader: str, command: bytes, answer: bytes, since: int) -> None:
        raise RuntimeError("nobody is to be hurt by this")


@contextmanager
def relayed(service: Path, listener: Heard) -> Iterator[Relay]:
    """A relay that leaves no thread, no descriptor and no socket behind."""
    threads, descriptors = own_threads(), open_descriptors()
    clock = count()
    with Relay(service, listener, lambda: next(clock)) as relay:
        yield relay
    assert not relay.socket.exists()
    soon(lambda: own_threads() <= threads, "every thread has ended")
    soon(lambda: open_descriptors() <= descriptors, "every socket is closed")


@pytest.fixture
def heard() -> Heard:
    return Heard()


@pytest.fixture
def service() -> Iterator[PcscService]:
    with serving(PinCard()) as running:
        yield running


@pytest.fixture
def relay(service: PcscService, heard: Heard) -> Iterator[Relay]:
    with relayed(service.socket, heard) as running:
        yield running


@pytest.mark.parametrize("minor", [3, 4, 5, 6])
def test_every_exchange_is_heard(relay: Relay, heard: Heard, minor: int) -> None:
    with Guest(relay.socket, minor=minor) as guest:
        assert [record.name for record in guest.readers()] == [READER]
        guest.card = guest.connect(READER).card
        answer = guest.says()
        guest.reconnect(guest.card, initialization=Disposition.RESET)
        guest.begin(guest.card)
        guest.end(guest.card, Disposition.UNPOWER)
        guest.disconnect(guest.card)
    assert heard == [
        ("connected", READER, ATR),
        (READER, b"\x00\xca\x00\x00", answer),
        ("reset", READER, ATR),
        ("reset", READER, ATR),
    ]


def test_a_program_finds_the_reader_through_it(relay: Relay, heard: Heard) -> None:
    import subprocess
    import sys

    text = "where = context(); card = connect(where); print(ask(card, bytes.fromhex('00ca0000')))"
    done = subprocess.run(
        [sys.executable, "-c", PRELUDE + text],
        env=os.environ | {"PCSCLITE_CSOCK_NAME": str(relay.socket)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert [one for one in heard if one[1] == b"\x00\xca\x00\x00"]
    assert done.stdout.startswith("b'")


def test_events_pass_in_both_directions(relay: Relay, service: PcscService) -> None:
    with Guest(relay.socket) as guest:
        guest.wait()
        assert guest.silent(0.05)
        card = service.remove(0)
        assert guest.event().rv == Rv.SUCCESS
        guest.wait()
        assert guest.stop_waiting().rv == Rv.SUCCESS
        service.insert(0, card)
        assert guest.reader(READER).atr == ATR


def test_transactions_are_the_services_own(relay: Relay, heard: Heard) -> None:
    with Guest(relay.socket, READER) as first, Guest(relay.socket, READER) as second:
        first.begin(first.card)
        second.send_transmit(second.card, b"\x00\xca\x00\x01")
        assert second.silent(0.05)
        first.says(b"\x00\xca\x00\x02")
        first.end(first.card)
        assert second.answer_to_transmit()[0].rv == Rv.SUCCESS
    commands = [one[1] for one in heard if one[0] == READER]
    assert commands == [b"\x00\xca\x00\x02", b"\x00\xca\x00\x01"]


def test_a_command_that_does_not_reach_the_card_is_not_heard(
    relay: Relay, heard: Heard, service: PcscService
) -> None:
    with Guest(relay.socket, READER) as guest:
        service.reset(0)
        assert guest.transmit(guest.card, CHALLENGE)[0].rv == Rv.RESET_CARD
        guest.reconnect(guest.card)
        service.remove(0)
        assert guest.transmit(guest.card, CHALLENGE)[0].rv == Rv.REMOVED_CARD
    assert [one for one in heard if one[0] == READER] == [(READER, CHALLENGE, b"")]


def test_the_death_of_a_client_reaches_the_service(relay: Relay, service: PcscService) -> None:
    guest = Guest(relay.socket, READER)
    assert service.records()[0].sharing == 1
    guest.close()
    soon(lambda: service.records()[0].sharing == 0, "the client's connection is ended")


def test_a_dialogue_that_cannot_be_followed_goes_on_unheard(relay: Relay, heard: Heard) -> None:
    with RawClient(relay.socket) as client:
        client.send_raw(bytes(8))
        assert client.hung_up(), "which is what the service does"
    with Guest(relay.socket, READER) as guest:
        guest.says()
    assert len(heard) == 2


def test_a_listener_that_fails_hurts_nobody(service: PcscService) -> None:
    with relayed(service.socket, Deaf()) as relay, Guest(relay.socket, READER) as guest:
        assert guest.says() == guest.says()


def test_a_service_that_is_not_there(heard: Heard, tmp_path: Path) -> None:
    with relayed(tmp_path / "nobody", heard) as relay, pytest.raises(ServiceHungUp):
        RawClient(relay.socket)


def test_the_end_of_the_service_is_the_end_of_its_clients(heard: Heard) -> None:
    with serving(PinCard()) as service, relayed(service.socket, heard) as relay:
        guest = Guest(relay.socket, READER)
        with in_the_background(service.stop):
            assert guest.hung_up()
        guest.close()


def test_the_end_of_the_relay_is_the_end_of_its_clients(service: PcscService) -> None:
    with Relay(service.socket, Heard(), lambda: 0) as relay:
        guest = Guest(relay.socket, READER)
    assert guest.hung_up()
    guest.close()
    soon(lambda: service.records()[0].sharing == 0, "the client's connection is ended")
