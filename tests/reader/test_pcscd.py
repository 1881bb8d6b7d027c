"""The plug in the real reader: pcscd with vpcd, and clients that know nothing of us."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tests.pcscd import Pcscd, eventually, missing, private_pcscd
from tests.reader.cards import ATR, EchoCard, NullCard
from tests.reader.fake import Told, running

CLIENT = """
import sys
from smartcard.scard import *

def check(code):
    assert code == SCARD_S_SUCCESS, SCardGetErrorMessage(code)

code, context = SCardEstablishContext(SCARD_SCOPE_USER)
check(code)
protocols = SCARD_PROTOCOL_T0 | SCARD_PROTOCOL_T1
code, card, protocol = SCardConnect(context, sys.argv[1], SCARD_SHARE_SHARED, protocols)
check(code)
head = SCARD_PCI_T1 if protocol == SCARD_PROTOCOL_T1 else SCARD_PCI_T0
for command in sys.argv[2:]:
    code, answer = SCardTransmit(card, head, list(bytes.fromhex(command)))
    check(code)
    print(bytes(answer).hex())
check(SCardDisconnect(card, SCARD_RESET_CARD))
"""


def call(daemon: Pcscd, *command: str) -> str:
    """What a client prints; it must end well."""
    done = subprocess.run(
        command, env=daemon.env, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_opensc_reads_the_atr(pcscd: Pcscd) -> None:
    with pcscd.plugged(NullCard()) as plugged:
        assert plugged.atr == ATR
        assert call(pcscd, "opensc-tool", "--atr").strip() == ATR.hex(":")


def test_commands_and_answers_of_all_lengths(pcscd: Pcscd) -> None:
    commands = [bytes(range(5)), bytes(261), b"\x00\x84\x00\x00\x00\x10\x00" + os.urandom(4096)]
    card = EchoCard()
    with pcscd.plugged(card) as plugged:
        said = call(
            pcscd, sys.executable, "-c", CLIENT, plugged.reader, *(c.hex() for c in commands)
        )
    assert said.split() == [(command + b"\x90\x00").hex() for command in commands]
    assert card.commands == commands
    assert "reset" in card.done
    assert card.done[-1] == "off"
    assert sum(session.commands for session in plugged.sessions) == len(commands)


def test_a_card_is_pulled_out_and_put_in(pcscd: Pcscd) -> None:
    before = pcscd.reader().events
    for _ in range(2):
        with pcscd.plugged(NullCard()):
            assert pcscd.reader().present
        assert not pcscd.reader().present
    assert pcscd.reader().events == before + 4


def test_pcscd_may_start_late_and_restart() -> None:
    if lack := missing():
        pytest.skip(lack)
    with private_pcscd() as daemon:
        daemon.stop()
        told = Told()
        with running(NullCard(), daemon.port, told):
            eventually(lambda: bool(told.lines), "the plug waits for pcscd")
            for _ in range(2):
                daemon.restart()
                eventually(lambda: daemon.reader().present, "the card is in the new pcscd")
                assert call(daemon, "opensc-tool", "--atr").strip() == ATR.hex(":")
    assert told.lines.count("plugged") == 2
