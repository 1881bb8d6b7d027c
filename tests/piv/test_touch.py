"""PIV keys that want a press, by Yubico's touch policy, and what else asks on a token of both."""

from __future__ import annotations

import hashlib

import pytest

from apdu.payload import (
    Asked,
    ConsentReport,
    ConsentSettings,
    Outcome,
    build_consent_report,
    build_consent_settings,
)
from applet.os.panel import Signal
from applet.os.store import MemoryStore
from tests.consent.panel import ScriptedPanel, always, one_by_one
from tests.piv.cards import P_256, RSA_1024, PivChip, ec_key, ec_parts, encoded, padded

DIGEST = hashlib.sha256(b"order").digest()
NEVER, ALWAYS, CACHED = 1, 2, 3
ALL = Asked.PIN_CHANGE | Asked.DELETION | Asked.LAST_TRIES


@pytest.fixture
def panel() -> ScriptedPanel:
    return ScriptedPanel()


def card(panel: ScriptedPanel | None, asked: Asked | None = None) -> PivChip:
    """A card from the factory, whose token asks for these things."""
    store = MemoryStore()
    if asked is not None:
        settings = build_consent_settings(ConsentSettings(asked=asked))
        store.put("consent/settings", settings)
        store.commit()
    chip = PivChip(store, panel=panel)
    chip.administer()
    return chip


def signs(chip: PivChip, slot: int, algorithm: int = P_256) -> str:
    block = DIGEST if algorithm == P_256 else padded(DIGEST, 128)
    return f"{chip.try_to_ask(algorithm, slot, response=b'', challenge=block)[1]:04X}"


@pytest.mark.parametrize("touch", [ALWAYS, CACHED])
def test_a_press_is_for_one_use(panel: ScriptedPanel, touch: int) -> None:
    chip = card(panel)
    chip.generate(0x9A, P_256, touch_policy=touch)
    chip.verify()
    panel.press = one_by_one([Signal.CONFIRM, Signal.CANCEL, Signal.TIMED_OUT])
    assert [signs(chip, 0x9A) for _ in range(3)] == ["9000", "6985", "6985"]
    assert panel.text[0] == "Sign, key 9A"
    assert len(panel.questions) == 3


def test_an_imported_key(panel: ScriptedPanel) -> None:
    chip = card(panel)
    assert chip.bring(0x9E, P_256, ec_parts(ec_key(P_256)), touch_policy=ALWAYS) == 0x9000
    assert signs(chip, 0x9E) == "9000"
    assert len(panel.questions) == 1


def test_what_is_said_of_each_use(panel: ScriptedPanel) -> None:
    chip = card(panel)
    chip.generate(0x9D, P_256, touch_policy=ALWAYS)
    chip.generate(0x82, RSA_1024, touch_policy=ALWAYS)
    chip.verify()
    peer = encoded(ec_key(P_256))
    chip.ask(P_256, 0x9D, response=b"", point=peer)
    assert signs(chip, 0x82, RSA_1024) == "9000"
    first = [screen.lines[0] for screen in panel.drawn]
    assert first == ["Agree, key 9D", "Use key 82"]
    digits = DIGEST[:8].hex().upper()
    assert panel.drawn[1].lines[1] == f" {digits[:4]} {digits[4:8]} {digits[8:12]}"


@pytest.mark.parametrize(
    ("signal", "outcome"),
    [
        (Signal.CONFIRM, Outcome.CONFIRMED),
        (Signal.CANCEL, Outcome.CANCELLED),
        (Signal.TIMED_OUT, Outcome.TIMED_OUT),
    ],
)
def test_how_a_question_ended_is_told_until_the_next_command(
    panel: ScriptedPanel, signal: Signal, outcome: Outcome
) -> None:
    chip = card(panel)
    chip.generate(0x9A, P_256, touch_policy=ALWAYS)
    chip.verify()
    panel.press = always(signal)
    signs(chip, 0x9A)
    told = build_consent_report(ConsentReport(outcome))
    assert [chip.ok("00 CA 01 B4 00") for _ in range(2)] == [told, told]
    chip.ok("00 FD 00 00 00")
    assert chip.ok("00 CA 01 B4 00") == build_consent_report(ConsentReport())
    signs(chip, 0x9A)
    chip.card.reset()
    chip.ok("00 A4 04 00 [ A000000308 ]")
    assert chip.ok("00 CA 01 B4 00") == build_consent_report(ConsentReport())


