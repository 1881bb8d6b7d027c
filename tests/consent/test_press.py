"""Keys that want a press of Confirm for each use."""

from __future__ import annotations

import hashlib

import pytest

from applet.os.panel import Signal
from tests.chip.cards import DIGEST_INFO, Chip
from tests.consent.cards import PRESS_CRYPT, PRESS_CURVE, PRESS_RSA, create_key_file, generation_2
from tests.consent.panel import ScriptedPanel, always, one_by_one

DIGEST = hashlib.sha256(b"order").digest()
SIGN = "00 2A 9E 9A [ {data} ] 00"
LAST = "00 CA 01 B4 00"


@pytest.fixture
def panel() -> ScriptedPanel:
    return ScriptedPanel()


@pytest.fixture
def chip(panel: ScriptedPanel) -> Chip:
    chip = generation_2(panel)
    chip.verify()
    return chip


def prepare(chip: Chip) -> None:
    chip.environment("41 B6", "04", PRESS_CURVE)


def test_a_signature_is_made_after_confirm(chip: Chip, panel: ScriptedPanel) -> None:
    prepare(chip)
    signature = chip.ok(SIGN, data=DIGEST)
    assert panel.text == ["Sign, key 18", f" {_groups(DIGEST, 0)}", f" {_groups(DIGEST, 3)}"]
    assert panel.questions == [60]
    assert not panel.lit
    assert chip.ok(LAST) == b"\x01"
    chip.environment("81 B6", "04", PRESS_CURVE)
    chip.ok("00 2A 00 A8 [ 9E ( {s} ) 9A ( {d} ) ]", s=signature, d=DIGEST)


def _groups(digest: bytes, first: int) -> str:
    digits = digest[:8].hex().upper()
    groups = [digits[at : at + 4] for at in range(0, 16, 4)]
    return " ".join(groups[first : first + 3])


@pytest.mark.parametrize(
    ("signal", "outcome"),
    [(Signal.CANCEL, "02"), (Signal.TIMED_OUT, "03"), (Signal.GONE, "04")],
)
def test_whatever_else_ends_the_wait_refuses(
    chip: Chip, panel: ScriptedPanel, signal: Signal, outcome: str
) -> None:
    panel.press = always(signal)
    prepare(chip)
    assert chip.sw(SIGN, data=DIGEST) == "6985"
    assert chip.ok(LAST).hex() == outcome
    assert chip.ok(LAST).hex() == outcome, "asking does not change it"
    assert not panel.lit


def test_one_press_is_for_one_signature(chip: Chip, panel: ScriptedPanel) -> None:
    panel.press = one_by_one([Signal.CONFIRM, Signal.CANCEL])
    prepare(chip)
    chip.ok(SIGN, data=DIGEST)
    assert chip.sw(SIGN, data=DIGEST) == "6985"


def test_a_cancelled_message_is_dropped(chip: Chip, panel: ScriptedPanel) -> None:
    panel.press = one_by_one([Signal.CANCEL])
    prepare(chip)
    chip.ok("00 2A 90 80 [ 616263 ]")
    assert chip.sw("00 2A 9E 9A 00") == "6985"
    assert chip.ok(LAST) == b"\x02"
    assert chip.sw("00 2A 9E 9A 00") == "6985"
    assert chip.ok(LAST) == b"\x00", "nobody was asked: there is no message any more"


@pytest.mark.parametrize(
    ("algorithm", "data"),
    [
        ("02", DIGEST_INFO + DIGEST),
        ("00", b"\x00\x01" + b"\xff" * 74 + b"\x00" + DIGEST_INFO + DIGEST),
    ],
)
def test_the_fingerprint_is_that_of_the_digest(
    chip: Chip, panel: ScriptedPanel, algorithm: str, data: bytes
) -> None:
    chip.environment("41 B6", algorithm, PRESS_RSA)
    chip.ok(SIGN, data=data)
    assert panel.text == ["Sign, key 17", f" {_groups(DIGEST, 0)}", f" {_groups(DIGEST, 3)}"]


