"""`pytest --ushield-conformance`: the dialogues as tests of somebody's own card."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.testing.inner import Done, run_pytest
from ushield.reader.service import PcscService, ReaderSpec
from ushield.testing import TokenFactory
from vectors.loader import load_all
from vectors.profile import VALUES

DIALOGUES = load_all()
KEYS = ["rsa2048:sign", "rsa2048:decipher", "p256"]
OWN = "def test_own(): pass\n"


def a_token(kind: str = "", name: str = "") -> str:
    """A conftest with a token of ours as the card, a fresh one each time.

    With the code of a class and its name, the token's card is wrapped into that.
    """
    return f"""
import pytest

{kind}

@pytest.fixture
def ushield_card(ushield_token_factory):
    return {name}(ushield_token_factory(keys={KEYS}).card)

@pytest.fixture
def ushield_card_pins():
    return {{"pin": "123456", "puk": "12345678", "so_pin": "12345678"}}
"""


WRAPPER = """
class Wrapper:
    def __init__(self, card):
        self.power_on, self.reset, self.power_off = card.power_on, card.reset, card.power_off
        self.card, self.presented = card, 0
    def transmit(self, command):
        self.presented += command[:5] == bytes.fromhex("0020000108")
        if self.presented > {count} and command[:5] == bytes.fromhex("0020000108"):
            {what}
        return self.card.transmit(command)
"""
"""A card that does something else when the PIN is presented once more."""

# As little as a card can be: it knows a challenge, and only that.
A_CARD_OF_ONES_OWN = """
import os
import pytest

class Card:
    def power_on(self): return bytes.fromhex("3B00")
    def reset(self): return bytes.fromhex("3B00")
    def power_off(self): pass
    def transmit(self, command):
        if command[:4] != bytes.fromhex("00840000"): return bytes.fromhex("6D00")
        if len(command) != 5: return bytes.fromhex("6A80")
        return os.urandom(command[4]) + bytes.fromhex("9000")

@pytest.fixture(scope="session")
def ushield_card():
    return Card()
