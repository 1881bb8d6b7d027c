"""A PIV token of `ushield init --applet piv`: other people's programs use it and add to it."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.clients.cards import PIN
from tests.clients.kinds import P_256 as KIND_P_256
from tests.clients.kinds import (
    check_agreement,
    check_deciphering,
    check_ecdsa,
    check_rsa_signatures,
)
from tests.clients.ledger import Works
from tests.clients.piv import (
    ADMIN,
    make_token,
    module,
    needs,
    our_token_in_reader,
    version,
)
from tests.clients.system import work_folder
from tests.clients.tool import Tool, ushield
from tests.clients.ways import PCSCD, WAYS, ThroughPcscd
from tests.pcscd import Pcscd, eventually

LOGIN = f"pkcs11-tool -l -p {PIN}"
FIVE = "--key rsa2048 --key rsa2048 --key rsa2048 --key p256 --key p256"
"""9A, 9C, 9D, 9E, and 82, which is the first retired slot."""

needs_yubico = needs("yubico-piv-tool", "yubico-piv-tool, ykcs11")
needs_ykman = needs("ykman", "yubikey-manager")
needs_p11tool = needs("p11tool", "gnutls-bin")


@contextmanager
def in_pcscd(options: str, daemon: Pcscd) -> Iterator[Tool]:
    """The command line with a token of ours in pcscd's reader, by `serve --vpcd`."""
    with work_folder() as folder:
        make_token(folder, options)
        serve = ushield(folder, f"serve my.token --vpcd 127.0.0.1:{daemon.port}")
        with subprocess.Popen(serve, stdout=subprocess.DEVNULL) as server:
            eventually(lambda: daemon.reader().present, "the token is in the reader")
            yield Tool(folder, ThroughPcscd(daemon).variables)
            server.terminate()
        assert server.returncode == 0
        eventually(lambda: not daemon.reader().present, "the token is out of the reader")


@pytest.fixture(scope="module", params=WAYS)
def token(request: pytest.FixtureRequest) -> Iterator[Tool]:
    """A token with keys in five slots, by every way in."""
    options = f"--applet piv {FIVE}"
    if request.param == PCSCD:
        with in_pcscd(options, request.getfixturevalue("pcscd")) as tool:
            yield tool
    else:
        with our_token_in_reader(options) as tool:
            yield tool


@pytest.fixture
def own() -> Iterator[Tool]:
    """A token that a test may change."""
    with our_token_in_reader("--applet piv --key rsa1024 --key p256") as tool:
        yield tool


# --- its word for its keys ------------------------------------------------------------------------


@needs_yubico
def test_yubico_piv_tool_gets_a_keys_attestation(own: Tool, works: Works) -> None:
    own.run("yubico-piv-tool -a read-certificate -s f9 -o f9.pem")
    for slot, kind in (("9a", "RSA-1024"), ("9c", "P-256")):
        own.run(f"yubico-piv-tool -a attest -s {slot} -o word.pem")
        _check_attestation(own, slot)
        works("yubico-piv-tool", "has the card attest that it made a key", f"PIV {kind}")


@needs_ykman
def test_ykman_gets_a_keys_attestation(own: Tool, works: Works) -> None:
    own.run("ykman -r Yubi piv certificates export f9 f9.pem")
    for slot, kind in (("9a", "RSA-1024"), ("9c", "P-256")):
        own.run(f"ykman -r Yubi piv keys attest {slot} word.pem")
        _check_attestation(own, slot)
        works("ykman", "has the card attest that it made a key", f"PIV {kind}")


@needs_yubico
def test_a_key_from_outside_gets_no_attestation(own: Tool) -> None:
    own.run("openssl genpkey -algorithm rsa -pkeyopt rsa_keygen_bits:2048 -out k.pem")
    own.run(f"yubico-piv-tool -k{ADMIN} -a import-key -s 9d -i k.pem")
    own.fail("yubico-piv-tool -a attest -s 9d -o word.pem")


