"""Our codecs against the real pcscd: what it sends is what we read, in its own version."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.pcsc.rawclient import RawClient, ServiceHungUp
from tests.pcscd import Pcscd
from tests.reader.cards import ATR, EchoCard
from ushield.reader.codes import Disposition, Protocol, Rv, Share, State
from ushield.reader.messages import Connect, Request

SELECT = bytes.fromhex("00A4040000")


@pytest.fixture(scope="module")
def minor(pcscd: Pcscd) -> int:
    """The version that this pcscd speaks."""
    with RawClient(pcscd.socket, greet=False) as line:
        return line.version(4, 0).minor


@pytest.fixture(scope="module")
def reader(pcscd: Pcscd) -> Iterator[str]:
    """The name of a reader with a card in it that answers what it is asked."""
    with pcscd.plugged(EchoCard()) as plugged:
        yield plugged.reader


@pytest.fixture
def client(pcscd: Pcscd, minor: int, reader: str) -> Iterator[RawClient]:
    """A client with a context."""
    with RawClient(pcscd.socket, minor) as client:
        assert client.establish().rv == Rv.SUCCESS
        yield client


def test_a_session_with_a_card(client: RawClient, reader: str) -> None:
    connected = client.connect(reader)
    assert connected.rv == Rv.SUCCESS
    assert connected.reader == reader
    assert connected.active in (Protocol.T0, Protocol.T1)
    card = connected.card
    assert client.begin(card).rv == client.status(card).rv == Rv.SUCCESS
    answer, response = client.transmit(card, SELECT, protocol=connected.active)
    assert answer.rv == Rv.SUCCESS
    assert response == SELECT + b"\x90\x00"
    assert client.end(card).rv == Rv.SUCCESS
    assert client.reconnect(card, initialization=Disposition.RESET).rv == Rv.SUCCESS
    assert client.disconnect(card).rv == Rv.SUCCESS
    assert client.release().rv == Rv.SUCCESS


def test_the_record_of_a_reader(client: RawClient, reader: str) -> None:
    connected = client.connect(reader, Share.EXCLUSIVE)
    record = client.reader(reader)
    # Hanging up is not enough for the next test: the service may notice it too late.
    client.disconnect(connected.card)
    assert connected.rv == Rv.SUCCESS
    assert record.state & State.PRESENT
    assert record.sharing == -1
    assert record.atr == ATR


def test_a_response_that_has_no_room(client: RawClient, reader: str) -> None:
    card = client.connect(reader).card
    answer, response = client.transmit(card, SELECT, room=6, protocol=Protocol.T0)
    assert (answer.rv, answer.room, response) == (Rv.INSUFFICIENT_BUFFER, 7, b"")


def test_attributes_and_controls_are_answered(client: RawClient, reader: str) -> None:
    card = client.connect(reader).card
    assert client.attribute(card, 0x7FFFFFFF).card == card
    answer, data = client.control(card, 0x42000D48)
    assert answer.card == card
    assert not answer.rv or not data


def test_an_unknown_reader_and_a_name_that_is_no_text(client: RawClient) -> None:
    assert client.connect("nobody").rv == Rv.UNKNOWN_READER
    answer = client.connect("\udcff")
    assert (answer.rv, answer.reader) == (Rv.UNKNOWN_READER, "\udcff")


def test_a_wait_ends_by_cancel(pcscd: Pcscd, client: RawClient, minor: int, reader: str) -> None:
    assert reader in [record.name for record in client.wait()]
    assert client.silent(0.05)
    with RawClient(pcscd.socket, minor) as other:
        assert other.cancel(client.context).rv == Rv.SUCCESS
    assert client.event(5).rv == Rv.CANCELLED


def test_a_wait_ends_by_itself(client: RawClient) -> None:
    client.wait()
    with pytest.raises(TimeoutError):
        client.event(0.05)
    assert client.stop_waiting().rv == Rv.SUCCESS


def test_an_answer_held_back(pcscd: Pcscd, minor: int, client: RawClient, reader: str) -> None:
    card = client.connect(reader).card
    client.begin(card)
    with RawClient(pcscd.socket, minor) as other:
        context = other.establish().context
        other.send(Request.CONNECT, Connect(context, reader, Share.SHARED, Protocol.ANY))
        assert other.silent(0.05)
        client.end(card)
        assert other.answer(Connect).rv == Rv.SUCCESS


@pytest.mark.parametrize(
    "bad",
    [
        pytest.param(b"\0\0\0\0\x18\0\0\0", id="unknown command"),
        pytest.param(b"\x0b\0\0\0\x11\0\0\0" + bytes(11), id="wrong size"),
    ],
)
def test_the_service_hangs_up(pcscd: Pcscd, bad: bytes) -> None:
    with RawClient(pcscd.socket, greet=False) as client:
        client.send_raw(bad)
        assert client.hung_up()
        with pytest.raises(ServiceHungUp):
            client.receive(1)


def test_another_version_is_refused(pcscd: Pcscd, minor: int) -> None:
    with RawClient(pcscd.socket, greet=False) as client:
        assert client.version(5, 0) == (4, minor, Rv.SERVICE_STOPPED)
    with pytest.raises(AssertionError, match="refused"):
        RawClient(pcscd.socket, 1)
