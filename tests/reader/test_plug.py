"""The plug against a reader that misbehaves as no real one would."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.pcsc.cards import ASK, DENIED, OK, REFUSED, VERIFIED, AskingCard
from tests.pcscd import eventually
from tests.reader.cards import ATR, EchoCard, NullCard
from tests.reader.fake import ASK_ATR, OFF, ON, RESET, FakeReader, Told, framed, running
from ushield.reader import vpcd
from ushield.reader.vpcd import Plug

COMMAND = bytes.fromhex("00A4040005A000000063")
GLUED = framed(ASK_ATR, ON, ASK_ATR, COMMAND, COMMAND, OFF, ASK_ATR)
ANSWERS = [ATR, ATR, COMMAND + b"\x90\x00", COMMAND + b"\x90\x00", ATR]

PROGRAM = """
import signal, sys
from tests.pcsc.cards import ASK, DENIED, OK, REFUSED, VERIFIED, AskingCard
from tests.reader.cards import NullCard
from ushield.reader.vpcd import Plug, PlugEvents

say = lambda *words: print(*words, flush=True)
events = PlugEvents(waiting=say, plugged=lambda: say("in"))
plug = Plug(NullCard(), port=int(sys.argv[1]), events=events)
for number in (signal.SIGINT, signal.SIGTERM):
    signal.signal(number, lambda *_: plug.stop())