def _check_attestation(own: Tool, slot: str) -> None:
    own.see("openssl verify -CAfile f9.pem word.pem", "word.pem: OK")
    said = own.run("openssl x509 -in word.pem -noout -subject -issuer -pubkey")
    assert f"YubiKey PIV Attestation {slot}" in said and "U-Shield PIV Attestation" in said
    own.run(f"pkcs15-tool --read-public-key {'01' if slot == '9a' else '02'} -o public.pem")
    assert "".join(own.run("cat public.pem").split()) in "".join(said.split())


# --- OpenSC ---------------------------------------------------------------------------------------


def test_opensc_takes_it_for_piv(token: Tool) -> None:
    token.see("opensc-tool --name", "Personal Identity Verification Card")
    token.see("piv-tool --name", "Personal Identity Verification Card")


def test_the_self_test(token: Tool) -> None:
    assert token.run(f"{LOGIN} --test").splitlines()[-1] == "No errors"


def test_every_slot_by_pkcs11(token: Tool) -> None:
    """OpenSC shows a retired key because the token says how many there are."""
    for ident in ("01", "02"):
        token.run(f"pkcs15-tool --read-public-key {ident} -o public.pem")
        check_rsa_signatures(token, ident)
    token.run("pkcs15-tool --read-public-key 03 -o public.pem")
    check_deciphering(token, "03")
    token.run("pkcs15-tool --read-public-key 04 -o public.pem")
    check_ecdsa(token, "04")
    token.run("pkcs15-tool --read-public-key 05 -o public.pem")
    check_agreement(token, KIND_P_256, "05")


def test_certificates_are_for_the_keys(token: Tool) -> None:
    for number in range(1, 6):
        token.run(f"pkcs15-tool --read-certificate 0{number} -o c{number}.pem")
        token.run(f"pkcs15-tool --read-public-key 0{number} -o p{number}.pem")
        token.run(f"openssl x509 -in c{number}.pem -noout -pubkey -out named.pem")
        assert token.read("named.pem").split() == token.read(f"p{number}.pem").split()
    for number in (1, 2, 4):
        token.see(f"openssl verify -CAfile c{number}.pem c{number}.pem", "OK")


def test_the_signature_key_wants_the_pin_each_time(token: Tool) -> None:
    listed = token.run(f"{LOGIN} --list-objects --type privkey")
    assert listed.count("always authenticate") == 1


def test_ssh_knows_the_keys(token: Tool) -> None:
    kinds = [line.split()[0] for line in token.run(f"ssh-keygen -D {_opensc()}").splitlines()]
    assert kinds.count("ssh-rsa") == 3 and kinds.count("ecdsa-sha2-nistp256") == 2


@needs_p11tool
def test_gnutls_signs(token: Tool) -> None:
    start = f"env GNUTLS_PIN={PIN} p11tool --provider {_opensc()} --login"
    assert "Private key (RSA-2048)" in token.run(f"{start} --list-all")
    token.see(f"{start} --test-sign 'pkcs11:id=%01;type=private'", "ok")


def test_piv_tool_writes_with_the_management_key(own: Tool) -> None:
    own.write("admin.key", ":".join(["3C"] * 24).encode())
    own.run("openssl req -x509 -newkey rsa:2048 -nodes -keyout k.pem -subj /CN=x -out other.pem")
    # Its exit code is the number of bytes that it has written.
    own.run("sh -c 'PIV_EXT_AUTH_KEY=admin.key piv-tool -A M:9B:03 -C 9E -i other.pem || true'")
    own.run("pkcs15-tool --read-certificate 04 -o found.pem")
    assert own.read("found.pem") == own.read("other.pem")


# --- Yubico ---------------------------------------------------------------------------------------


@needs_yubico
def test_yubico_piv_tool_sees_who_and_what_it_is(token: Tool) -> None:
    full = re.search(r"Yes +(.+)", token.run("opensc-tool --list-readers"))
    assert full is not None
    status = token.run(f"yubico-piv-tool -r '{full[1]}' -a status")
    assert "Version:\t5.7.0" in status and "CHUID:\t3019d4e739da" in status
    assert "CCC:\tf015a000000116ff02" in status
    for slot, algorithm in (("9a", "RSA2048"), ("9c", "RSA2048"), ("9e", "ECCP256")):
        assert f"Slot {slot}:\t\n\tAlgorithm:\t{algorithm}" in status


