"""The control protocol without I/O, and the threads around its socket."""

from __future__ import annotations

import json
import os
import socket
import stat
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.pcscd import eventually
from tests.reader.cards import NullCard
from ushield.reader import control, remote
from ushield.reader.card import CardPort
from ushield.reader.control import LONGEST_LINE, Control, ControlServer, Lines
from ushield.reader.keeper import Keeper, Moved, Token, TokenError
from ushield.reader.remote import ControlError, ask
from ushield.reader.service import PcscService, ReaderSpec


class Shelf:
    """Tokens at paths, and which of them are open."""

    def __init__(self) -> None:
        self.open: list[str] = []

    def token_at(self, path: Path) -> Token:
        return Token(str(path), lambda: self._opened(path))

    @contextmanager
    def _opened(self, path: Path) -> Iterator[CardPort]:
        if path.name == "locked":
            raise TokenError(f"{path} is in use:\nstop it")
        if path.name == "broken":
            raise RuntimeError("a fault")
        self.open.append(path.name)
        try:
            yield NullCard()
        finally:
            self.open.remove(path.name)


class Room:
    """A service that has not started, which is enough for its readers."""

    def __init__(self, *names: str) -> None:
        self.shelf = Shelf()
        self.told: list[str] = []
        self.service = PcscService([ReaderSpec(name) for name in names])
        self.keeper = Keeper(self.service, self.told.append)
        self.control = Control(self.keeper, self.shelf.token_at)

    def __call__(self, **request: Any) -> dict[str, Any]:
        return self.line(json.dumps(request).encode())

    def line(self, line: bytes | None) -> dict[str, Any]:
        answer = self.control.answer(line)
        assert answer.count(b"\n") == 1 and answer.endswith(b"\n")
        fields: dict[str, Any] = json.loads(answer)
        return fields

    def refusal(self, **request: Any) -> str:
        answer = self(**request)
        assert answer.keys() == {"ok", "error"} and answer["ok"] is False
        return str(answer["error"])


@pytest.fixture
def one() -> Room:
    return Room("R")


@pytest.fixture
def two() -> Room:
    return Room("R", "S")


# --- what is done -----------------------------------------------------------------------------


def test_a_token_is_put_in_taken_out_and_put_back(one: Room) -> None:
    assert one(do="insert", token="/t/a") == {"ok": True, "reader": "R", "token": "/t/a"}
    assert one.shelf.open == ["a"]
    assert one(do="remove") == {"ok": True, "reader": "R", "token": "/t/a"}
    assert one.shelf.open == [], "its file is free while it is out"
    assert one(do="list")["readers"][0]["removed"] == "/t/a"
    assert one(do="insert") == {"ok": True, "reader": "R", "token": "/t/a"}
    assert one(do="reset") == {"ok": True, "reader": "R", "token": "/t/a"}
    assert one.shelf.open == ["a"]
    assert one.told == [
        "/t/a is in R",
        "/t/a is out of R",
        "/t/a is in R",
        "the card in R was reset",
    ]
    one.keeper.close()
    assert one.shelf.open == []


def test_what_list_says(two: Room) -> None:
    two(do="insert", reader="S", token="/t/a")
    assert two(do="list") == {
        "ok": True,
        "readers": [
            {
                "number": 0,
                "name": "R",
                "card": False,
                "atr": "",
                "token": None,
                "removed": None,
                "use": "free",
            },
            {
                "number": 1,
                "name": "S",
                "card": True,
                "atr": "3b00",
                "token": "/t/a",
                "removed": None,
                "use": "free",
            },
        ],
    }


def test_a_reader_by_number_by_name_or_the_only_one_that_can_be_meant(two: Room) -> None:
    assert two(do="insert", reader=1, token="/t/a")["reader"] == "S"
    assert two(do="insert", token="/t/b")["reader"] == "R"
    assert "is empty" in two.refusal(do="insert", token="/t/c")
    assert "name one: R, S" in two.refusal(do="remove")
    assert two(do="remove", reader="S")["token"] == "/t/a"
    assert two(do="reset")["reader"] == "R"
    assert two(do="remove")["reader"] == "R"
    assert "no reader holds" in two.refusal(do="remove")
    assert "name one" in two.refusal(do="insert")


def test_refusals(one: Room) -> None:
    assert "there is no card in R" in one.refusal(do="remove")
    assert "no card in R" in one.refusal(do="reset")
    assert "no token was removed from R" in one.refusal(do="insert")
    assert "'S'; there are: R" in one.refusal(do="remove", reader="S")
    assert "7" in one.refusal(do="remove", reader=7)
    assert one.refusal(do="insert", token="/t/locked") == "/t/locked is in use: stop it"
    one(do="insert", token="/t/a")
    assert "/t/a is in R already" in one.refusal(do="insert", token="/t/b")
    assert one.shelf.open == ["a"]
    one(do="remove")
    assert "in use" in one.refusal(do="insert", token="/t/locked")
    assert one(do="insert")["token"] == "/t/a", "a refusal changes nothing"


