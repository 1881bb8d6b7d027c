"""Which applets a token carries is noted in its memory, and decides its ATR."""

from __future__ import annotations

import pytest

from applet import piv, pkcs15
from applet.os.store import MemoryStore
from ushield.device.applets import Applets, UnknownApplets, note_applets, noted_applets
from ushield.device.assembly import assemble

SELECT_PKCS15 = bytes.fromhex("00A404000C A000000063504B43532D3135 00")
SELECT_PIV = bytes.fromhex("00A4040005 A000000308 00")
ASK_PIN = {Applets.PKCS15: "00200001", Applets.PIV: "00200080"}


def noted(applets: Applets) -> MemoryStore:
    store = MemoryStore()
    note_applets(store, applets)
    return store


def sw(answer: bytes) -> str:
    return answer[-2:].hex()


@pytest.mark.parametrize(
    ("applets", "atr", "pkcs15_sw", "piv_sw"),
    [
        (Applets.PKCS15, pkcs15.ATR, "9000", "6a82"),
        (Applets.PIV, piv.ATR, "6a82", "9000"),
        (Applets.BOTH, pkcs15.ATR, "9000", "9000"),
    ],
)
def test_the_applets_that_are_there(
    applets: Applets, atr: bytes, pkcs15_sw: str, piv_sw: str
) -> None:
    card = assemble(noted(applets), strict=True)
    assert card.power_on() == atr
    assert sw(card.transmit(SELECT_PKCS15)) == pkcs15_sw
    assert sw(card.transmit(SELECT_PIV)) == piv_sw


@pytest.mark.parametrize(
    ("applets", "command", "expected"),
    [
        (Applets.PKCS15, "00CA01B200", "019000"),
        (Applets.BOTH, "00CA01B200", "019000"),
        (Applets.PIV, "00200080", "63c6"),
    ],
)
def test_which_one_is_selected_after_a_reset(applets: Applets, command: str, expected: str) -> None:
    card = assemble(noted(applets), strict=True)
    card.power_on()
    card.transmit(SELECT_PIV)
    card.reset()
    assert card.transmit(bytes.fromhex(command)).hex() == expected


def test_a_memory_without_a_note_is_that_of_a_pkcs15_token() -> None:
    store = MemoryStore()
    assemble(store)
    assert noted_applets(store) is Applets.PKCS15
    assert assemble(store).power_on() == pkcs15.ATR


def test_the_note_is_lasting() -> None:
    store = noted(Applets.PIV)
    store.abort()
    assert noted_applets(store) is Applets.PIV


@pytest.mark.parametrize("note", [b"", b"openpgp", b"\xff\xfe"])
def test_a_note_from_the_future_is_not_guessed_at(note: bytes) -> None:
    store = MemoryStore({"applets": note})
    with pytest.raises(UnknownApplets, match="another version"):
        assemble(store)