@needs_yubico
def test_yubico_piv_tool_uses_the_keys(own: Tool) -> None:
    verified = f"yubico-piv-tool -a verify-pin -P {PIN}"
    for slot in ("9a", "9c"):
        own.run(f"yubico-piv-tool -a read-certificate -s {slot} -o c.pem")
        own.see(f"{verified} -a test-signature -s {slot} -i c.pem", "Successful")
    own.fail("yubico-piv-tool -a generate -s 9d -A ECCP256")
    own.run(f"yubico-piv-tool -k{ADMIN} -a generate -s 9d -A ECCP256 -o public.pem")


@needs_yubico
def test_ykcs11(own: Tool) -> None:
    login = f"pkcs11-tool --module {module('libykcs11.so')} -l -p {PIN}"
    assert own.run(f"{login} -t").splitlines()[-1] == "No errors"
    own.write("order.txt", b"order")
    for ident, mechanism in (("01", "SHA256-RSA-PKCS"), ("02", "ECDSA-SHA256")):
        own.run(f"{login} --id {ident} --read-object --type cert -o c.der")
        own.run("openssl x509 -inform DER -in c.der -noout -pubkey -out public.pem")
        sign = f"{login} --id {ident} -s -m {mechanism} --signature-format openssl"
        own.run(f"{sign} -i order.txt -o s.bin")
        own.see("openssl dgst -sha256 -verify public.pem -signature s.bin order.txt", "OK")


@needs_ykman
def test_ykman(own: Tool) -> None:
    piv = "ykman -r Yubico piv"
    said = " ".join(own.run(f"{piv} info").split())
    assert "PIV version: 5.7.0" in said and "PIN tries remaining: 6/6" in said
    assert "Using default Management key" not in said
    own.run(f"{piv} keys generate -m {ADMIN} -a ECCP384 9e public.pem")
    own.run(f"{piv} certificates generate -m {ADMIN} -P {PIN} -s CN=holder 9e public.pem")
    own.run(f"{piv} certificates export 9e c.pem")
    own.see("openssl verify -CAfile c.pem c.pem", "OK")


# --- both applets ---------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def both() -> Iterator[Tool]:
    with our_token_in_reader("--applet both --key rsa2048 --key p256") as tool:
        yield tool


def test_opensc_takes_a_token_with_both_for_pkcs15(both: Tool) -> None:
    both.see("opensc-tool --name", "OsEID")
    assert both.run(f"{LOGIN} --test").splitlines()[-1] == "No errors"


def test_opensc_can_be_told_to_take_it_for_piv(both: Tool) -> None:
    told = f"env OPENSC_DRIVER=PIV-II {LOGIN}"
    both.see(f"{told} --list-objects", "PIV AUTH key", "SIGN key")
    assert both.run(f"{told} --test").splitlines()[-1] == "No errors"


@needs_yubico
def test_yubicos_programs_find_the_other_applet(both: Tool) -> None:
    both.see("yubico-piv-tool -a status", "Slot 9a", "Slot 9c")
    login = f"pkcs11-tool --module {module('libykcs11.so')} -l -p {PIN}"
    assert both.run(f"{login} -t").splitlines()[-1] == "No errors"


@needs_yubico
def test_one_after_the_other_they_do_not_disturb_each_other(both: Tool) -> None:
    for _ in range(3):
        both.run(f"{LOGIN} -s -m SHA256-RSA-PKCS --id 01 -i /etc/hostname -o s.bin")
        both.run(f"yubico-piv-tool -a verify-pin -P {PIN}")
    assert version(both, "yubico-piv-tool -a version") == (5, 7, 0)


def _opensc() -> str:
    return module("opensc-pkcs11.so")
