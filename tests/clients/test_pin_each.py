"""Keys that want the PIN anew for each signature, with OpenSC: it asks, and the card insists.

OpenSC 0.23 keeps no PIN that guards such a key, and then lacks it when its PKCS#11 module makes a
file: for a further key, or for what a key agreement gives. 0.26 does not.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import closing

import pytest

from tests.clients.cards import PIN
from tests.clients.kinds import (
    P_256,
    RSA_2048,
    Kind,
    check_agreement,
    check_deciphering,
    check_ecdsa,
    check_rsa_signatures,
    of_kinds,
)
from tests.clients.ledger import Works
from tests.clients.piv import version
from tests.clients.system import work_folder
from tests.clients.tool import Tool, ushield
from tests.clients.ways import through_service
from ushield.device.assembly import assemble
from ushield.device.image import open_image

LOGIN = f"pkcs11-tool -l -p {PIN}"
DERIVE = f"{LOGIN} --derive -m ECDH1-DERIVE -i peer.der -o shared.bin"
OPENSC = "opensc-tool --info"
ALWAYS = "always authenticate"

ONE_LOGIN = """
import glob, sys, pkcs11
(module,) = glob.glob("/usr/lib/*/opensc-pkcs11.so")
token = next(iter(pkcs11.lib(module).get_tokens()))
session = token.open(user_pin=sys.argv[1])
key = session.get_key(pkcs11.ObjectClass.PRIVATE_KEY, id=b"\\1")
assert key[pkcs11.Attribute.ALWAYS_AUTHENTICATE]
for _ in range(3):
    try:
        key.sign(b"order", mechanism=pkcs11.Mechanism.SHA256_RSA_PKCS)
    except pkcs11.PKCS11Error as error:
        print(type(error).__name__)
    else:
        print("signed")
"""


@pytest.fixture(scope="module")
def made() -> Iterator[tuple[Tool, Mapping[str, str]]]:
    """A token of ours, with an RSA-2048 and a P-256 key of this sort."""
    with work_folder() as folder, through_service(folder) as way:
        options = "--key rsa2048 --key p256 --pin-each-signature"
        subprocess.run(ushield(folder, f"init my.token {options}"), check=True)
        with closing(open_image(folder / "my.token")) as store, way.inserted(assemble(store)):
            yield Tool(folder, way.variables), way.variables


@pytest.fixture
def ours(made: tuple[Tool, Mapping[str, str]]) -> Tool:
    """The command line with that token in the reader."""
    return made[0]


def test_opensc_sees_that_they_want_it(ours: Tool) -> None:
    assert ours.run(f"{LOGIN} --list-objects --type privkey").count(ALWAYS) == 2


@pytest.mark.parametrize(("kind", "ident"), [(RSA_2048, "01"), (P_256, "02")])
def test_uses_by_pkcs11(ours: Tool, kind: Kind, ident: str, works: Works) -> None:
    _check_uses(ours, kind, ident)
    works("OpenSC", "`pkcs11-tool` gives the PIN anew for each use of a key", kind.label)


def test_the_self_test_asks_for_each_use(ours: Tool) -> None:
    ours.see(f"{LOGIN} --test", "RSA-PKCS-OAEP", "No errors")


def test_a_program_that_logs_in_once_signs_once(
    made: tuple[Tool, Mapping[str, str]],
) -> None:
    """What is verified by C_Login serves for one signature. A program of this system."""
    tool, variables = made
    done = subprocess.run(
        [sys.executable, "-c", ONE_LOGIN, PIN],
        env={**variables, "XDG_CACHE_HOME": str(tool.folder / "cache")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["signed", "UserNotLoggedIn", "UserNotLoggedIn"]


@of_kinds([RSA_2048, P_256])
def test_a_key_that_opensc_makes_so(token: Tool, kind: Kind, works: Works) -> None:
    token.run(
        f"pkcs15-init -G {kind.opensc} -i 10 -a 1 --pin {PIN} -u {kind.usage} --user-consent 1"
    )
    assert ALWAYS in token.run(f"{LOGIN} --list-objects --type privkey")
    _check_uses(token, kind, "10")
    works("OpenSC", "`pkcs15-init` makes a key that wants the PIN for each use", kind.label)


@of_kinds([RSA_2048, P_256])
def test_a_key_that_pkcs11_makes_so(token: Tool, kind: Kind) -> None:
    token.run(f"{LOGIN} --keypairgen --key-type {kind.pkcs11} --id 12 --always-auth")
    assert ALWAYS in token.run(f"{LOGIN} --list-objects --type privkey")
    _check_uses(token, kind, "12")


def test_agreement_on_a_key_by_pkcs11(ours: Tool) -> None:
    if version(ours, OPENSC) < (0, 26):
        _leave_a_peer(ours)
        assert "C_DeriveKey failed" in ours.fail(f"{DERIVE} --id 02")
    else:
        ours.run("pkcs15-tool --read-public-key 02 -o public.pem")
        check_agreement(ours, P_256, "02")


def test_a_further_key_by_pkcs11(token: Tool) -> None:
    token.run(f"{LOGIN} --keypairgen --key-type {P_256.pkcs11} --id 12 --always-auth")
    further = f"{LOGIN} --keypairgen --key-type {P_256.pkcs11} --id 13"
    if version(token, OPENSC) < (0, 26):
        assert "C_GenerateKeyPair failed" in token.fail(further)
        token.run(f"pkcs15-init -G {P_256.opensc} -i 13 -a 1 --pin {PIN} -u {P_256.usage}")
    else:
        token.run(further)


def _leave_a_peer(token: Tool) -> None:
    token.run(f"openssl genpkey -quiet -algorithm {P_256.openssl} -out peer.pem")
    token.run("openssl pkey -in peer.pem -pubout -outform DER -out peer.der")


def _check_uses(token: Tool, kind: Kind, ident: str) -> None:
    token.run(f"pkcs15-tool --read-public-key {ident} -o public.pem")
    if kind.rsa:
        check_rsa_signatures(token, ident)
        check_deciphering(token, ident)
    else:
        check_ecdsa(token, ident)
