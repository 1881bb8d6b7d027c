"""Dialogues held with cards that are right, wrong, odd, or gone."""

from __future__ import annotations

from collections import Counter

import pytest

from apdu.edge import PKCS15_AID, USER_PIN
from apdu.instruction import INS
from host.conformance.asking import Asking
from host.conformance.choose import WITHOUT_SELECT
from host.conformance.keys import has_file
from host.conformance.outcome import Outcome, Verdict
from host.conformance.runner import Examiner
from host.memory import MemoryTransport
from host.transport import CardPort
from tests.conformance.cards import (
    DIALOGUES,
    HARMLESS,
    OTHER_VALUES,
    Altered,
    Pulled,
    fresh,
    judged,
    kept,
    other,
    own,
    written,
)
from vectors.profile import VALUES

CHALLENGE = {"command": "00 84 00 00 08", "data": "??*8", "sw": "9000"}


def counted(outcomes: list[Outcome]) -> dict[Verdict, int]:
    return dict(Counter(outcome.verdict for outcome in outcomes))


def test_a_fresh_token_passes_all_there_is() -> None:
    examiner = Examiner(fresh(), VALUES, destructive=True)
    outcomes = list(examiner.hold_all(DIALOGUES.values()))
    assert [(o.dialogue.id, o.reason) for o in outcomes if o.verdict is not Verdict.PASSED] == []
    assert not examiner.warnings and not examiner.stopped


def test_without_being_asked_nothing_destructive_is_held() -> None:
    outcomes = list(Examiner(fresh(), VALUES).hold_all(DIALOGUES.values()))
    skipped = {o.dialogue.id for o in outcomes if o.verdict is Verdict.SKIPPED}
    assert skipped == {d.id for d in DIALOGUES.values() if "destructive" in d.needs}
    assert counted(outcomes) == {
        Verdict.PASSED: len(DIALOGUES) - len(skipped),
        Verdict.SKIPPED: len(skipped),
    }


def test_a_card_that_is_no_copy_is_left_as_it_was_and_passes_again() -> None:
    subject = kept(own())
    first, second = judged(subject, *HARMLESS), judged(subject, *HARMLESS)
    assert counted(first) == counted(second)
    assert counted(first).keys() == {Verdict.PASSED, Verdict.SKIPPED}
    assert counted(first)[Verdict.PASSED] > 0.9 * len(HARMLESS)
    reasons = {outcome.reason for outcome in first if outcome.verdict is Verdict.SKIPPED}
    assert any("spends the last try" in reason for reason in reasons)


def test_with_destructive_a_card_is_used_up_at_the_end() -> None:
    outcomes = judged(kept(own()), *DIALOGUES.values(), destructive=True)
    order = ["destructive" in outcome.dialogue.needs for outcome in outcomes]
    assert order == sorted(order)
    assert Verdict.FAILED not in counted(outcomes)
    assert "terminated" in outcomes[-1].reason


def test_a_fault_is_found_and_decoded() -> None:
    def lie(command: bytes, answer: bytes) -> bytes:
        return b"\x90\x00" if command[:4] == bytes.fromhex("002E0000") else answer

    def forgets_to_forget(command: bytes, answer: bytes) -> bytes:
        return b"\x90\x00" if command == bytes.fromhex("00200001") else answer

    card = Altered(own(), forgets_to_forget)
    (outcome,) = judged(kept(Altered(card, lie)), DIALOGUES["select-aid-unknown"])
    assert outcome.verdict is Verdict.SKIPPED and "asks for no PIN" in outcome.reason

    def short(command: bytes, answer: bytes) -> bytes:
        return answer[1:] if command == bytes.fromhex("0084000008") else answer

    (outcome,) = judged(kept(Altered(own(), short)), DIALOGUES["case-2s"])
    assert outcome.verdict is Verdict.FAILED
    assert outcome.reason == (
        "step 2: the data of 7 bytes does not match at byte 7: ends 1 byte too early"
    )
    faulty = outcome.steps[1]
    assert faulty.name == "GET CHALLENGE" and faulty.got == "9000, no error"
    assert faulty.expected == "9000, no error" and faulty.expected_data == "??*8"


