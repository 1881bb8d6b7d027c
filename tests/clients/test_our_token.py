"""A token of `ushield init`: OpenSC uses it and adds to it."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager

import pytest

from tests.clients.cards import PIN
from tests.clients.kinds import (
    P_256,
    RSA_2048,
    Kind,
    bring_key,
    check_deciphering,
    check_every_use,
    check_rsa_signatures,
    of_kinds,
)
from tests.clients.system import work_folder
from tests.clients.tool import Tool, ushield
from tests.clients.ways import PCSCD, WAYS, ThroughPcscd, through_service
from tests.pcscd import Pcscd, eventually
from ushield.device.assembly import assemble
from ushield.device.image import open_image

LISTS = "pkcs15-tool --list-keys --list-public-keys --list-certificates"
EVERY_KIND = "--key rsa1024 --key rsa2048 --key p256 --key p384"


@pytest.fixture(scope="module")
def usual() -> Iterator[Tool]:
    """The usual token: one key to sign and one to decipher."""
    with _token_in_service("") as tool:
        yield tool


@pytest.fixture(scope="module", params=WAYS)
def full(request: pytest.FixtureRequest) -> Iterator[Tool]:
    """A token with keys of many kinds, each for everything it can, by every way in."""
    if request.param == PCSCD:
        daemon = request.getfixturevalue("pcscd")
        with _token_in_pcscd(EVERY_KIND, daemon) as tool:
            yield tool
    else:
        with _token_in_service(EVERY_KIND) as tool:
            yield tool


@contextmanager
def _token_in_service(options: str) -> Iterator[Tool]:
    with work_folder() as folder, through_service(folder) as way:
        subprocess.run(ushield(folder, f"init my.token {options}"), check=True)
        with closing(open_image(folder / "my.token")) as store, way.inserted(assemble(store)):
            yield Tool(folder, way.variables)


@contextmanager
def _token_in_pcscd(options: str, daemon: Pcscd) -> Iterator[Tool]:
    with work_folder() as folder:
        subprocess.run(ushield(folder, f"init my.token {options}"), check=True)
        serve = ushield(folder, f"serve my.token --vpcd 127.0.0.1:{daemon.port}")
        with subprocess.Popen(serve, stdout=subprocess.DEVNULL) as server:
            eventually(lambda: daemon.reader().present, "the token is in the reader")
            yield Tool(folder, ThroughPcscd(daemon).variables)
            server.terminate()
        assert server.returncode == 0
        eventually(lambda: not daemon.reader().present, "the token is out of the reader")


def test_the_usual_token_tests_itself(usual: Tool) -> None:
    _check_self_test(usual)


def test_the_full_token_tests_itself(full: Tool) -> None:
    _check_self_test(full)


def test_the_usual_keys_do_what_they_are_for(usual: Tool) -> None:
    usual.run("pkcs15-tool --read-public-key 01 -o public.pem")
    check_rsa_signatures(usual, "01")
    usual.run("pkcs15-tool --read-public-key 02 -o public.pem")
    check_deciphering(usual, "02")


def test_certificates_of_ours_are_for_the_keys(usual: Tool) -> None:
    for ident in ("01", "02"):
        usual.run(f"pkcs15-tool --read-certificate {ident} -o c{ident}.pem")
        usual.run(f"pkcs15-tool --read-public-key {ident} -o public.pem")
        usual.run(f"openssl x509 -in c{ident}.pem -noout -pubkey -out named.pem")
        usual.run("openssl pkey -pubin -in public.pem -out known.pem")
        assert usual.read("named.pem") == usual.read("known.pem")
    usual.see("openssl verify -CAfile c01.pem c01.pem", "c01.pem: OK")


@of_kinds([RSA_2048, P_256])
def test_opensc_adds_and_deletes(usual: Tool, kind: Kind) -> None:
    before = usual.run(LISTS)
    bring_key(usual, kind)
    usual.run("openssl req -x509 -key k.pem -subj /CN=guest -out c.pem")
    usual.run(f"pkcs15-init -G {kind.opensc} -i 50 -a 1 --pin {PIN} -u {kind.usage}")
    usual.run(f"pkcs15-init -S k.pem -i 51 -a 1 --pin {PIN} -u {kind.usage}")
    usual.run(f"pkcs15-init -X c.pem -i 51 -a 1 --pin {PIN}")
    check_every_use(usual, kind, "50")
    check_every_use(usual, kind, "51")
    usual.run(f"pkcs15-init -D privkey,pubkey -i 50 -a 1 --pin {PIN}")
    usual.run(f"pkcs15-init -D privkey,pubkey,cert -i 51 -a 1 --pin {PIN}")
    assert usual.run(LISTS) == before


def _check_self_test(token: Tool) -> None:
    token.see(f"pkcs11-tool -l -p {PIN} -t", "No errors\n")
