"""A PIV card and GnuPG 2.4 of Debian 13: gpg-card, and gpgsm with the card's keys.

GnuPG knows PIV since it has gpg-card; where that is not installed there is nothing to try.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from apdu.pivedge import TouchPolicy
from applet.os.panel import Signal
from tests.clients.cards import PIN
from tests.clients.ledger import Works
from tests.clients.piv import issuer, our_token_in_reader, with_keys
from tests.clients.system import ROOT, inside
from tests.clients.tool import Tool
from tests.clients.ways import through_service
from tests.consent.panel import ScriptedPanel, always
from tests.piv import cards as piv
from ushield.reader.card import CardPort

SYSTEM = ROOT or Path("/")
__test__ = (SYSTEM / "usr/bin/gpg-card").exists()

SLOTS = {0x9A: piv.RSA_2048, 0x9C: piv.P_256, 0x9D: piv.RSA_2048, 0x9E: piv.P_384}
UNATTENDED = "<pin gpgsm --batch --yes --pinentry-mode loopback --passphrase-fd 0"


@pytest.fixture
def home(folder: Path) -> Path:
    """A home for GnuPG, which finds the card by PC/SC."""
    library = next(SYSTEM.glob("usr/lib/*/libpcsclite.so.1"))
    home = folder / "home"
    home.mkdir(mode=0o700)
    (home / "scdaemon.conf").write_text(f"disable-ccid\npcsc-driver {inside(library)}\n")
    return home


@pytest.fixture
def card(home: Path, folder: Path) -> Iterator[Tool]:
    """GnuPG with a card in the reader."""
    with at_home(home, folder, piv.assemble(with_keys(SLOTS))) as tool:
        yield tool


@contextmanager
def at_home(home: Path, folder: Path, card: CardPort) -> Iterator[Tool]:
    """GnuPG with this card in the reader; it asks no server."""
    (home / "gpg-agent.conf").write_text("allow-loopback-pinentry\n")
    (home / "gpgsm.conf").write_text("disable-dirmngr\ndisable-crl-checks\n")
    (home / "trustlist.txt").write_text(f"{hashlib.sha1(issuer()).hexdigest()} S relax\n")
    with through_service(folder, "ushield") as way, way.inserted(card):
        tool = Tool(folder, {**way.variables, "GNUPGHOME": str(home)})
        tool.write("pin", PIN.encode())
        tool.write("issuer.der", issuer())
        tool.write("order.txt", b"order")
        try:
            yield tool
        finally:
            tool.run("gpgconf --kill all")


def learn(card: Tool, *slots: str) -> None:
    """Make the keys of these slots, by their certificates, known to gpgsm."""
    card.run("gpgsm --import issuer.der")
    for slot in slots:
        card.run(f"gpg-card readcert PIV.{slot} > c{slot}.der")
        card.run(f"gpgsm --import c{slot}.der")
    card.run("gpgsm --learn-card")


def test_gpg_shows_the_card(card: Tool, works: Works) -> None:
    card.see("gpg --card-status", "Application type .: PIV")
    shown = card.run("gpg-card list")
    assert re.findall(r"algorithm \.\.: (\w+)", shown) == [
        "rsa2048", "nistp384", "nistp256", "rsa2048"
    ]  # fmt: skip
    assert "PIN retry counter : - 6 -" in shown
    works("GnuPG", "`gpg-card` shows the card", "PIV RSA-2048", "PIV P-256", "PIV P-384")


def test_gpgsm_signs_and_deciphers(card: Tool, works: Works) -> None:
    learn(card, "9A", "9C", "9D")
    for reference in ("9A", "9C"):
        card.run(f"sh -c \"{UNATTENDED} -u 'slot {reference}' -o order.p7 --sign order.txt\"")
        card.see("gpgsm --verify order.p7", f'Good signature from "/CN=slot {reference}"')
    card.run("gpgsm -r 'slot 9D' -o order.enc --encrypt order.txt")
    card.run(f"sh -c '{UNATTENDED} -o plain.txt --decrypt order.enc'")
    assert card.read("plain.txt") == b"order"
    works("GnuPG", "`gpgsm` signs", "PIV RSA-2048", "PIV P-256")
    works("GnuPG", "`gpgsm` deciphers", "PIV RSA-2048")


def test_gpg_shows_a_token_of_ours(home: Path) -> None:
    options = "--applet piv --key rsa2048 --key p256"
    with our_token_in_reader(options, GNUPGHOME=str(home)) as token:
        try:
            shown = token.run("gpg-card list")
            assert re.findall(r"algorithm \.\.: (\w+)", shown) == ["rsa2048", "nistp256"]
            token.run("gpg-card readcert PIV.9A > c.der")
            token.see("openssl x509 -inform DER -in c.der -noout -subject", "U-Shield")
        finally:
            token.run("gpgconf --kill all")


@pytest.mark.parametrize("signal", [Signal.CANCEL, Signal.TIMED_OUT])
def test_gpgsm_waits_for_a_press(home: Path, folder: Path, signal: Signal) -> None:
    """A key with Yubico's touch policy; without Confirm gpgsm says that it has no signature."""
    panel = ScriptedPanel()
    store = with_keys({0x9A: piv.RSA_2048}, touch_policy=TouchPolicy.ALWAYS)
    with at_home(home, folder, piv.assemble(store, panel=panel)) as card:
        learn(card, "9A")
        sign = f"sh -c \"{UNATTENDED} -u 'slot 9A' -o order.p7 --sign order.txt\""
        card.run(sign)
        card.see("gpgsm --verify order.p7", 'Good signature from "/CN=slot 9A"')
        asked = len(panel.questions)
        assert asked
        panel.press = always(signal)
        card.fail(sign)
        assert len(panel.questions) > asked
