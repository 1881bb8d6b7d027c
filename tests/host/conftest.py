"""Tokens in this process and in the private pcscd's reader."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from applet.os.card import Card
from host.client import TokenClient
from host.memory import MemoryTransport
from host.pcsc import open_reader
from host.transport import Transport
from tests.holder import Holder
from tests.host import tokens
from tests.pcscd import Pcscd, pcscd, pytest_runtest_makereport

__all__ = ["pcscd", "pytest_runtest_makereport"]

Connect = Callable[[Card], Transport]


@pytest.fixture(scope="module")
def slot(pcscd: Pcscd) -> Iterator[tuple[Holder, str]]:
    """A card holder in the reader for the tests of one module, and the reader's name."""
    holder = Holder()
    with pcscd.plugged(holder) as plugged:
        yield holder, plugged.reader


@pytest.fixture(params=["memory", "pcsc"])
def connect(request: pytest.FixtureRequest) -> Iterator[Connect]:
    """Both ways to a card: give it a card, get a transport."""
    with ExitStack() as stack:

        def in_reader(card: Card) -> Transport:
            holder, reader = request.getfixturevalue("slot")
            holder.hold(card)
            return stack.enter_context(open_reader(reader))

        if request.param == "memory":
            yield lambda card: stack.enter_context(MemoryTransport(card))
        else:
            yield in_reader


@pytest.fixture
def transport(connect: Connect) -> Transport:
    """The way to a personalised token."""
    return connect(tokens.token_card())


@pytest.fixture(params=["chained", "extended"])
def client(transport: Transport, request: pytest.FixtureRequest) -> TokenClient:
    """A client for a personalised token; nothing is verified yet."""
    return TokenClient(transport, extended=request.param == "extended")


@pytest.fixture
def holder(client: TokenClient) -> TokenClient:
    """The same with the PIN verified."""
    client.verify_pin(tokens.PIN)
    return client