def test_a_fault_is_logged_and_named_as_one(one: Room, caplog: pytest.LogCaptureFixture) -> None:
    assert "fault of the service" in one.refusal(do="insert", token="/t/broken")
    assert "RuntimeError" in caplog.text
    assert one(do="insert", token="/t/a")["ok"]


def test_a_card_that_python_put_in_is_seen_too(one: Room) -> None:
    one.service.insert("R", NullCard())
    (reader,) = one(do="list")["readers"]
    assert reader["card"] and reader["token"] is None
    assert "already" in one.refusal(do="insert", token="/t/a")
    assert one.shelf.open == []
    assert one(do="remove") == {"ok": True, "reader": "R", "token": None}


# --- what is no request -----------------------------------------------------------------------

NO_REQUESTS: tuple[bytes | None, ...] = (
    *(None, b"", b" ", b"{", b"list", b"\xff", b"\0", b'{"do": "list"} x', b"[" * LONGEST_LINE),
    *(b"null", b"[]", b'"list"', b"1", b"{}", b'{"do": 1}', b'{"do": null}', b'{"do": "eject"}'),
    *(b'{"do": "list", "reader": 0}', b'{"do": "remove", "token": "/t/a"}', b'{"Do": "list"}'),
    *(b'{"do": "remove", "reader": true}', b'{"do": "remove", "reader": 0.0}'),
    *(b'{"do": "remove", "reader": []}', b'{"do": "remove", "reader": {"a": 1}}'),
    *(b'{"do": "insert", "token": "t"}', b'{"do": "insert", "token": ""}'),
    *(b'{"do": "insert", "token": 1}', rb'{"do": "insert", "token": "/t\u0000"}'),
    *(rb'{"do": "insert", "token": "/t\ud800"}', '{"do": "list"}'.encode("utf-16")),
    *(
        b'{"do": "remove", "reader": ' + b"9" * 5000 + b"}",
        rb'{"do": "remove", "reader": "\ud800"}',
    ),
)


@pytest.mark.parametrize("line", NO_REQUESTS, ids=lambda line: repr(line)[:40])
def test_what_is_no_request_is_refused(one: Room, line: bytes | None) -> None:
    one(do="insert", token="/t/a")
    answer = one.line(line)
    assert answer["ok"] is False and answer["error"]
    assert one.shelf.open == ["a"] and one(do="list")["readers"][0]["card"]


ANYTHING = st.one_of(
    st.binary(),
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    ).map(lambda value: json.dumps(value).encode()),
    st.fixed_dictionaries(
        {"do": st.sampled_from(["list", "insert", "remove", "reset"])},
        optional={"reader": st.integers() | st.text(), "token": st.text()},
    ).map(lambda value: json.dumps(value).encode()),
)


@given(ANYTHING)
def test_anything_is_answered(line: bytes) -> None:
    answer = Room("R").line(line)
    assert answer["ok"] or set(answer) == {"ok", "error"}
    assert "fault" not in answer.get("error", "")


@given(st.lists(st.binary(max_size=20).map(lambda line: line.replace(b"\n", b""))), st.data())
def test_lines_come_out_whole_however_they_are_cut(lines: list[bytes], data: st.DataObject) -> None:
    stream = b"".join(line + b"\n" for line in lines)
    splitter, found = Lines(), list[bytes | None]()
    while stream:
        cut = data.draw(st.integers(1, len(stream)))
        found += splitter.feed(stream[:cut])
        stream = stream[cut:]
    assert found == lines


def test_a_line_too_long_is_forgotten_and_the_next_one_is_not() -> None:
    lines = Lines()
    longest = b"a" * LONGEST_LINE
    assert list(lines.feed(longest + b"\nb\n")) == [longest, b"b"]
    assert list(lines.feed(longest)) == []
    assert list(lines.feed(b"a")) == []
    assert list(lines.feed(longest)) == []
    assert list(lines.feed(b"a\nb\n" + longest + b"a\n")) == [None, b"b", None]


# --- the socket -------------------------------------------------------------------------------


@pytest.fixture
def at(tmp_path: Path, one: Room) -> Iterator[Path]:
    """Where the control socket is."""
    path = tmp_path / "control"
    with ControlServer(path, one.control):
        yield path
    assert not path.exists()


def call(path: Path, *pieces: bytes) -> socket.socket:
    line = socket.socket(socket.AF_UNIX)
    line.settimeout(10)
    line.connect(str(path))
    for piece in pieces:
        line.sendall(piece)
    return line


def answers(line: socket.socket, count: int = 1) -> list[dict[str, Any]]:
    with line.makefile("rb") as lines:
        return [json.loads(lines.readline()) for _ in range(count)]