def test_how_the_holder_is_asked_is_told(panel: ScriptedPanel) -> None:
    settings = build_consent_settings(ConsentSettings(asked=ALL))
    assert card(panel, ALL).ok("00 CA 01 B5 00") == settings


@pytest.mark.parametrize("touch", [None, 0, NEVER])
def test_others_want_none(panel: ScriptedPanel, touch: int | None) -> None:
    chip = card(panel)
    chip.generate(0x9A, P_256, **({} if touch is None else {"touch_policy": touch}))
    chip.verify()
    assert signs(chip, 0x9A) == "9000"
    assert not panel.questions


def test_what_is_refused_anyway_asks_nobody(panel: ScriptedPanel) -> None:
    chip = card(panel)
    chip.generate(0x9A, P_256, touch_policy=ALWAYS)
    assert signs(chip, 0x9A) == "6982"
    chip.verify()
    assert chip.try_to_ask(P_256, 0x9A, response=b"", challenge=bytes(65))[1] == 0x6A80
    assert not panel.questions


def test_the_rule_is_kept_moved_and_told(panel: ScriptedPanel) -> None:
    chip = card(panel)
    chip.generate(0x9A, P_256, touch_policy=CACHED)
    assert bytes.fromhex("02020203") in chip.ok("00 F7 00 9A 00")
    chip.ok("00 F6 83 9A")
    assert bytes.fromhex("02020203") in chip.ok("00 F7 00 83 00")
    again = PivChip(chip.store, panel=panel)
    again.verify()
    assert signs(again, 0x83) == "9000"
    assert len(panel.questions) == 1


@pytest.mark.parametrize("touch", [4, 0xFF])
def test_policies_that_there_are_not(panel: ScriptedPanel, touch: int) -> None:
    chip = card(panel)
    assert chip.bring(0x9A, P_256, ec_parts(ec_key(P_256)), touch_policy=touch) == 0x6A80


def test_without_a_button_no_such_key_is_made() -> None:
    chip = card(None)
    for touch in (ALWAYS, CACHED):
        assert chip.bring(0x9A, P_256, ec_parts(ec_key(P_256)), touch_policy=touch) == 0x6A81


def test_a_key_that_was_made_with_a_button_never_works_without() -> None:
    chip = card(ScriptedPanel())
    chip.generate(0x9A, P_256, touch_policy=ALWAYS)
    again = PivChip(chip.store)
    again.verify()
    assert signs(again, 0x9A) == "6985"


def test_a_new_pin_and_the_last_tries(panel: ScriptedPanel) -> None:
    chip = card(panel, ALL)
    panel.press = always(Signal.CANCEL)
    assert chip.sw("00 24 00 80 [ {pin} {pin} ]") == "6985"
    assert chip.sw("00 2C 00 80 [ {puk} {pin} ]") == "6985"
    assert panel.text == ["Change PIN PIV", "Tries left", " 6"] * 2
    for left in (5, 4, 3, 2):
        assert chip.sw("00 20 00 80 [ {wrong} ]") == f"63C{left}"
    assert chip.sw("00 20 00 80 [ {wrong} ]") == "6985"
    assert chip.sw("00 20 00 80") == "63C2", "a try that was cancelled was not spent"
    panel.press = ScriptedPanel().press
    chip.ok("00 20 00 80 [ {pin} ]")


def test_a_key_or_a_certificate_that_would_be_lost(panel: ScriptedPanel) -> None:
    chip = card(panel, ALL)
    chip.generate(0x9A, P_256)
    assert chip.put(0x5FC105, b"certificate") == 0x9000
    assert not panel.questions
    panel.press = always(Signal.CANCEL)
    assert chip.put(0x5FC105, b"") == 0x6985
    assert chip.bring(0x9A, P_256, ec_parts(ec_key(P_256))) == 0x6985
    assert chip.sw("00 F6 FF 9A") == "6985"
    assert [screen.lines[0] for screen in panel.drawn] == [
        "Delete cert. 9A",
        "Replace key 9A",
        "Delete key 9A",
    ]
    assert chip.get(0x5FC105) == b"certificate"
    chip.verify()
    assert signs(chip, 0x9A) == "9000"
    panel.press = ScriptedPanel().press
    assert chip.put(0x5FC105, b"") == 0x9000
    chip.ok("00 F6 FF 9A")


def test_a_card_of_the_first_generation_asks_nobody(panel: ScriptedPanel) -> None:
    chip = card(panel)
    chip.generate(0x9A, P_256)
    chip.generate(0x9A, P_256)
    chip.ok("00 24 00 80 [ {pin} {pin} ]")
    assert not panel.questions