plug.run()
say("stopped")
"""


def test_glued_messages_are_answered_in_order(reader: FakeReader) -> None:
    with running(EchoCard(), reader.port):
        line = reader.accept()
        line.send(GLUED)
        assert [line.receive() for _ in ANSWERS] == ANSWERS


def test_messages_cut_anywhere_are_answered(reader: FakeReader) -> None:
    with running(EchoCard(), reader.port):
        line = reader.accept()
        for cut in range(1, len(GLUED)):
            line.send(GLUED[:cut], GLUED[cut:])
            assert [line.receive() for _ in ANSWERS] == ANSWERS
        line.send(*(bytes((byte,)) for byte in GLUED))
        assert [line.receive() for _ in ANSWERS] == ANSWERS


def test_the_longest_command_and_answer(reader: FakeReader) -> None:
    longest = bytes(65_533)
    with running(EchoCard(), reader.port):
        assert reader.accept().ask(longest) == longest + b"\x90\x00"


def test_what_the_plug_tells(reader: FakeReader) -> None:
    told = Told()
    with running(NullCard(), reader.port, told):
        line = reader.accept()
        assert told.lines == []
        line.ask(ASK_ATR)
        line.send(framed(ON))
        line.ask(COMMAND)
    assert told.lines == ["plugged", "begins", "ends: 1", "unplugged"]


def test_a_reader_that_restarts_gets_the_card_again(reader: FakeReader) -> None:
    card, told = NullCard(), Told()
    with running(card, reader.port, told):
        line = reader.accept()
        line.send(framed(ON))
        line.ask(COMMAND)
        reader.close()
        eventually(lambda: "unplugged" in told.lines, "the plug notices")
        eventually(lambda: told.lines[-1].startswith("waiting"), "the plug says that it waits")
        assert card.done[-1] == "off"
        reader.open()
        assert reader.accept().ask(ASK_ATR) == ATR
        assert told.lines[-1] == "plugged"


def test_waiting_is_told_once(reader: FakeReader) -> None:
    told = Told()
    reader.close()
    with running(NullCard(), reader.port, told):
        eventually(lambda: bool(told.lines), "the plug says that it waits")
        time.sleep(0.3)
    assert told.lines == [
        f"waiting: no virtual reader at 127.0.0.1:{reader.port} yet (Connection refused)"
    ]


def test_a_reader_that_hangs_up_in_the_middle(reader: FakeReader) -> None:
    card = NullCard()
    with running(card, reader.port):
        line = reader.accept()
        line.send(framed(ON, COMMAND)[:-1])
        line.close()
        assert reader.accept().ask(ASK_ATR) == ATR
        assert card.done == ["on", "off", "on", "off", "on", "off"]
        assert card.commands == []


def test_a_reader_that_resets_the_line_instead_of_reading(reader: FakeReader) -> None:
    with running(EchoCard(), reader.port):
        line = reader.accept()
        linger = b"\x01\x00\x00\x00\x00\x00\x00\x00"
        line._connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        line.send(*[framed(bytes(60_000))] * 20)
        line.close()
        assert reader.accept().ask(ASK_ATR) == ATR


def test_an_empty_message_is_the_end_of_the_line(reader: FakeReader) -> None:
    with running(NullCard(), reader.port):
        line = reader.accept()
        line.send(framed(ON, b"", COMMAND))
        assert line.ended()
        assert reader.accept().ask(ASK_ATR) == ATR


def test_a_server_that_hangs_up_at_once_is_no_reader(reader: FakeReader) -> None:
    told = Told()
    with running(NullCard(), reader.port, told):
        reader.accept().close()
        eventually(lambda: bool(told.lines), "the plug says so")
        assert reader.accept().ask(ASK_ATR) == ATR
    assert told.lines == [
        f"waiting: the virtual reader at 127.0.0.1:{reader.port} hung up at once",
        "plugged",
        "unplugged",
    ]


def test_a_reader_with_another_card_in_it(
    reader: FakeReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vpcd, "_PATIENCE_SECONDS", 0.05)
    told = Told()
    with running(NullCard(), reader.port, told):
        eventually(lambda: bool(told.lines), "the plug says that it is not taken")
        assert reader.accept().ask(ASK_ATR) == ATR
    assert "does not take the card" in told.lines[0]
    assert told.lines[1:] == ["plugged", "unplugged"]


def test_a_plug_that_was_stopped_does_not_begin(reader: FakeReader) -> None:
    card = NullCard()
    plug = Plug(card, port=reader.port)
    plug.stop()
    plug.run()
    assert card.done == []


def test_a_fault_of_the_card_is_not_hidden_and_takes_its_power(reader: FakeReader) -> None:
    class Broken(NullCard):
        def transmit(self, command: bytes, /) -> bytes:
            raise OSError("broken")

    card = Broken()
    with ThreadPoolExecutor(1) as pool:
        plug_run = pool.submit(Plug(card, port=reader.port).run)
        line = reader.accept()
        line.send(framed(ON, COMMAND))
        assert line.ended()
        with pytest.raises(OSError, match="broken"):
            plug_run.result(5)
    assert card.done[-1] == "off"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("plugged", [True, False], ids=["plugged", "waiting"])
def test_signals_stop_the_program(reader: FakeReader, number: int, plugged: bool) -> None:
    if not plugged:
        reader.close()
    command = [sys.executable, "-c", PROGRAM, str(reader.port)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as program:
        assert program.stdout is not None
        if plugged:
            reader.accept().ask(ASK_ATR)
        assert program.stdout.readline()
        began = time.monotonic()
        program.send_signal(number)
        assert program.stdout.read() == "stopped\n"
        assert program.wait(5) == 0
        assert time.monotonic() - began < 2


# --- a card that waits for a person -----------------------------------------------------------


@pytest.mark.parametrize("control", [OFF, ON, RESET])
def test_power_and_reset_end_what_waits_for_a_person(reader: FakeReader, control: bytes) -> None:
    card = AskingCard()
    with running(card, reader.port):
        line = reader.accept()
        line.send(framed(ON, ASK))
        card.wait_until_it_asks()
        line.send(framed(control, VERIFIED))
        assert [line.receive(), line.receive()] == [REFUSED, DENIED]


def test_a_command_that_comes_meanwhile_waits_its_turn(reader: FakeReader) -> None:
    card = AskingCard()
    with running(card, reader.port):
        line = reader.accept()
        line.send(framed(ON, ASK, VERIFIED, ASK_ATR))
        card.confirm()
        assert [line.receive() for _ in range(3)] == [OK, DENIED, card.atr]


def test_a_reader_that_hangs_up_ends_what_waits_for_a_person(reader: FakeReader) -> None:
    card = AskingCard()
    with running(card, reader.port):
        line = reader.accept()
        line.send(framed(ON, ASK))
        card.wait_until_it_asks()
        line.close()
        assert reader.accept().ask(VERIFIED) == DENIED
    assert card.done.count("asked") == 1


def test_stop_ends_what_waits_for_a_person(reader: FakeReader) -> None:
    card = AskingCard()
    with running(card, reader.port):
        line = reader.accept()
        line.send(framed(ON, ASK))
        card.wait_until_it_asks()
    assert card.done[-2:] == ["asked", "off"]