"""


def session(folder: Path, conftest: str, *options: str, **variables: str) -> Done:
    """A session with the option; the conftest stands where the tests are."""
    (folder / "conftest.py").write_text(conftest)
    return run_pytest(folder, OWN, "--ushield-conformance", *options, variables=variables)


def counts(done: Done) -> dict[str, int]:
    return {word: int(count) for count, word in re.findall(r"(\d+) (\w+)", done.outcomes)}


def test_a_card_by_a_fixture_is_judged_beside_the_tests_of_ones_own(tmp_path: Path) -> None:
    done = session(tmp_path, a_token(), "-rs")
    assert done.code == 0, done.text
    assert counts(done).keys() == {"passed", "skipped"}
    assert sum(counts(done).values()) == len(DIALOGUES) + 1
    assert counts(done)["passed"] > 300
    assert "the card does not have the PIV application" in done.text


def test_without_the_option_there_are_none(tmp_path: Path) -> None:
    (tmp_path / "conftest.py").write_text(a_token())
    assert run_pytest(tmp_path, OWN).outcomes == "1 passed"


def test_faults_are_failures_that_are_decoded(tmp_path: Path) -> None:
    done = session(tmp_path, A_CARD_OF_ONES_OWN, "-rN")
    assert done.code == 1, done.text
    assert counts(done)["failed"] > 3 and counts(done)["passed"] > 3
    told = done.text.partition("test_dialogue[data/challenge-wrong] ")[2]
    assert "GET CHALLENGE" in told and "expected status word 6700" in told
    assert "runner.py" not in done.text and "Traceback" not in done.text


def test_they_are_selected_as_other_tests_are(tmp_path: Path) -> None:
    done = session(tmp_path, a_token(), "-k", "pin/verify-right or test_own", "-v")
    right = [one for one in DIALOGUES if f"{one.topic}/{one.id}".startswith("pin/verify-right")]
    assert counts(done)["passed"] == len(right) + 1, done.text
    assert "ushield-conformance::test_dialogue[pin/verify-right] PASSED" in done.text


def test_destructive_ones_are_asked_for(tmp_path: Path) -> None:
    option = "--ushield-conformance-destructive"
    done = session(tmp_path, a_token(), option, "-v", "-k", "life-cycle/")
    assert counts(done)["passed"] > 15, done.text
    assert "life-cycle/life-terminate] PASSED" in done.text


@pytest.mark.parametrize("where", ["tests", "tests/test_there.py", "tests/test_there.py::test_it"])
def test_the_conftest_of_the_folder_that_is_named_counts(tmp_path: Path, where: str) -> None:
    folder = tmp_path / "tests"
    folder.mkdir()
    (folder / "conftest.py").write_text(a_token())
    (folder / "test_there.py").write_text("def test_it(): pass\n")
    done = run_pytest(tmp_path, OWN, "--ushield-conformance", where, "-k", "verify-ask or test_it")
    assert done.code == 0 and counts(done)["passed"] >= 2, done.text


def test_with_xdist_too(tmp_path: Path) -> None:
    done = session(tmp_path, a_token(), "-n", "2", "-k", "pin/")
    assert done.code == 0 and counts(done)["passed"] > 20, done.text


def test_a_project_that_names_its_tests_otherwise(tmp_path: Path) -> None:
    (tmp_path / "pytest.ini").write_text("[pytest]\npython_functions = check_*\n")
    done = session(tmp_path, a_token(), "-k", "verify-right")
    assert counts(done)["passed"] >= 1, done.text


def test_a_card_in_a_reader(tmp_path: Path) -> None:
    with (
        TokenFactory(keys=KEYS) as tokens,
        PcscService([ReaderSpec("A reader of a test")]) as service,
    ):
        service.insert(0, tokens().into_reader())
        done = session(
            tmp_path,
            "",
            "--ushield-conformance-reader=of a test",
            *("-k", "pin/ or select/"),
            **service.environment,
            USHIELD_PIN="123456",
            USHIELD_PUK="12345678",
        )
    assert done.code == 0, done.text
    assert counts(done)["passed"] > 30


def test_no_card_is_one_line(tmp_path: Path) -> None:
    done = session(tmp_path, "")
    assert done.code == pytest.ExitCode.USAGE_ERROR
    assert "Override the fixture ushield_card" in done.text and "Traceback" not in done.text
    nothing = {"PCSCLITE_CSOCK_NAME": str(tmp_path / "nothing")}
    done = session(tmp_path, "", "--ushield-conformance-reader", "x", **nothing)
    assert done.code == pytest.ExitCode.USAGE_ERROR
    assert "--ushield-conformance-reader: reaching the service" in done.text


@pytest.mark.parametrize(
    ("pins", "words"),
    [({"pin": "1" * 9}, "8 at most"), ({"pni": "123456"}, "unexpected keyword argument 'pni'")],
)
def test_pins_that_are_none_are_one_line(tmp_path: Path, pins: dict[str, str], words: str) -> None:
    own_pins = f"\n@pytest.fixture\ndef ushield_card_pins(): return {json.dumps(pins)}\n"
    done = session(tmp_path, A_CARD_OF_ONES_OWN + own_pins)
    assert done.code == pytest.ExitCode.USAGE_ERROR, done.text
    assert words in done.text and "1" * 9 not in done.text


def test_a_card_that_raises_is_shown_where_it_does(tmp_path: Path) -> None:
    broken = A_CARD_OF_ONES_OWN.replace("os.urandom(command[4])", "os.urandom(command[400])")
    done = session(tmp_path, broken, "-k", "command-cases/case-2s", "-rN")
    assert done.code == 1 and "IndexError" in done.text and "conftest.py" in done.text


def test_a_card_that_raises_at_the_pin_does_not_show_it(tmp_path: Path) -> None:
    wrapper = WRAPPER.format(count=0, what="return {}[0]")
    card = a_token(wrapper, "Wrapper")
    done = session(tmp_path, card, "-k", "pin/verify-right", "--showlocals", "-rN")
    assert done.code == 1 and "KeyError" in done.text
    assert "123456" not in done.text


def test_pins_are_in_no_report(tmp_path: Path) -> None:
    wrapper = WRAPPER.format(count=1, what='return bytes.fromhex("6985")')
    done = session(
        tmp_path, a_token(wrapper, "Wrapper"), "-k", "pin/verify", "--junitxml=report.xml"
    )
    assert counts(done)["failed"] > 5, done.text
    told = done.text + (tmp_path / "report.xml").read_text()
    assert "{pin}" in told
    assert VALUES["pin"].hex() not in told.replace(" ", "").lower()
