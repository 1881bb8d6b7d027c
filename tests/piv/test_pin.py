"""PIN and PUK: when a key needs the PIN, what ends that, tries, unblocking, reset."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.chip.cards import cells
from tests.piv.cards import (
    AID,
    P_256,
    RETIRED,
    RSA_1024,
    PivChip,
    born,
    ec_key,
    ec_parts,
    encoded,
    full,
)

NEVER, ONCE, ALWAYS = 1, 2, 3
OTHER_PIN = b"24681012"


@pytest.fixture
def chip() -> PivChip:
    return full()


# The rule of each slot (SP 800-73-4 part 1 table 4b)


@pytest.mark.parametrize("slot", [0x9A, 0x9D, *RETIRED])
def test_one_pin_lasts_for_the_session(chip: PivChip, slot: int) -> None:
    chip.administer()
    chip.generate(slot, P_256)
    assert chip.sign(slot) == "6982"
    chip.verify()
    assert [chip.sign(slot) for _ in range(3)] == ["9000"] * 3


def test_the_signature_key_wants_its_pin_each_time(chip: PivChip) -> None:
    for _ in range(3):
        assert chip.sign(0x9C) == "6982"
        chip.verify()
        assert chip.sign(0x9C) == "9000"


def test_the_card_key_never_wants_it(chip: PivChip) -> None:
    assert [chip.sign(0x9E) for _ in range(3)] == ["9000"] * 3


HARMLESS = {
    "status of the PIN": "00 20 00 80",
    "read": "00 CB 3F FF [ 5C ( 5FC102 ) ] 00",
    "read what asks for the PIN": "00 CB 3F FF [ 5C ( 5FC109 ) ] 00",
    "read what is not there": "00 CB 3F FF [ 5C ( 5FC107 ) ] 00",
    "select": f"00 A4 04 00 [ {AID} ]",
    "select a part": "00 A4 04 00 [ A000000308 ]",
    "select what is not there": "00 A4 04 00 [ A000000527200101 ]",
    "version": "00 FD 00 00 00",
    "unknown": "00 10 00 00",
    "another algorithm": "00 87 14 9C [ 7C ( 82 ( ) 81 ( 55*32 ) ) ]",
    "no template": "00 87 11 9C",
    "challenge": "00 87 03 9B [ 7C ( 81 ( ) ) ]",
    "first piece of a chain": "10 87 11 9C [ 7C 24 82 00 81 20 ]",
}


@pytest.mark.parametrize("command", HARMLESS.values(), ids=HARMLESS.keys())
def test_what_is_no_signature_does_not_use_the_pin_up(chip: PivChip, command: str) -> None:
    chip.verify()
    chip.send(command)
    chip.ok("00 FD 00 00 00")
    assert chip.sign(0x9C) == "9000"
    assert chip.sign(0x9C) == "6982"


def test_other_keys_do_not_use_the_pin_up(chip: PivChip) -> None:
    chip.verify()
    assert chip.sign(0x9A) == chip.sign(0x9D) == chip.sign(0x9E) == "9000"
    assert chip.sign(0x9C) == "9000"
    assert chip.sign(0x9A) == "9000", "the session goes on for keys that want it once"


def test_a_chained_command_is_one_use(chip: PivChip) -> None:
    chip.administer()
    chip.generate(0x9C, RSA_1024)
    template = bytes.fromhex("7C8185 8200 818180") + b"\x01" * 128
    for _ in range(2):
        chip.verify()
        assert chip.chain("87 06 9C", template, piece=20)[1] == 0x9000
        assert chip.chain("87 06 9C", template, piece=20)[1] == 0x6982


def test_two_pins_are_not_two_signatures(chip: PivChip) -> None:
    chip.verify()
    chip.verify()
    assert [chip.sign(0x9C), chip.sign(0x9C)] == ["9000", "6982"]


def test_agreement_is_a_use_too(chip: PivChip) -> None:
    chip.verify()
    assert len(chip.use(P_256, 0x9C, point=encoded(ec_key(P_256)))) == 32
    assert chip.sign(0x9C) == "6982"


def _power(chip: PivChip) -> None:
    chip.card.power_off()
    chip.card.power_on()


ENDS: dict[str, Callable[[PivChip], object]] = {
    "logout": lambda chip: chip.ok("00 20 FF 80"),
    "a wrong PIN": lambda chip: chip.sw("00 20 00 80 [ {wrong} ]"),
    "a wrong PIN to be changed": lambda chip: chip.sw("00 24 00 80 [ {wrong} {pin} ]"),
    "the PUK": lambda chip: chip.ok("00 2C 00 80 [ {puk} {pin} ]"),
    "reset": lambda chip: chip.card.reset(),
    "power": _power,
}


@pytest.mark.parametrize("end", ENDS.values(), ids=ENDS.keys())
def test_what_ends_the_verified_state(chip: PivChip, end: Callable[[PivChip], object]) -> None:
    chip.verify()
    assert chip.sw("00 20 00 80") == "9000"
    end(chip)
    assert chip.sw("00 20 00 80").startswith("63C")
    assert chip.sign(0x9A) == chip.sign(0x9C) == "6982"
    assert chip.sw("00 CB 3F FF [ 5C ( 5FC109 ) ] 00") == "6982"


@pytest.mark.parametrize("name", [AID, "A000000308", "A000000308 00001000"])
def test_selecting_the_application_again_keeps_it(chip: PivChip, name: str) -> None:
    chip.verify()
    chip.administer()
    chip.ok(f"00 A4 04 00 [ {name} ] 00")
    assert chip.sw("00 20 00 80") == "9000"
    assert chip.sign(0x9A) == "9000"
    assert chip.put(0x5FC102, b"x") == 0x9000


# Yubico's policy of a single key


@pytest.mark.parametrize("slot", [0x9A, 0x9C, 0x9E, 0x82])
def test_a_key_can_have_a_rule_of_its_own(chip: PivChip, slot: int) -> None:
    chip.administer()
    found = {}
    for policy in (NEVER, ONCE, ALWAYS):
        chip.generate(slot, P_256, pin_policy=policy)
        chip.ok("00 20 FF 80")
        first = chip.sign(slot)
        chip.verify()
        found[policy] = (first, chip.sign(slot), chip.sign(slot))
    assert found == {
        NEVER: ("9000", "9000", "9000"),
        ONCE: ("6982", "9000", "9000"),
        ALWAYS: ("6982", "9000", "6982"),
    }


def test_the_rule_goes_with_the_key(chip: PivChip) -> None:
    chip.administer()
    chip.generate(0x9A, P_256, pin_policy=NEVER)
    chip.generate(0x9A, P_256)
    assert chip.sign(0x9A) == "6982"
    key = ec_parts(ec_key(P_256))
    assert chip.bring(0x9C, P_256, key, pin_policy=NEVER) == 0x9000
    assert chip.copy().sign(0x9C) == "9000"
    assert chip.bring(0x9C, P_256, key, pin_policy=0) == 0x9000
    assert chip.sign(0x9C) == "6982"


def test_a_refused_key_changes_no_rule(chip: PivChip) -> None:
    chip.administer()
    assert chip.bring(0x9A, P_256, {6: bytes(32)}, pin_policy=NEVER) == 0x6A80
    assert chip.sign(0x9A) == "6982"


# Tries


def test_six_tries_for_the_pin(chip: PivChip) -> None:
    left = [chip.sw("00 20 00 80 [ {wrong} ]") for _ in range(7)]
    assert left == ["63C5", "63C4", "63C3", "63C2", "63C1", "6983", "6983"]
    assert chip.sw("00 20 00 80 [ {pin} ]") == "6983"
    assert chip.copy().sw("00 20 00 80") == "6983"


def test_the_right_pin_gives_the_tries_back(chip: PivChip) -> None:
    for _ in range(3):
        for _ in range(5):
            chip.sw("00 20 00 80 [ {wrong} ]")
        chip.verify()
    assert chip.copy().sw("00 20 00 80") == "63C6"


def test_what_has_the_wrong_form_costs_nothing(chip: PivChip) -> None:
    for command in ("00 20 00 80 [ 31 ]", "00 24 00 80 [ {wrong} ]", "00 2C 00 80 [ {wrong} ]"):
        assert chip.sw(command) == "6A80"
    assert chip.sw("00 24 00 80 [ {wrong} 31*5 FF*3 ]") == "6A80"
    assert chip.sw("00 20 00 80") == "63C6"
    assert chip.sw("00 2C 00 80 [ {wrong} {pin} ]") == "63C9", "the first try of the PUK"


def test_a_new_pin_that_can_be_none_is_judged_after_the_puk(chip: PivChip) -> None:
    """ykman resets a card by RESET RETRY COUNTER with two empty blocks."""
    assert chip.sw("00 2C 00 80 [ FF*16 ]") == "63C9"
    assert chip.sw("00 2C 00 80 [ {puk} FF*8 ]") == "6A80"
    assert chip.copy().sw("00 2C 00 80 [ {wrong} {pin} ]") == "63C8", "the right PUK cost nothing"


def test_tries_of_a_change_are_the_same_ones(chip: PivChip) -> None:
    assert chip.sw("00 24 00 80 [ {wrong} {pin} ]") == "63C5"
    assert chip.sw("00 20 00 80 [ {wrong} ]") == "63C4"
    assert chip.sw("00 24 00 81 [ {wrong} {puk} ]") == "63C9"
    assert chip.sw("00 2C 00 80 [ {wrong} {pin} ]") == "63C8"


def test_ten_tries_for_the_puk(chip: PivChip) -> None:
    left = [chip.sw("00 2C 00 80 [ {wrong} {pin} ]") for _ in range(10)]
    assert left == [f"63C{n}" for n in range(9, 0, -1)] + ["6983"]
    assert chip.sw("00 2C 00 80 [ {puk} {pin} ]") == "6983"
    chip.verify()


def test_a_blocked_pin_is_unblocked_with_a_new_value(chip: PivChip) -> None:
    chip.block_pin()
    chip.ok("00 2C 00 80 [ {puk} {new} ]", new=OTHER_PIN)
    assert chip.sw("00 20 00 80 [ {pin} ]") == "63C5"
    chip.ok("00 20 00 80 [ {new} ]", new=OTHER_PIN)
    assert chip.sign(0x9A) == "9000"


def test_the_pin_is_changed(chip: PivChip) -> None:
    chip.ok("00 24 00 80 [ {pin} {new} ]", new=OTHER_PIN)
    assert chip.sw("00 20 00 80") == "9000", "whoever changes it has presented it"
    again = chip.copy()
    assert again.sw("00 20 00 80 [ {pin} ]") == "63C5"
    again.ok("00 20 00 80 [ {new} ]", new=OTHER_PIN)


@pytest.mark.parametrize("new", [b"secret\xff\xff", b"Kq7#xZ2!", bytes(8)])
def test_a_pin_may_have_any_characters(chip: PivChip, new: bytes) -> None:
    chip.ok("00 24 00 80 [ {pin} {new} ]", new=new)
    chip.card.reset()
    chip.ok("00 20 00 80 [ {new} ]", new=new)


def test_the_puk_is_changed_and_verifies_nothing(chip: PivChip) -> None:
    chip.ok("00 24 00 81 [ {puk} {new} ]", new=OTHER_PIN)
    assert chip.sw("00 20 00 80") == "63C6"
    assert chip.sw("00 2C 00 80 [ {puk} {pin} ]") == "63C9"
    chip.ok("00 2C 00 80 [ {new} {pin} ]", new=OTHER_PIN)


# Yubico's SET TRIES and RESET


def test_set_tries_gives_new_tries_and_the_first_values(chip: PivChip) -> None:
    chip.ok("00 24 00 80 [ {pin} {new} ]", new=OTHER_PIN)
    chip.ok("00 24 00 81 [ {puk} {new} ]", new=OTHER_PIN)
    chip.administer()
    chip.ok("00 FA 03 02")
    assert chip.sw("00 20 00 80") == "63C3", "and nothing is verified"
    chip.verify()
    assert chip.sw("00 2C 00 80 [ {wrong} {pin} ]") == "63C1"
    assert chip.sw("00 2C 00 80 [ {wrong} {pin} ]") == "6983"
    assert chip.copy().sw("00 20 00 80 [ {wrong} ]") == "63C2"


def test_a_reset_card_is_as_from_the_factory(chip: PivChip) -> None:
    chip.ok("00 24 00 80 [ {pin} {new} ]", new=OTHER_PIN)
    chip.administer()
    assert chip.set_management_key(0x08, bytes(16)) == "9000"
    chip.block_pin()
    chip.block_puk()
    chip.ok("00 FB 00 00")
    assert cells(chip.store) == cells(born().store)
    assert chip.put(0x5FC102, b"x") == 0x6982, "the old proof is gone"
    chip.verify()
    chip.administer()
    assert chip.sign(0x9A) == "6A88"
    assert chip.sw("00 CB 3F FF [ 5C ( 5FC102 ) ] 00") == "6A82"


def test_a_card_can_be_reset_again_and_again() -> None:
    chip = born()
    for _ in range(3):
        chip.block_pin()
        chip.block_puk()
        chip.ok("00 FB 00 00")
        chip.verify()
    assert chip.copy().sw("00 20 00 80") == "63C6"
