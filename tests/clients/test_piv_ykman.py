"""A PIV card and ykman, which is told the reader by a part of its name (-r)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.clients.cards import PIN, PUK
from tests.clients.ledger import Works
from tests.clients.piv import MANAGEMENT_KEY, READER, from_factory, in_reader, label, needs
from tests.clients.tool import Tool

pytestmark = needs("ykman", "yubikey-manager")

PIV = "ykman -r Yubi piv"
ADMIN = f"-m {MANAGEMENT_KEY}"
NEW_KEY = "112233445566778811223344556677881122334455667788"


@pytest.fixture
def card(folder: Path) -> Iterator[Tool]:
    """A card from the factory."""
    with in_reader(from_factory(), folder) as tool:
        yield tool


@pytest.mark.parametrize("name", [READER, "Yubico YubiKey OTP+FIDO+CCID 00 00", "ushield 00 00"])
def test_names_of_readers_that_it_takes(folder: Path, name: str) -> None:
    with in_reader(from_factory(), folder, name) as card:
        part = name.partition(" 00")[0]
        card.see(f"ykman -r '{part}' piv info", "5.7.0", "TDES")


def test_a_name_that_it_stumbles_over(folder: Path) -> None:
    """Up to 5.6: where it reads "Yubico YubiKey" it also wants the interfaces of a YubiKey."""
    with in_reader(from_factory(), folder, "Yubico YubiKey ushield 00") as card:
        assert "KeyError: 'YK4_'" in card.fail("ykman -r ushield piv info")


@pytest.mark.parametrize(("slot", "algorithm"), [("9a", "RSA2048"), ("9c", "ECCP384")])
def test_a_key_with_its_certificate(card: Tool, slot: str, algorithm: str, works: Works) -> None:
    """ykman checks the signature of what it has the card sign."""
    card.run(f"{PIV} keys generate {ADMIN} -a {algorithm} {slot} public.pem")
    made = f"{ADMIN} -P {PIN} -s CN=holder {slot} public.pem"
    card.run(f"{PIV} certificates generate {made}")
    card.run(f"{PIV} certificates export {slot} c.pem")
    card.see("openssl verify -CAfile c.pem c.pem", "c.pem: OK")
    card.run(f"{PIV} certificates request -P {PIN} -s CN=holder {slot} public.pem r.pem")
    card.see("openssl req -in r.pem -noout -verify", "OK")
    works("ykman", "makes a key, a certificate and a request", label(algorithm))


def test_a_key_from_outside_is_compared_with_its_certificate(card: Tool, works: Works) -> None:
    new = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=x"
    card.run(f"{new} -keyout k.pem -out c.pem")
    card.run(f"{new} -keyout other.key -out other.pem")
    card.run(f"{PIV} keys import {ADMIN} 82 k.pem")
    card.run(f"{PIV} certificates import {ADMIN} -P {PIN} -v 82 c.pem")
    card.fail(f"{PIV} certificates import {ADMIN} -P {PIN} -v 82 other.pem")
    works("ykman", "brings a key with its certificate", "PIV P-256")


def test_pin_puk_and_tries(card: Tool) -> None:
    card.run(f"{PIV} access change-pin -P {PIN} -n 654321")
    card.run(f"{PIV} access change-puk -p {PUK} -n 87654321")
    card.run(f"{PIV} access unblock-pin -p 87654321 -n {PIN}")
    card.run(f"{PIV} access set-retries {ADMIN} -P {PIN} 3 2 -f")
    assert "2" in card.fail(f"{PIV} access change-pin -P 000000 -n 654321")


def test_the_management_key(card: Tool) -> None:
    card.run(f"{PIV} access change-management-key {ADMIN} -n {NEW_KEY}")
    for name, length in (("AES128", 16), ("AES192", 24), ("AES256", 32)):
        key = "5A" * length
        card.run(f"{PIV} access change-management-key -m {NEW_KEY} -a {name} -n {key}")
        card.see(f"{PIV} info", f"Management key algorithm: {name}")
        card.run(f"{PIV} keys generate -m {key} -a ECCP256 9a public.pem")
        card.run(f"{PIV} access change-management-key -m {key} -a TDES -n {NEW_KEY}")


def test_a_management_key_that_the_pin_protects(card: Tool) -> None:
    """It is kept in the printed information, which only the PIN opens."""
    card.run(f"{PIV} access change-management-key {ADMIN} -p -P {PIN}")
    card.run(f"{PIV} keys generate -P {PIN} -a ECCP256 9a public.pem")


def test_objects(card: Tool) -> None:
    card.run(f"{PIV} objects generate {ADMIN} chuid")
    card.write("data", bytes(range(256)) * 11)
    card.run(f"{PIV} objects import {ADMIN} 0x5fff10 data")
    card.run(f"{PIV} objects export 0x5fff10 found")
    assert card.read("found") == card.read("data")


def test_reset(card: Tool) -> None:
    """It uses up the tries by itself."""
    card.run(f"{PIV} keys generate {ADMIN} -a ECCP256 9a public.pem")
    card.run(f"{PIV} access change-pin -P {PIN} -n 654321")
    card.run(f"{PIV} reset -f")
    card.run(f"{PIV} access change-pin -P {PIN} -n 654321")
    assert "Attestation failed" in card.fail(f"{PIV} keys attest 9a -")
