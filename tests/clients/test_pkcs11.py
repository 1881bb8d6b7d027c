"""PKCS#11 as programs use it: sessions and logins, threads, children, cards that come and go."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.clients.ledger import Works
from tests.clients.piv import version
from tests.clients.system import PYTHON, pkcs11_module
from tests.clients.tokens import with_keys
from tests.clients.tool import Tool
from tests.clients.ways import Way, by_every_way
from ushield.device.assembly import assemble

PROGRAMS = [Path(__file__).with_name(name) for name in ("sessions.py", "threads.py")]


@pytest.fixture
def program(way: Way, folder: Path) -> Iterator[Tool]:
    """The command line with the programs in its folder, and a token in the reader."""
    with way.inserted(assemble(with_keys("rsa2048", "p256"), strict=True)):
        yield _with_programs(Tool(folder, way.variables))


def _with_programs(tool: Tool) -> Tool:
    for program in PROGRAMS:
        tool.write(program.name, program.read_bytes())
    return tool


def _sessions(what: str) -> str:
    return f"{PYTHON} sessions.py {pkcs11_module()} {what}"


@by_every_way
def test_a_login_is_for_all_sessions(program: Tool, works: Works) -> None:
    program.run(_sessions("logins"))
    works("PyKCS11", "a login, and a logout, is for all sessions", "RSA-2048")


def test_the_end_of_the_last_session_ends_the_login(program: Tool, works: Works) -> None:
    """Since 0.24 OpenSC keeps it from the card, which may be in use by another program."""
    if version(program, "opensc-tool --info") < (0, 24):
        program.see(_sessions("end"), "the card has no PIN")
        works("OpenSC", "the end of the last session takes the verified PIN from the card")
    else:
        program.see(_sessions("end"), "the card has the PIN")
        works("OpenSC", "fails: after the last session the PIN stays verified until power goes")


def test_another_program_begins(program: Tool, works: Works) -> None:
    """It selects the application, so the card forgets the PIN. OpenSC presents it again by itself
    when a key is used; asked for the session, 0.23 ends it."""
    if version(program, "opensc-tool --info") < (0, 24):
        program.see(_sessions("neighbour"), "the session is no more: CKR_SESSION_HANDLE_INVALID")
        works("OpenSC", "fails: `C_GetSessionInfo` ends the session once another program has begun")
    else:
        program.see(_sessions("neighbour"), "the session is a public one")
    works("OpenSC", "a session's keys go on working when another program begins", "RSA-2048")


@by_every_way
def test_a_child_and_its_parent(program: Tool, works: Works) -> None:
    program.run(_sessions("fork"))
    works("PyKCS11", "fork: the child begins anew, the parent goes on", "RSA-2048")


def test_cards_come_and_go_a_hundred_times(way: Way, folder: Path, works: Works) -> None:
    card = assemble(with_keys("p256"))
    tool = _with_programs(Tool(folder, way.variables))
    with tool.running(_sessions("events")) as lines:
        assert lines.next() == "ready"
        for _ in range(100):
            with way.inserted(card):
                assert lines.next() == "in"
            assert lines.next() == "out"
    works("PyKCS11", "`C_WaitForSlotEvent`, a hundred times in and out")


@by_every_way
def test_eight_threads_sign_at_once(program: Tool, works: Works) -> None:
    _sign_by_threads(program, "itself")
    works("OpenSC", "eight threads sign at once by PKCS#11", "RSA-2048")


def test_eight_threads_of_python_take_turns(program: Tool, works: Works) -> None:
    _sign_by_threads(program, "python-pkcs11")
    works("python-pkcs11", "eight threads sign, with a lock of their own", "RSA-2048")


def _sign_by_threads(program: Tool, way: str) -> None:
    program.run("pkcs15-tool --read-public-key 01 -o public.pem")
    program.run(f"{PYTHON} threads.py {pkcs11_module()} {way}")