def test_what_a_foreign_card_has_is_judged_and_the_rest_has_a_reason() -> None:
    """A card without PKCS#15, PIV and PINs: what knows neither is held without selecting."""
    card = Altered(own(), _bare)
    outcomes = judged(kept(card), *HARMLESS)
    held = [outcome for outcome in outcomes if outcome.verdict is not Verdict.SKIPPED]
    assert {"case-2s", "ins-unknown", "class-proprietary"} <= {o.dialogue.id for o in held}
    assert {o.verdict for o in held} <= {Verdict.PASSED, Verdict.FAILED}
    selecting = [o for o in held if o.dialogue.steps[0].command_text.startswith("00 A4 04 0C")]  # type: ignore[union-attr]
    assert {outcome.remark for outcome in selecting} == {WITHOUT_SELECT}
    assert all(outcome.reason for outcome in outcomes if outcome.verdict is Verdict.SKIPPED)


def _bare(command: bytes, answer: bytes) -> bytes:
    if command[1:2] in (b"\xa4", b"\xca", b"\xcb", b"\xb0"):
        return b"\x6a\x82"
    return b"\x6a\x88" if command[1:2] == b"\x20" else answer


@pytest.mark.parametrize(
    "garbage",
    [b"", b"\x90", b"\x61\x00", b"\x6c\x05", b"\xff" * 300, b"\x00\x00", b"\x90\x00", b"\x63\xc3"],
    ids=bytes.hex,
)
def test_a_card_that_answers_garbage_is_judged_all_the_same(garbage: bytes) -> None:
    card = Altered(own(), lambda _command, _answer: garbage[:40])
    examiner = Examiner([kept(card)], VALUES)
    outcomes = list(examiner.hold_all(HARMLESS))
    assert len(outcomes) == len(HARMLESS) and not examiner.stopped
    assert Verdict.BROKEN not in counted(outcomes)


def test_a_card_with_other_pins_passes_what_is_not_written_for_those_of_ours() -> None:
    outcomes = list(
        Examiner([other()], OTHER_VALUES, destructive=True).hold_all(DIALOGUES.values())
    )
    assert [(o.dialogue.id, o.reason) for o in outcomes if o.verdict is Verdict.FAILED] == []
    skipped = Counter(o.reason for o in outcomes if o.verdict is Verdict.SKIPPED)
    assert sum(skipped.values()) < 0.1 * len(outcomes), skipped


def test_no_secret_is_told_not_even_of_a_card_that_echoes() -> None:
    card = Altered(own(other()), lambda command, answer: command[5:] + answer)
    examiner = Examiner([kept(card)], OTHER_VALUES)
    outcomes = list(examiner.hold_all(HARMLESS))
    assert counted(outcomes)[Verdict.FAILED] > 20
    # Without a way that asks, the PINs go out all the same.
    wrong = Altered(own(other()), lambda _command, answer: b"\x00" + answer)
    quiet = Examiner([kept(wrong)], OTHER_VALUES)
    told = repr([*outcomes, *quiet.hold_all(HARMLESS), examiner.facts(), quiet.facts()])
    for name, value in OTHER_VALUES.items():
        assert value.hex().upper() not in told.replace(" ", ""), name
        assert value.rstrip(b"\xff").decode("latin-1") not in told, name


def test_a_card_that_is_pulled_out_ends_the_run_and_what_was_done_is_told() -> None:
    examiner = Examiner([kept(Pulled(own(), 500))], VALUES)
    outcomes = list(examiner.hold_all(HARMLESS))
    assert examiner.stopped == "the card was taken out of the reader"
    verdicts = [outcome.verdict for outcome in outcomes]
    broken = verdicts.index(Verdict.BROKEN)
    assert verdicts.count(Verdict.PASSED) > 10 and verdicts.count(Verdict.BROKEN) == 1
    assert {o.reason for o in outcomes[broken + 1 :]} == {f"not reached: {examiner.stopped}"}


def test_a_card_that_comes_back_is_asked_again_and_judged_on() -> None:
    card = Pulled(own(), 500)

    def revive() -> bool:
        card.left = 1_000_000
        return True

    examiner = Examiner([kept(card)], VALUES, revive=revive)
    outcomes = list(examiner.hold_all(HARMLESS))
    assert counted(outcomes)[Verdict.BROKEN] == 1 and not examiner.stopped
    assert len(examiner.warnings) == 1 and "came back" in examiner.warnings[0]
    assert Verdict.FAILED not in counted(outcomes)


def test_a_command_that_the_way_refuses_is_no_fault_of_the_card() -> None:
    class Picky(Altered):
        def transmit(self, command: bytes, /) -> bytes:
            if len(command) < 4 or command == bytes.fromhex("0084000009"):
                from host.errors import TransportError

                raise TransportError("the service reports 80100004")
            return super().transmit(command)

    card = Picky(own(), lambda _command, answer: answer)
    stump = written({"command": "00 84 00", "sw": "6700"})
    whole = written({"command": "00 84 00 00 09", "data": "*", "sw": "9000"})
    first, second, third = judged(kept(card), stump, whole, written(CHALLENGE))
    assert first.verdict is Verdict.SKIPPED and "the reader refuses it" in first.reason
    assert second.verdict is Verdict.BROKEN and "80100004" in second.reason
    assert third.verdict is Verdict.PASSED


