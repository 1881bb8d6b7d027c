"""The management key (9B): proved by the card's challenge, or mutually, with every algorithm."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from apdu.piv import DynamicAuthentication
from tests.piv.cards import (
    AES_128,
    AES_192,
    AES_256,
    DES,
    DES_KEY,
    PivChip,
    born,
    decipher,
    encipher,
    full,
)

KEYS = {
    DES: bytes(range(24, 48)),
    AES_128: bytes(range(16)),
    AES_192: bytes(range(24)),
    AES_256: bytes(range(32)),
}
WIDTH = {DES: 8, AES_128: 16, AES_192: 16, AES_256: 16}
NAMES = {DES: "3DES", AES_128: "AES-128", AES_192: "AES-192", AES_256: "AES-256"}
ADMIN = 0x9B

every_algorithm = pytest.mark.parametrize("algorithm", KEYS, ids=NAMES.get)


@pytest.fixture
def chip(algorithm: int) -> PivChip:
    """A card whose management key is one of this algorithm."""
    chip = born()
    chip.administer()
    assert chip.set_management_key(algorithm, KEYS[algorithm]) == "9000"
    return chip.copy()


def may_write(chip: PivChip) -> bool:
    return chip.put(0x5FC102, b"x") == 0x9000


def ask_challenge(chip: PivChip, algorithm: int) -> bytes:
    challenge = chip.ask(algorithm, ADMIN, challenge=b"").challenge
    assert challenge is not None and len(challenge) == WIDTH[algorithm]
    return challenge


def ask_witness(chip: PivChip, algorithm: int) -> bytes:
    """What the witness hides."""
    witness = chip.ask(algorithm, ADMIN, witness=b"").witness
    assert witness is not None and len(witness) == WIDTH[algorithm]
    return decipher(algorithm, KEYS[algorithm], witness)


@every_algorithm
def test_by_the_challenge_of_the_card(chip: PivChip, algorithm: int) -> None:
    assert not may_write(chip)
    challenge = ask_challenge(chip, algorithm)
    response = encipher(algorithm, KEYS[algorithm], challenge)
    assert chip.ask_bare(algorithm, response=response) == 0x9000
    assert may_write(chip)
    assert not may_write(chip.copy())


@every_algorithm
@pytest.mark.parametrize("request_response", [True, False])
def test_mutually(chip: PivChip, algorithm: int, request_response: bool) -> None:
    mine = bytes(range(100, 100 + WIDTH[algorithm]))
    wanted = {"response": b""} if request_response else {}
    witness = ask_witness(chip, algorithm)
    answer = chip.ask(algorithm, ADMIN, witness=witness, challenge=mine, **wanted)
    proof = encipher(algorithm, KEYS[algorithm], mine)
    assert answer == DynamicAuthentication(response=proof)
    assert may_write(chip)


@every_algorithm
def test_a_wrong_key_proves_nothing(chip: PivChip, algorithm: int) -> None:
    wrong = bytes(len(KEYS[algorithm]) - 1) + b"\x10"
    challenge = ask_challenge(chip, algorithm)
    assert chip.ask_bare(algorithm, response=encipher(algorithm, wrong, challenge)) == 0x6982
    assert not may_write(chip)


@every_algorithm
def test_an_answer_is_good_once(chip: PivChip, algorithm: int) -> None:
    response = encipher(algorithm, KEYS[algorithm], ask_challenge(chip, algorithm))
    assert chip.ask_bare(algorithm, response=response) == 0x9000
    assert chip.ask_bare(algorithm, response=response) == 0x6982
    assert not may_write(chip), "and the failed proof takes the good one back"
    ask_challenge(chip, algorithm)
    assert chip.ask_bare(algorithm, response=response) == 0x6982


@every_algorithm
def test_a_question_can_be_answered_once(chip: PivChip, algorithm: int) -> None:
    """Nobody tries one response after the other against the same challenge."""
    right = encipher(algorithm, KEYS[algorithm], ask_challenge(chip, algorithm))
    assert chip.ask_bare(algorithm, response=bytes(len(right))) == 0x6982
    assert chip.ask_bare(algorithm, response=right) == 0x6982
    witness = ask_witness(chip, algorithm)
    mine = bytes(WIDTH[algorithm])
    assert chip.ask_bare(algorithm, witness=mine, challenge=mine, response=b"") == 0x6982
    assert chip.ask_bare(algorithm, witness=witness, challenge=mine, response=b"") == 0x6982
    assert not may_write(chip)


@every_algorithm
def test_questions_are_always_new(chip: PivChip, algorithm: int) -> None:
    questions = {ask_challenge(chip, algorithm) for _ in range(20)}
    questions |= {ask_witness(chip, algorithm) for _ in range(20)}
    assert len(questions) == 40


@every_algorithm
def test_nothing_is_enciphered_for_a_stranger(chip: PivChip, algorithm: int) -> None:
    """Or the card would answer its own challenge."""
    challenge = ask_challenge(chip, algorithm)
    secret = encipher(algorithm, KEYS[algorithm], challenge)
    tries: list[dict[str, bytes]] = [
        {"challenge": challenge},
        {"challenge": challenge, "response": b""},
        {"witness": challenge},
        {"witness": challenge, "response": b""},
        {"witness": b"", "challenge": challenge},
        {"witness": challenge, "challenge": challenge, "response": b""},
        {"point": challenge},
    ]
    for objects in tries:
        ask_challenge(chip, algorithm)
        answer, _ = chip.try_to_ask(algorithm, ADMIN, **objects)
        assert secret not in answer
        assert not may_write(chip)


@every_algorithm
def test_another_algorithm_is_refused(chip: PivChip, algorithm: int) -> None:
    for other in {*KEYS, 0x00} - {algorithm}:
        allowed = {0x00, DES} == {other, algorithm}
        assert chip.ask_bare(other, challenge=b"") == (0x9000 if allowed else 0x6A86)


BACK: dict[str, Callable[[PivChip], object]] = {
    "reset": lambda chip: chip.card.reset(),
    "a new challenge": lambda chip: chip.ask(DES, ADMIN, challenge=b""),
    "a new witness": lambda chip: chip.ask(DES, ADMIN, witness=b""),
    "a failed proof": lambda chip: chip.ask_bare(DES, response=bytes(8)),
}


@pytest.mark.parametrize("back", BACK.values(), ids=BACK.keys())
def test_what_takes_the_proof_back(back: Callable[[PivChip], object]) -> None:
    chip = full()
    chip.administer()
    assert may_write(chip)
    back(chip)
    assert not may_write(chip)
    chip.administer()
    assert may_write(chip)


def test_a_refused_key_leaves_the_old_one() -> None:
    chip = born()
    chip.administer()
    assert chip.set_management_key(AES_128, bytes(17)) == "6A80"
    assert chip.set_management_key(0x07, bytes(16)) == "6A80"
    again = chip.copy()
    again.administer(DES, DES_KEY)
    assert may_write(again)


def test_the_pin_and_the_management_key_are_two_things() -> None:
    chip = full()
    chip.administer()
    assert chip.sign(0x9A) == "6982"
    chip.card.reset()
    chip.verify()
    assert not may_write(chip)