def test_it_is_the_users_own(at: Path) -> None:
    assert stat.S_IMODE(at.stat().st_mode) == 0o600


def test_requests_in_pieces_and_several_at_once(at: Path) -> None:
    with call(
        at, b'{"do": ', b'"list"}\n', b'{"do": "list"}\n{"do":\n{"do": "list"}\n{"do'
    ) as line:
        assert [answer["ok"] for answer in answers(line, 4)] == [True, True, False, True]


def test_a_line_without_end_is_refused_and_the_line_goes_on(at: Path) -> None:
    with call(at, *[b"x" * LONGEST_LINE] * 50, b'\n{"do": "list"}\n') as line:
        first, second = answers(line, 2)
    assert "at most" in first["error"] and second["ok"]


def test_strangers_and_too_many_are_hung_up_on(at: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(control, "trusted", lambda line: False)
    with call(at) as line:
        assert line.recv(1) == b""
    monkeypatch.undo()
    crowd = [call(at, b'{"do": "list"}\n') for _ in range(64)]
    for line in crowd:
        assert answers(line)[0]["ok"]
    with call(at) as line:
        assert line.recv(1) == b""
    for line in crowd:
        line.close()
    eventually(lambda: answered(at), "there is room again")


def answered(at: Path) -> bool:
    with call(at, b'{"do": "list"}\n') as line:
        return line.recv(1) == b"{"


def test_the_silent_and_those_who_hang_up_early_harm_nobody(at: Path) -> None:
    with call(at), call(at, b"half"):
        call(at, b'{"do": "list"}\n').close()
        assert answered(at)


def test_it_ends_at_once_with_clients_connected(tmp_path: Path, one: Room) -> None:
    path = tmp_path / "control"
    with ControlServer(path, one.control):
        line = call(path, b'{"do": "list"}\n{"do')
        assert answers(line)[0]["ok"]
    assert line.recv(1) == b""
    line.close()
    assert not [thread for thread in threading.enumerate() if thread.name == "ushield-control"]


# --- the client -------------------------------------------------------------------------------


@pytest.fixture
def service(tmp_path: Path) -> Path:
    return tmp_path / "pcscd.comm"


@pytest.mark.parametrize("name", ["control", "pcscd.comm.control"])
def test_asking(tmp_path: Path, service: Path, one: Room, name: str) -> None:
    with ControlServer(tmp_path / name, one.control):
        assert ask(service, do="insert", token="/t/a")["reader"] == "R"
        with pytest.raises(ControlError, match="/t/a is in R already"):
            ask(service, do="insert", token="/t/b")
        link = tmp_path / "elsewhere" / "link"
        link.parent.mkdir()
        link.symlink_to(service)
        assert ask(link, do="list")["ok"]
        path = os.fsdecode(b"/t/\xff\n\xc3\xa9")
        ask(service, do="remove")
        assert ask(service, do="insert", token=path)["token"] == path


def test_asking_nobody(tmp_path: Path, service: Path) -> None:
    with pytest.raises(ControlError, match="has it ended"):
        ask(service, do="list")
    service.touch()
    with pytest.raises(ControlError, match="no service of ushield"):
        ask(service, do="list")
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(tmp_path / "control"))
    with pytest.raises(ControlError, match=r"no service answers at .*: Connection refused"):
        ask(service, do="list")


def test_a_service_that_is_stopped_is_not_waited_for_long(
    tmp_path: Path, service: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert remote.LIST_SECONDS <= 10
    monkeypatch.setattr(remote, "LIST_SECONDS", 0.1)
    with socket.socket(socket.AF_UNIX) as stopped:
        stopped.bind(str(tmp_path / "control"))
        stopped.listen()
        with pytest.raises(ControlError, match=r"the service at .* does not answer"):
            ask(service, do="list")


def test_a_service_at_work_is_waited_for(
    tmp_path: Path, service: Path, one: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    def slowly(_reader: str | int | None) -> Moved:
        time.sleep(0.3)
        return Moved("R", None)

    monkeypatch.setattr(remote, "LIST_SECONDS", 0.1)
    monkeypatch.setattr(one.keeper, "remove", slowly)
    with ControlServer(tmp_path / "control", one.control):
        assert ask(service, do="remove")["reader"] == "R"


@pytest.mark.parametrize(
    ("says", "error"),
    [(b"", "hung up"), (b"hello\n", "hung up"), (b"[]\n", "hung up"), (b"{}\n", "language")],
)
def test_asking_somebody_else(tmp_path: Path, service: Path, says: bytes, error: str) -> None:
    with socket.socket(socket.AF_UNIX) as other:
        other.bind(str(tmp_path / "control"))
        other.listen()

        def answer() -> None:
            line, _ = other.accept()
            with line:
                line.recv(100)
                line.sendall(says)

        thread = threading.Thread(target=answer)
        thread.start()
        with pytest.raises(ControlError, match=error):
            ask(service, do="list")
        thread.join()
