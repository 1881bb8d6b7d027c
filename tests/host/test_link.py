"""What the link remembers of the card, and when it must not."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Self

import pytest

from apdu.instruction import INS
from host.errors import (
    AnswerError,
    CardRemoved,
    ConditionsError,
    NotFound,
    UnsupportedError,
    WrongLength,
)
from host.link import CardLink

MSE = bytes.fromhex("002241B60780010481024B01")
OTHER_MSE = bytes.fromhex("002241B60780010481024B02")
SIGN = bytes.fromhex("002A9E9A01AA00")


class FakeTransport:
    """Answers 9000 unless told otherwise, and writes down what happens."""

    def __init__(self, *, exclusive: bool) -> None:
        self.exclusive = exclusive
        self.atr = b"\x3b\x00"
        self.seen: list[str] = []
        self.answers: dict[bytes, bytes] = {}
        self.gone = False
        self.depth = 0

    def transmit(self, command: bytes, /) -> bytes:
        self.seen.append(command.hex().upper())
        if self.gone:
            raise CardRemoved("gone")
        return self.answers.get(command, b"\x90\x00")

    def reset(self) -> bytes:
        return self.atr

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Only the outermost one counts, as with `host.pcsc`."""
        self.depth += 1
        if self.depth == 1:
            self.seen.append("begin")
        yield
        self.depth -= 1
        if not self.depth:
            self.seen.append("end")

    def close(self) -> None: ...

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...


@pytest.fixture
def alone() -> FakeTransport:
    return FakeTransport(exclusive=True)


def hexes(*commands: bytes) -> list[str]:
    return [command.hex().upper() for command in commands]


def test_an_environment_is_set_once(alone: FakeTransport) -> None:
    link = CardLink(alone)
    for _ in range(3):
        link.use(MSE, SIGN)
    assert alone.seen == hexes(MSE, SIGN, SIGN, SIGN)


def test_another_environment_takes_its_place(alone: FakeTransport) -> None:
    link = CardLink(alone)
    for environment in (MSE, OTHER_MSE, MSE):
        link.use(environment, SIGN)
    assert alone.seen == hexes(MSE, SIGN, OTHER_MSE, SIGN, MSE, SIGN)


def test_any_other_command_makes_it_doubtful(alone: FakeTransport) -> None:
    link = CardLink(alone)
    link.use(MSE, SIGN)
    link.command(INS.VERIFY, 1)
    link.use(MSE, SIGN)
    assert alone.seen.count(MSE.hex().upper()) == 2


def test_a_refusal_makes_it_doubtful(alone: FakeTransport) -> None:
    link = CardLink(alone)
    alone.answers[SIGN] = b"\x69\x85"
    for _ in range(2):
        with pytest.raises(ConditionsError, match="PSO SIGN: 6985"):
            link.use(MSE, SIGN)
    assert alone.seen == hexes(MSE, SIGN, MSE, SIGN)


def test_a_refused_environment_is_not_remembered(alone: FakeTransport) -> None:
    link = CardLink(alone)
    alone.answers[MSE] = b"\x6a\x88"
    for _ in range(2):
        with pytest.raises(NotFound):
            link.use(MSE, SIGN)
    assert alone.seen == hexes(MSE, MSE)


def test_a_lost_card_makes_it_doubtful(alone: FakeTransport) -> None:
    link = CardLink(alone)
    link.use(MSE, SIGN)
    alone.gone = True
    with pytest.raises(CardRemoved):
        link.use(MSE, SIGN)
    alone.gone = False
    link.use(MSE, SIGN)
    assert alone.seen == hexes(MSE, SIGN, SIGN, MSE, SIGN)


def test_among_others_each_use_is_a_transaction() -> None:
    shared = FakeTransport(exclusive=False)
    link = CardLink(shared)
    link.use(MSE, SIGN)
    link.use(MSE, SIGN)
    assert shared.seen == ["begin", *hexes(MSE, SIGN), "end"] * 2


def test_among_others_what_takes_several_apdus_is_a_transaction() -> None:
    shared = FakeTransport(exclusive=False)
    long, bare = bytes.fromhex("00CA01AA00"), bytes.fromhex("0020000108313233343536FFFF")
    shared.answers = {
        long: b"\xaa\x61\x01",
        bytes.fromhex("00C0000001"): b"\xbb\x90\x00",
    }
    link = CardLink(shared)
    assert link.send(long) == b"\xaa\xbb"
    link.send(bare)
    link.command(INS.PSO, 0x9080, bytes(300))
    begun = ["begin", long.hex().upper(), "00C0000001", "end", bare.hex().upper()]
    assert shared.seen[:5] == begun
    assert [command[:8] for command in shared.seen[5:]] == ["begin", "102A9080", "002A9080", "end"]


def test_more_than_a_command_carries(alone: FakeTransport) -> None:
    with pytest.raises(UnsupportedError, match="65535 bytes at most, not 65536"):
        CardLink(alone).command(INS.PSO, 0x9080, bytes(65536))
    assert not alone.seen


def test_a_command_that_is_none_is_refused_by_the_card(alone: FakeTransport) -> None:
    broken = bytes.fromhex("002000010501")
    alone.answers[broken] = b"\x67\x00"
    with pytest.raises(WrongLength, match="command: 6700"):
        CardLink(alone, extended=True).send(broken)


def test_control_information_that_is_none(alone: FakeTransport) -> None:
    with pytest.raises(AnswerError, match="control information"):
        CardLink(alone).select(b"\x50\x15")
