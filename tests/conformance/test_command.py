"""The command: targets, exit codes, reports, and what a user can do wrong."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from tests.cli.program import COMMAND, PIN, SECRETS, Done, environment, ok, run
from tests.conformance.cards import DIALOGUES, Altered, own
from tests.pcscd import Pcscd
from ushield.reader.service import PcscService, ReaderSpec
from vectors.loader import FOLDER

READER = "A reader of a test"
OURS = {"USHIELD_PIN": "123456", "USHIELD_PUK": "12345678", "USHIELD_SO_PIN": "87654321"}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A token with the keys that dialogues ask for, and PINs of its own."""
    path = tmp_path_factory.mktemp("made") / "my.token"
    ok("init", path, "--key", "rsa2048:sign", "--key", "rsa2048:decipher", "--key", "p256")
    return path


@pytest.fixture
def service() -> Iterator[PcscService]:
    with PcscService([ReaderSpec(READER)]) as running:
        yield running


def judged(*arguments: str | Path, **variables: str) -> Done:
    """A run with the PINs of the vectors' own token."""
    return run("conformance", *arguments, **OURS, **variables)  # type: ignore[arg-type]


def refused(*arguments: str | Path, **changes: str | None) -> str:
    """The one line of a run that could not be."""
    done = run("conformance", *arguments, **changes)  # type: ignore[arg-type]
    assert done.code == 2, (done.code, done.error)
    assert done.error.startswith("ushield: ") and done.error.count("\n") == 1, done.error
    return done.error


def test_without_a_card_a_fresh_token_is_judged_and_reported(tmp_path: Path) -> None:
    files = {kind: tmp_path / f"report.{kind}" for kind in ("json", "junit", "html")}
    options = [part for kind, path in files.items() for part in (f"--{kind}", path)]
    done = ok("conformance", "--destructive", *options)
    assert done.text.splitlines()[-1] == (
        f"a fresh token in memory: {len(DIALOGUES)} passed of {len(DIALOGUES)} dialogues"
    )
    assert json.loads(files["json"].read_text())["counts"]["passed"] == len(DIALOGUES)
    assert ET.parse(files["junit"]).getroot().attrib["tests"] == str(len(DIALOGUES))
    assert "a fresh token in memory" in files["html"].read_text()
    assert "progress" not in done.error and not done.error


