"""Answers that are changed on their way out: the card is right, and says it wrongly."""

from __future__ import annotations

from collections.abc import Callable

from tests.mutants.mutant import Answers, Mutant

_Change = Callable[[bytes, bytes], bytes]


def _answers(name: str, breaks: str, change: _Change, seen_by: str) -> Mutant:
    return Mutant(name, breaks, Answers(change), tuple(seen_by.split()), "answers on their way out")


def _instead(old: str, new: str) -> _Change:
    """One status word instead of another, always."""
    wrong, right = bytes.fromhex(old), bytes.fromhex(new)
    return lambda _command, answer: right if answer == wrong else answer


def _of(instruction: int, new: Callable[[bytes], bytes]) -> _Change:
    """Other data in what one instruction answers, if it answers any."""

    def change(command: bytes, answer: bytes) -> bytes:
        mine = len(command) > 1 and command[1] == instruction and len(answer) > 2
        return new(answer[:-2]) + answer[-2:] if mine else answer

    return change


def _last_bit(data: bytes) -> bytes:
    return data[:-1] + bytes((data[-1] ^ 1,))


MUTANTS = (
    _answers(
        "unknown-instruction-is-class",
        "an instruction that the card has not is answered 6D00",
        _instead("6D00", "6E00"),
        "ins-unknown ins-6x-9x piv-apart-instructions",
    ),
    _answers(
        "unknown-class-is-instruction",
        "a class that the card has not is answered 6E00",
        _instead("6E00", "6D00"),
        "class-proprietary class-before-pin piv-class",
    ),
    _answers(
        "not-found-is-wrong-p1p2",
        "a file or application that is not there is answered 6A82",
        _instead("6A82", "6A86"),
        "select-absent select-path-through-file delete-absent piv-get-absent",
    ),
    _answers(
        "not-there-is-not-found",
        "referenced data that is not there is answered 6A88",
        _instead("6A88", "6A82"),
        "key-file-empty verify-unknown-reference",
    ),
    _answers(
        "wrong-p1p2-is-offset",
        "a wrong P1-P2 is answered 6A86",
        _instead("6A86", "6B00"),
        "certificate-wrong-p1p2 challenge-wrong",
    ),
    _answers(
        "wrong-length-is-data",
        "a wrong length is answered 6700",
        _instead("6700", "6A80"),
        "extended-lc-zero extended-lc-above-data extended-cut",
    ),
    _answers(
        "wrong-data-is-length",
        "wrong data is answered 6A80",
        _instead("6A80", "6985"),
        "ecdh-malformed file-malformed create-unknown-kind generate-malformed",
    ),
    _answers(
        "security-status-is-conditions",
        "a rule that is not met is answered 6982",
        _instead("6982", "6985"),
        "sign-other-pin life-deactivate-without-pin key-use-rule-never",
    ),
    _answers(
        "conditions-is-security-status",
        "conditions that are not met are answered 6985",
        _instead("6985", "6982"),
        "life-activate-activated sign-without-environment delete-root",
    ),
    _answers(
        "no-file-is-not-found",
        "no current file is answered 6986",
        _instead("6986", "6A82"),
        "read-no-file data-no-file generate-in-file",
    ),
    _answers(
        "blocked-is-security-status",
        "a blocked PIN is answered 6983",
        _instead("6983", "6982"),
        "verify-six-wrong verify-blocked-reset blank-tries",
    ),
    _answers(
        "failed-is-wrong-data",
        "a signature that is wrong is answered 6300",
        _instead("6300", "6A80"),
        "verify-signature-changed verify-signature-wrong-digest",
    ),
    _answers(
        "exists-is-conditions",
        "what is there already is answered 6A89",
        _instead("6A89", "6985"),
        "file-exists",
    ),
    _answers(
        "offset-is-wrong-p1p2",
        "an offset past the end is answered 6B00",
        _instead("6B00", "6A86"),
        "read-past-end update-past-end",
    ),
    _answers(
        "get-data-without-last-byte",
        "GET DATA gives the whole object",
        _of(0xCA, lambda data: data[:-1]),
        "data-serial data-no-le data-large-le",
    ),
    _answers(
        "certificate-without-last-byte",
        "GET DATA gives the whole certificate",
        _of(0xCB, lambda data: data[:-1]),
        "certificate-of-key-1 certificate-in-pieces piv-certificate-in-pieces",
    ),
    _answers(
        "read-without-last-byte",
        "READ BINARY gives what was asked for",
        _of(0xB0, lambda data: data[:-1]),
        "read-offset read-extended",
    ),
    _answers(
        "select-with-a-zero",
        "control information ends where it says",
        _of(0xA4, lambda data: data + b"\0"),
        "select-aid select-path select-fcp response-select",
    ),
    _answers(
        "signature-changed",
        "the signature is the key's",
        _of(0x2A, _last_bit),
        "sign-digest-info hash-then-verify response-rest",
    ),
    _answers(
        "agreement-changed",
        "the shared secret is the key's",
        _of(0x86, _last_bit),
        "ecdh-base-point known-p256-ecdh",
    ),
    _answers(
        "rest-changed",
        "GET RESPONSE gives the very rest",
        _of(0xC0, _last_bit),
        "response-rest case-4e-short-le",
    ),
)
