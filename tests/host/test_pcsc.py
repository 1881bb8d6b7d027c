"""Readers by name, and what may go wrong with them."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from host import pcsc
from host.client import TokenClient
from host.errors import (
    AmbiguousReader,
    CardRemoved,
    CardReset,
    NoCard,
    NoReader,
    PcscMissing,
    SharingViolation,
    TransportError,
)
from host.pcsc import list_readers, open_reader
from tests.host import tokens
from tests.pcscd import SOCKET_VARIABLE, Pcscd, Plugged

CHALLENGE = bytes.fromhex("0084000008")


@pytest.fixture
def plugged(pcscd: Pcscd) -> Iterator[Plugged]:
    with pcscd.plugged(tokens.token_card()) as plugged:
        yield plugged


def test_the_whole_name(plugged: Plugged) -> None:
    assert plugged.reader in list_readers()
    with open_reader(plugged.reader) as transport:
        assert transport.reader == plugged.reader
        assert transport.atr == plugged.atr
        assert not transport.exclusive


def test_a_part_of_the_name(plugged: Plugged) -> None:
    with open_reader(plugged.reader[-5:]) as transport:
        assert transport.reader == plugged.reader


def test_any_case_will_do(plugged: Plugged) -> None:
    with open_reader(plugged.reader.swapcase()[-8:]) as transport:
        assert transport.reader == plugged.reader


def test_the_only_reader_with_a_card(plugged: Plugged) -> None:
    with open_reader() as transport:
        assert transport.reader == plugged.reader


def test_a_part_that_two_readers_have(plugged: Plugged) -> None:
    assert len(list_readers()) > 1
    with pytest.raises(AmbiguousReader) as caught:
        open_reader("virtual")
    assert set(caught.value.candidates) == set(list_readers())
    assert plugged.reader in str(caught.value)


def test_a_name_that_no_reader_has(pcscd: Pcscd) -> None:
    with pytest.raises(NoReader, match="Virtual PCD"):
        open_reader("Gemalto")


def test_no_card_anywhere(pcscd: Pcscd) -> None:
    with pytest.raises(NoCard):
        open_reader()
    with pytest.raises(NoCard):
        open_reader(list_readers()[0])


def test_a_card_pulled_out_in_the_middle(pcscd: Pcscd) -> None:
    with pcscd.plugged(tokens.token_card()) as plugged:
        transport = open_reader(plugged.reader)
    with transport, pytest.raises(CardRemoved):
        transport.transmit(CHALLENGE)


def test_a_card_pulled_out_in_a_transaction(pcscd: Pcscd) -> None:
    with pcscd.plugged(tokens.token_card()) as plugged:
        transport = open_reader(plugged.reader)
        client = TokenClient(transport)
    with transport, pytest.raises(CardRemoved):
        client.info()


def test_a_reset_by_somebody_else(plugged: Plugged) -> None:
    with open_reader(plugged.reader) as ours, open_reader(plugged.reader) as theirs:
        client = TokenClient(ours)
        client.verify_pin(tokens.PIN)
        theirs.reset()
        with pytest.raises(CardReset):
            client.serial()
        client.reset()
        assert not client.pin_status().verified
        assert theirs.transmit(CHALLENGE)[-2:] == b"\x90\x00"
        client.reset()
        with pytest.raises(CardReset):
            theirs.transmit(CHALLENGE)


def test_another_program_holds_the_card(plugged: Plugged) -> None:
    scard = pcsc._bindings()
    _, context = scard.SCardEstablishContext(scard.SCARD_SCOPE_USER)
    protocols = scard.SCARD_PROTOCOL_T0 | scard.SCARD_PROTOCOL_T1
    code, card, _ = scard.SCardConnect(
        context, plugged.reader, scard.SCARD_SHARE_EXCLUSIVE, protocols
    )
    assert code == 0
    try:
        with pytest.raises(SharingViolation):
            open_reader(plugged.reader)
    finally:
        scard.SCardDisconnect(card, scard.SCARD_LEAVE_CARD)
        scard.SCardReleaseContext(context)


def test_no_service(tmp_path: Path) -> None:
    """In a process of its own: pcsc-lite looks for its service once and for all."""
    program = (
        "from host.pcsc import list_readers, open_reader\n"
        "from host.errors import NoService\n"
        "for ask in (list_readers, open_reader):\n"
        "    try:\n"
        "        ask()\n"
        "    except NoService as error:\n"
        "        print(error)\n"
    )
    environment = os.environ | {SOCKET_VARIABLE: str(tmp_path / "nobody")}
    result = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True
    )
    line = "reaching the service: the PC/SC service does not run: start pcscd"
    assert result.stdout.splitlines() == [line, line]


AT_ONCE = """
import hashlib, sys
from host.client import TokenClient
from host.pcsc import open_reader

with TokenClient(open_reader()) as client:
    own = client.certificate(1)
    print("ready", flush=True)
    sys.stdin.read()
    for number in range(60):
        message = bytes([number]) * 700 + sys.argv[1].encode()
        assert client.hash_on_card(message) == hashlib.sha256(message).digest(), "another's hash"
        assert client.certificate(1) == own
"""


def test_two_programs_at_once_get_what_is_theirs(plugged: Plugged, pcscd: Pcscd) -> None:
    """Long commands come in a chain, and long answers in parts."""
    environment = os.environ | {SOCKET_VARIABLE: str(pcscd.socket)}
    command = [sys.executable, "-c", AT_ONCE]
    programs = [
        subprocess.Popen(
            [*command, name],
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for name in ("one", "two")
    ]
    for program in programs:
        assert program.stdout is not None
        assert program.stdout.readline() == "ready\n"
    for program in programs:
        assert program.stdin is not None
        program.stdin.close()
    for program in programs:
        assert program.wait(120) == 0, program.stderr and program.stderr.read()
        for stream in (program.stdout, program.stderr):
            assert stream is not None
            stream.close()


def test_without_the_bindings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "smartcard", None)
    with pytest.raises(PcscMissing, match=r"ushield\[pcsc\]"):
        list_readers()


def test_an_unknown_code_is_named() -> None:
    with pytest.raises(TransportError, match="80100002"):
        pcsc._check(0x80100002 - (1 << 32), "trying")
    pcsc._check(0, "trying")