def test_a_run_that_is_stopped_from_outside_finishes_the_dialogue_that_is_held() -> None:
    def stop(command: bytes, answer: bytes) -> bytes:
        if command == bytes.fromhex("0084000009"):
            examiner.stopped = "enough"
        return answer

    examiner = Examiner([kept(Altered(own(), stop))], VALUES)
    last = written({"command": "00 84 00 00 09", "data": "*", "sw": "9000"}, CHALLENGE)
    outcomes = list(examiner.hold_all([written(CHALLENGE), last, written(CHALLENGE)]))
    verdicts = [outcome.verdict for outcome in outcomes]
    assert verdicts == [Verdict.PASSED, Verdict.PASSED, Verdict.SKIPPED]
    assert outcomes[-1].reason == "not reached: enough"


def test_after_a_fault_what_was_changed_is_given_back() -> None:
    """A dialogue that sets a new PIN and then meets a fault sets the old one again."""

    def change(command: bytes, answer: bytes) -> bytes:
        return b"\x6f\x00" if command[:4] == bytes.fromhex("002E0000") else answer

    card: CardPort = Altered(own(), change)
    examiner = Examiner([kept(card)], VALUES)
    first, second = examiner.hold_all([DIALOGUES["change-pin"], DIALOGUES["verify-right"]])
    assert first.verdict is Verdict.FAILED and second.verdict is Verdict.PASSED
    assert not examiner.warnings


def test_what_a_dialogue_has_taken_from_a_card_is_told() -> None:
    """A card that sets the new PIN, and refuses to set the old one again."""
    changes = 0

    def change(command: bytes, answer: bytes) -> bytes:
        nonlocal changes
        changes += command[1] == 0x24
        return answer

    class Stubborn(Altered):
        def transmit(self, command: bytes, /) -> bytes:
            if command[1] == 0x24 and changes:
                return b"\x69\x85"
            return super().transmit(command)

    examiner = Examiner([kept(Stubborn(own(), change))], VALUES)
    first, second = examiner.hold_all([DIALOGUES["change-pin"], DIALOGUES["verify-right"]])
    assert first.verdict is Verdict.FAILED
    assert second.verdict is Verdict.SKIPPED and "refused" in second.reason
    assert examiner.warnings[0].startswith("since change-pin: the PIN that was given is refused")


def test_a_file_of_the_user_s_is_neither_a_fault_nor_deleted() -> None:
    """Dialogues make files of certain identifiers, and delete them."""
    card = own()
    ask = Asking(MemoryTransport(card).transmit)
    ask.select(PKCS15_AID)
    ask.command(INS.VERIFY, USER_PIN, VALUES["pin"])
    ask.command(INS.SELECT, 0x0800, bytes.fromhex("5015"))
    create = bytes.fromhex("6217 80020010 820101 83024F4F 86030111FF 85020000 8A0101")
    assert ask.command(INS.CREATE_FILE, 0, create).ok
    outcomes = judged(kept(card), *HARMLESS)
    assert Verdict.FAILED not in counted(outcomes)
    reasons = Counter(outcome.reason for outcome in outcomes)
    assert reasons["the card has a file 4F4F already"] >= 2
    assert has_file(Asking(MemoryTransport(card).transmit), 0x4F4F)


def test_after_a_fault_no_file_is_deleted_that_was_not_made() -> None:
    """The card refuses to make the file and has it all the same."""

    def refuse(command: bytes, answer: bytes) -> bytes:
        return b"\x6a\x89" if command[1] == INS.CREATE_FILE else answer

    card = Altered(own(), refuse)
    (outcome,) = judged(kept(card), DIALOGUES["file-life"])
    assert outcome.verdict is Verdict.FAILED and "6A89" in outcome.reason
    assert not any(command[1] == INS.DELETE_FILE for command in card.commands)


def test_a_card_of_another_kind_is_not_written_to() -> None:
    card = Altered(own(), _bare)
    judged(kept(card), *HARMLESS)
    writing = {INS.CREATE_FILE, INS.DELETE_FILE, INS.UPDATE_BINARY, INS.PUT_DATA, INS.GENERATE_KEY}
    assert not {command[1] for command in card.commands if len(command) > 1} & writing
