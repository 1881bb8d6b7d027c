"""Rules that press the buttons: what they may say, when they hold, and who carries them out."""

from __future__ import annotations

import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apdu.payload import Outcome
from applet.os.panel import Signal
from tests.display.question import ORDER, SHORT, Question, asked
from tests.display.test_reading import read_on
from ushield.device.display.hand import Hand
from ushield.device.display.model import LCD
from ushield.device.display.panel import Panel
from ushield.device.display.reading import Reading
from ushield.device.display.script import Script, ScriptError, parse_script

READING = read_on(ORDER, LCD)

HOLD = [
    "payee == 'Li Lei'",
    'payee == "LiLei"',
    "payee_account == '6222000000000002'",
    "payee_account == '6222 0000 0000 0002' and amount < 1000.01",
    "amount == 1000",
    "1000 == amount",
    "amount == '1,000.00 CNY'",
    "999.99 < amount <= 1000",
    "amount != 1001",
    "title == 'Transfer'",
    "'rent of the house' in text",
    "'CNY' in amount",
    "payee in ['Han Meimei', 'Li Lei']",
    "payee not in ('Mallory', 'Han Meimei')",
    "not payee == 'Mallory'",
    "payee == 'Mallory' or (amount < 5 or amount > 999)",
    "not (payer == 'x') and not (payer != 'x')",
]
FAIL = [
    "payee == 'Mallory'",
    "amount >= 1000.01",
    "amount < 5 and payee == 'Li Lei'",
    "payee < 5",
    "payee == 5",
    "payer == 'x'",
    "payer != 'x'",
    "payer not in ['x']",
    "amount != 1000.0",
    "'house' in payee",
    "5 in amount",
    "payee in 5",
]
WRONG = [
    "press the button",
    "Confirm",
    "confirm when payee == 'x'",
    "confirm if",
    "confirm if payee",
    "confirm if 1",
    "confirm if payee = 'x'",
    "confirm if payee == ",
    "confirm if payee is 'x'",
    "confirm if __import__('os').system('true') == 0",
    "confirm if payee.upper() == 'X'",
    "confirm if payee.__class__ == 'x'",
    "confirm if payee[0] == 'x'",
    "confirm if amount + 1 < 5",
    "confirm if amount < -(-5)",
    "confirm if (lambda: 1)() == 1",
    "confirm if [x for x in payee] == 'x'",
    "confirm if f'{payee}' == 'x'",
    "confirm if payee == b'x'",
    "confirm if payee == None",
    "confirm if payee == True",
    "confirm if payee in [amount]",
    "confirm if payee in [[1]]",
    "confirm if amount == 1j",
    "confirm if (payee := 'x') == 'x'",
    "confirm if (" + "(" * 500 + "payee == 1" + ")" * 500 + ")",
    "confirm if payee == '\0'",
]


@pytest.mark.parametrize("condition", HOLD)
def test_conditions_that_hold(condition: str) -> None:
    assert parse_script(f"confirm if {condition}")(READING) is Signal.CONFIRM


@pytest.mark.parametrize("condition", FAIL)
def test_conditions_that_do_not_hold(condition: str) -> None:
    assert parse_script(f"confirm if {condition}")(READING) is None


@pytest.mark.parametrize("line", WRONG)
def test_lines_that_are_no_rules(line: str) -> None:
    with pytest.raises(ScriptError, match=r"^line 3: "):
        parse_script(f"# first\n\n{line}")


@given(st.text())
def test_whatever_is_written_is_a_script_or_refused(text: str) -> None:
    try:
        script = parse_script(f"confirm if {text}")
    except ScriptError:
        return
    assert script(READING) in (Signal.CONFIRM, Signal.CANCEL, None)


def test_the_first_rule_that_holds_counts() -> None:
    script = parse_script(
        """
        # people read this
        cancel if amount > 5000   # too much
        confirm if payee == "Li Lei"
        wait if payee == "Li Lei"
        cancel # nobody else
        """
    )
    assert script(READING) is Signal.CONFIRM
    assert script(Reading((), "Transfer", ())) is Signal.CANCEL
    assert parse_script("")(READING) is None
    assert parse_script("wait\nconfirm")(READING) is None


def test_labels_may_be_chinese() -> None:
    script = parse_script("confirm if 收款人 == '李雷'")
    assert len(script.rules) == 1
    assert script(READING) is None


# --- the hand -----------------------------------------------------------------------------------


@pytest.fixture
def panel() -> Panel:
    return Panel()


def test_it_reads_to_the_end_and_confirms(panel: Panel) -> None:
    seen: list[Reading] = []

    def decide(reading: Reading) -> str:
        seen.append(reading)
        return "confirm"

    Hand(panel).follow(decide)
    question = Question(panel, ORDER, 60)
    assert question.outcome() is Outcome.CONFIRMED
    assert seen == [READING]


def test_many_questions_one_after_the_other(panel: Panel) -> None:
    hand = Hand(panel)
    hand.follow(parse_script("cancel if tries_left < 3\nconfirm"))
    for _ in range(20):
        assert Question(panel, ORDER, 60).outcome() is Outcome.CONFIRMED
        assert Question(panel, SHORT, 60).outcome() is Outcome.CANCELLED
    assert hand.fault is None


def test_a_script_that_comes_in_the_middle(panel: Panel) -> None:
    with asked(panel) as question:
        panel.press_and_see(Signal.DOWN)
        panel.press_and_see(Signal.DOWN)
        Hand(panel).follow(parse_script("confirm if payee == 'Li Lei'"))
        assert question.outcome() is Outcome.CONFIRMED


def test_a_script_that_waits_leaves_the_buttons_to_others(panel: Panel) -> None:
    decided = threading.Event()

    def wait(_reading: Reading) -> None:
        decided.set()

    hand = Hand(panel)
    hand.follow(wait)
    with asked(panel) as question:
        assert decided.wait(10)
        hand.follow(parse_script("cancel"))
        assert question.outcome() is Outcome.CANCELLED


def test_a_hand_that_is_told_to_rest(panel: Panel) -> None:
    hand = Hand(panel)
    hand.follow(Script(()))
    hand.follow(None)
    with asked(panel) as question:
        assert question.stands
        panel.press(Signal.CANCEL)
        assert question.outcome() is Outcome.CANCELLED


@pytest.mark.parametrize("answer", ["perhaps", "gone", 5])
def test_a_script_that_fails_cancels(panel: Panel, answer: object) -> None:
    hand = Hand(panel)
    hand.follow(lambda _: answer)  # type: ignore[arg-type, return-value]
    assert Question(panel, ORDER, 60).outcome() is Outcome.CANCELLED
    assert isinstance(hand.fault, ValueError)


def test_the_hand_ends_with_the_panel(panel: Panel) -> None:
    before = set(threading.enumerate())
    Hand(panel).follow(parse_script("confirm"))
    (thread,) = set(threading.enumerate()) - before
    panel.close()
    thread.join(10)
    assert not thread.is_alive()
