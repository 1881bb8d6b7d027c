"""No state that a card can be brought to lets a host do what it has not shown itself entitled to.

The search is exhaustive for a small card and the acts in `token` and `piv`, and it is shown to find
faults: cards with one rule broken, the same as in `tests.mutants`.
"""

from __future__ import annotations

import pytest

from apdu.edge import Phase
from tests.mutants.catalogue import mutants
from tests.mutants.mutant import Source, Value
from tests.states import piv, token
from tests.states.search import Found, search
from tests.states.watcher import TokenWatcher

MUTANTS = {mutant.name: mutant for mutant in mutants()}


def _search_token() -> Found[token.Act]:
    return search(token.make, token.acts(), TokenWatcher(), token.seen_as)


def _search_piv() -> Found[piv.Act]:
    return search(piv.make, piv.acts(), piv.PivWatcher(), piv.seen_as)


def _told(found: Found[token.Act] | Found[piv.Act]) -> str:
    return f"{found.fault}: {', then '.join(str(act) for act in found.way)}"


NEVER_SUCCEED = {"prepare nothing", "read a key file", "take a private part"}
"""Whatever was done before."""


def test_no_state_of_a_token_gives_more_than_its_rules() -> None:
    found = _search_token()
    assert not found.fault, _told(found)
    assert {each.phase for each in found.watchers if isinstance(each, TokenWatcher)} == set(Phase)
    assert len(found.watchers) > 500
    for act in token.acts():
        wrong = not act.right or act.words.endswith("too long") or "4B04" in act.words
        assert bool(found.succeeded[act]) is not (wrong or act.words in NEVER_SUCCEED), act.words


def test_no_state_of_a_piv_card_gives_more_than_its_rules() -> None:
    found = _search_piv()
    assert not found.fault, _told(found)
    assert len(found.watchers) > 40
    never = {"select what there is not", "PIN too short", "prove it unasked"}
    for act in piv.acts():
        assert bool(found.succeeded[act]) is (act.right and act.words not in never), act.words


TOKEN_FAULTS = {
    "key-rule-ignored": "worked without its rule",
    "any-pin-will-do": "worked without its rule",
    "never-is-always": "worked without its rule",
    "pin-each-ignored": "the key 4B02 worked without its rule",
    "pin-never-spent": "the key 4B02 worked without its rule",
    "clear-keeps-pins": "without its rule",
    "wrong-pin-takes-nothing-back": "without its rule",
    "verify-verifies-all": "worked without its rule",
    "unblock-verifies": "without its rule",
    "logout-nothing": "without its rule",
    "select-application-keeps-status": "without its rule",
    "reset-remembers": "without its rule",
    "right-pin-unblocks": "blocked",
    "try-is-free": "blocked",
    "unblock-without-puk": "a wrong PUK was taken",
    "change-without-the-old": "a wrong PIN was taken",
    "blocked-uses-keys": "worked without its rule",
    "deactivated-uses-keys": "worked without its rule",
    "deactivated-writes": "changed without its rule",
    "terminated-uses-keys": "worked without its rule",
    "built-uses-keys": "worked without its rule",
    "activating-keeps-pins": "without its rule",
    "anybody-wipes": "without the officer",
    "anybody-activates": "without the officer",
    "read-rule-ignored": "read without its rule",
    "write-rule-ignored": "changed without its rule",
    "create-rule-ignored": "changed without its rule",
    "delete-rule-ignored": "changed without its rule",
    "generate-rule-ignored": "changed without its rule",
    "import-rule-ignored": "changed without its rule",
    "pin-record-over-another": "a PIN was stored anew",
    "environment-outlives-selection": "a key worked that nobody has prepared",
}
"""Mutants, and what the search says of each."""

PIV_FAULTS = {
    "piv-key-free": "worked without its rule",
    "piv-signature-once": "the key 9C worked without its rule",
    "piv-signature-free": "worked without its rule",
    "clear-keeps-fresh": "the key 9C worked without its rule",
    "revoke-keeps-fresh": "the key 9C worked without its rule",
    "piv-remembers": "worked without its rule",
    "piv-remembers-proof": "written without the management key",
    "select-other-remembers": "without",
    "piv-anybody-puts": "written without the management key",
    "piv-proof-any": "a wrong answer proved the key",
    "piv-proof-unasked": "written without the management key",
    "piv-challenge-serves-twice": "written without the management key",
    "piv-proof-verifies": "without",
    "piv-pin-proves": "written without the management key",
    "piv-objects-free": "read without the PIN",
    "piv-tries-without-pin": "tries were set without both",
    "piv-reset-any-time": "reset with tries left",
    "piv-reset-by-pin": "reset with tries left",
    "puk-change-verifies-pin": "without",
    "wrong-pin-takes-nothing-back": "worked without its rule",
    "right-pin-unblocks": "blocked",
}


@pytest.mark.parametrize("name", TOKEN_FAULTS)
def test_a_fault_of_a_token_is_found(name: str) -> None:
    token.make()
    change = MUTANTS[name].change
    assert isinstance(change, (Source, Value))
    with change.made():
        found = _search_token()
    print(_told(found))
    assert TOKEN_FAULTS[name] in found.fault


@pytest.mark.parametrize("name", PIV_FAULTS)
def test_a_fault_of_a_piv_card_is_found(name: str) -> None:
    piv.make()
    change = MUTANTS[name].change
    assert isinstance(change, (Source, Value))
    with change.made():
        found = _search_piv()
    print(_told(found))
    assert PIV_FAULTS[name] in found.fault