def test_other_data_has_a_fingerprint_of_its_own(chip: Chip, panel: ScriptedPanel) -> None:
    chip.environment("41 B6", "00", PRESS_RSA)
    block = bytes(range(1, 128))
    chip.ok(SIGN, data=block)
    own = hashlib.sha256(block.rjust(128, b"\x00")).digest()
    assert panel.text[1:] == [f" {_groups(own, 0)}", f" {_groups(own, 3)}"]


def test_deciphering_asks_once_for_two_halves(chip: Chip, panel: ScriptedPanel) -> None:
    chip.environment("81 B8", "02", PRESS_CRYPT)
    cryptogram = chip.ok("00 2A 86 80 [ 616263 ] 00")[1:]
    chip.environment("41 B8", "02", PRESS_CRYPT)
    chip.ok("00 2A 80 86 [ 81 {data} ]", data=cryptogram[:64])
    assert not panel.drawn
    assert chip.ok("00 2A 80 86 [ 82 {data} ] 00", data=cryptogram[64:]) == b"abc"
    assert panel.text[0] == "Decipher, key 19"
    assert len(panel.questions) == 1


def test_agreeing_and_logging_in_ask_too(chip: Chip, panel: ScriptedPanel) -> None:
    chip.ok(f"00 A4 08 0C [ 5015 {PRESS_CURVE} ]")
    point = chip.ok("00 CA 01 86 00")[2:]
    chip.environment("41 A4", "04", PRESS_CURVE)
    chip.ok("00 86 00 00 [ 7C ( 85 ( {point} ) ) ] 00", point=point)
    chip.ok("00 88 00 12 [ 0102030405060708 ] 00")
    assert [screen.lines[0] for screen in panel.drawn if screen.page == 1] == [
        "Agree, key 18",
        "Log in, key 18",
    ]


def test_what_is_refused_anyway_asks_nobody(chip: Chip, panel: ScriptedPanel) -> None:
    prepare(chip)
    chip.ok("00 2E 00 00")
    assert chip.sw(SIGN, data=DIGEST) == "6982"
    chip.verify()
    chip.environment("41 B6", "04", PRESS_CRYPT)
    assert chip.sw(SIGN, data=DIGEST) == "6985"
    assert not panel.questions


def test_public_operations_ask_nobody(chip: Chip, panel: ScriptedPanel) -> None:
    chip.environment("81 B8", "02", PRESS_CRYPT)
    chip.ok("00 2A 86 80 [ 616263 ] 00")
    assert not panel.questions


def test_without_a_panel_such_a_key_never_works() -> None:
    chip = generation_2(None)
    chip.verify()
    prepare(chip)
    assert chip.sw(SIGN, data=DIGEST) == "6985"
    assert chip.ok(LAST) == b"\x05"


def test_other_keys_ask_nobody(chip: Chip, panel: ScriptedPanel) -> None:
    chip.environment("41 B6", "04", "4B03")
    chip.ok(SIGN, data=DIGEST)
    assert not panel.questions
    assert chip.ok(LAST) == b"\x00"


def test_the_rule_is_in_the_control_information(chip: Chip) -> None:
    assert bytes.fromhex("A503960101") in chip.ok(f"00 A4 08 04 [ 5015 {PRESS_CURVE} ] 00")


@pytest.mark.parametrize(
    ("kind", "consent", "sw"), [("11", 3, "6A80"), ("01", 1, "6A80"), ("11", 2, "9000")]
)
def test_which_rules_there_are(chip: Chip, kind: str, consent: int, sw: str) -> None:
    assert create_key_file(chip, kind, "4B30", 1024, None, consent) == sw


def test_a_reset_forgets_how_the_last_question_ended(chip: Chip) -> None:
    prepare(chip)
    chip.ok(SIGN, data=DIGEST)
    chip.card.reset()
    assert chip.ok(LAST) == b"\x00"