@pytest.mark.parametrize(
    ("patterns", "wanted"),
    [
        (["verify-*"], lambda d: d.id.startswith("verify-")),
        (["pin"], lambda d: d.topic == "pin"),
        (
            ["ISO 7816-8*", "case-1"],
            lambda d: d.clause.startswith("ISO 7816-8") or d.id == "case-1",
        ),
    ],
    ids=["id", "topic", "clause and id"],
)
def test_some_are_selected(patterns: list[str], wanted: object, tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    options = [part for pattern in patterns for part in ("--select", pattern)]
    ok("conformance", *options, "--json", report)
    held = [entry["id"] for entry in json.loads(report.read_text())["dialogues"]]
    assert held == [dialogue.id for dialogue in DIALOGUES.values() if wanted(dialogue)]  # type: ignore[operator]


def test_an_image_is_judged_by_copies_and_stays_as_it_is(made: Path, tmp_path: Path) -> None:
    before, report = made.read_bytes(), tmp_path / "report.json"
    ok("conformance", "--token", made, "--destructive", "--json", report)
    document = json.loads(report.read_text())
    assert document["counts"]["passed"] > 300
    assert made.read_bytes() == before and [made.name] == os.listdir(made.parent)
    reasons = {e["reason"] for e in document["dialogues"] if e["verdict"] == "skipped"}
    assert "the card does not have the PIV application" in reasons


def test_without_a_pin_what_needs_it_is_skipped(made: Path) -> None:
    done = ok("conformance", "--token", made, USHIELD_PIN=None, USHIELD_PUK=None)
    assert "the PIN was not given" in done.text


def test_a_wrong_pin_is_told_and_not_shown(made: Path) -> None:
    done = ok("conformance", "--token", made, USHIELD_PIN="99887766")
    assert "the PIN that was given is refused" in done.text and "99887766" not in done.text


def test_a_card_in_a_reader_of_our_service(
    service: PcscService, made: Path, tmp_path: Path
) -> None:
    service.insert(READER, own())
    report = tmp_path / "report.json"
    done = judged("--reader", "of a test", "--json", report, **service.environment)
    assert done.code == 0, done.text
    document = json.loads(report.read_text())
    assert document["subject"] == READER and document["counts"]["passed"] > 400


def test_a_card_in_pcscd(pcscd: Pcscd, tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    with pcscd.plugged(own()) as plugged:
        done = judged("--reader", plugged.reader, "--json", report)
    assert done.code == 0, done.text
    assert json.loads(report.read_text())["counts"]["passed"] > 400


def test_a_fault_is_exit_code_1_and_decoded(service: PcscService, tmp_path: Path) -> None:
    def lie(command: bytes, answer: bytes) -> bytes:
        return b"\x90\x00" if command[:2] == b"\x80\x84" else answer

    service.insert(READER, Altered(own(), lie))
    done = judged("--reader", READER, **service.environment)
    assert done.code == 1 and not done.error
    assert "failed class-proprietary: " in done.text
    assert "expected status word 6E00, got 9000" in done.text


def test_a_card_that_is_pulled_out_leaves_a_report(service: PcscService, tmp_path: Path) -> None:
    """It is pulled when the run has come to a certain command, whatever the time."""
    reached = threading.Event()

    def tell(command: bytes, answer: bytes) -> bytes:
        if command[:4] == bytes.fromhex("00840001"):
            reached.set()
        return answer

    def pull() -> None:
        reached.wait()
        service.remove(READER)

    report = tmp_path / "report.json"
    service.insert(READER, Altered(own(), tell))
    thread = threading.Thread(target=pull)
    thread.start()
    done = judged("--reader", READER, "--json", report, **service.environment)
    thread.join()
    assert done.code == 2, done.text
    assert "the run ended before its end" in done.text
    document = json.loads(report.read_text())
    assert document["stopped"] and document["counts"]["passed"] > 50
    assert len(document["dialogues"]) == len(DIALOGUES)


def test_the_dialogue_can_be_traced(tmp_path: Path) -> None:
    trace = tmp_path / "trace.jsonl"
    ok("conformance", "--select", "pin", "--trace", trace)
    text = trace.read_text()
    assert "VERIFY" in ok("trace", "show", trace).text
    assert b"123456".hex() not in text.lower()


def test_vectors_of_ones_own_and_what_can_be_wrong_with_them(tmp_path: Path) -> None:
    assert "no vector file" in refused("--vectors", tmp_path)
    mine = tmp_path / "mine.json"
    mine.write_text((FOLDER / "data.json").read_text())
    assert "mine" not in ok("conformance", "--vectors", tmp_path).error
    mine.write_text('{"topic": "t", "title": "T", "dialogues": [{"id": "x"}]}')
    line = refused("--vectors", tmp_path)
    assert "mine.json: dialogues[0]: 'clause' is missing" in line
    mine.write_bytes(b"\xff")
    assert "mine.json: byte 0: not UTF-8" in refused("--vectors", tmp_path)


def test_what_keeps_a_run_from_being_held_is_one_line(made: Path, tmp_path: Path) -> None:
    nothing = {"PCSCLITE_CSOCK_NAME": str(tmp_path / "nothing")}
    assert "PCSCLITE_CSOCK_NAME" in refused("--reader", "x", **nothing)
    assert "exclude" in refused("--reader", "x", "--token", made)
    assert "does not exist" in refused("--token", tmp_path / "none")
    assert "no dialogue is like" in refused("--select", "nonsense")
    assert "no report can be written" in refused("--html", tmp_path / "no" / "page.html")
    assert "no report can be written" in refused("--json", tmp_path)
    assert "No such file" in refused("--token", made, "--pin-file", tmp_path / "none")
    assert "8 at most" in refused("--token", made, USHIELD_PIN="1234567890")
    assert "hexadecimal" in refused("--token", made, USHIELD_MANAGEMENT_KEY="no key")
    letter = tmp_path / "letter"
    letter.write_text("dear bank")
    assert "not a token image" in refused("--token", letter)


def test_a_reader_that_is_not_there_or_has_no_card(service: PcscService) -> None:
    assert "no reader is called 'other'" in refused("--reader", "other", **service.environment)
    assert "no card" in refused("--reader", READER, **service.environment)


def test_an_image_in_use_is_not_read(made: Path) -> None:
    with closing(sqlite3.connect(made, isolation_level=None)) as connection:
        connection.execute("BEGIN EXCLUSIVE")
        assert "in use" in refused("--token", made)


def test_nothing_judged_is_no_success(made: Path) -> None:
    done = run("conformance", "--token", made, "--select", "piv-pin")
    assert done.code == 2 and "skipped of" in done.text


def test_ctrl_c_writes_the_report_of_what_was_done(service: PcscService, tmp_path: Path) -> None:
    reached = threading.Event()

    def signal(command: bytes, answer: bytes) -> bytes:
        if command[:4] == bytes.fromhex("00840001"):
            reached.set()
        return answer

    service.insert(READER, Altered(own(), signal))
    report = tmp_path / "report.json"
    command = [*COMMAND, "conformance", "--reader", READER, "--json", str(report)]
    variables = environment(**OURS, **service.environment)
    with subprocess.Popen(
        command, env=variables, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as program:
        reached.wait()
        program.send_signal(2)
        out, error = program.communicate(timeout=60)
    assert program.returncode == 2, (out, error)
    assert b"Traceback" not in error and b"interrupted" in out
    assert json.loads(report.read_text())["stopped"] == "it was interrupted"


def test_the_pin_of_a_failing_step_is_not_shown(service: PcscService, tmp_path: Path) -> None:
    """A card that refuses the right PIN in a dialogue, not when it is asked before."""
    asked = 0

    def refuse(command: bytes, answer: bytes) -> bytes:
        nonlocal asked
        asked += command[:5] == bytes.fromhex("0020000108")
        return b"\x69\x85" if command[:5] == bytes.fromhex("0020000108") and asked > 1 else answer

    card = Altered(own(), refuse)
    service.insert(READER, card)
    files = [tmp_path / name for name in ("r.json", "r.xml", "r.html")]
    options: list[str | Path] = ["--json", files[0], "--junit", files[1], "--html", files[2]]
    done = judged("--reader", READER, *options, **service.environment)
    assert done.code == 1 and "00 20 00 01 [ {pin} ]" in done.text
    for text in (done.text, *(path.read_text() for path in files)):
        assert b"123456\xff\xff".hex() not in text.replace(" ", "").lower()
        assert PIN not in text and SECRETS["USHIELD_PUK"] not in text
