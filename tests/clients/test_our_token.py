"""A token of `ushield init`, plugged in by `ushield serve`: OpenSC uses it and adds to it."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import pytest

from tests.clients.cards import PIN, PUK
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
from tests.clients.tool import Tool
from tests.pcscd import eventually, missing, private_pcscd

USHIELD = f"{sys.executable} -m ushield"
LISTS = "pkcs15-tool --list-keys --list-public-keys --list-certificates"
EVERY_KIND = "--key rsa1024 --key rsa2048 --key p256 --key p384"


@pytest.fixture(scope="module")
def usual(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tool]:
    """The usual token: one key to sign and one to decipher."""
    yield from _serve(tmp_path_factory, "")


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tool]:
    """A token with keys of many kinds, each for everything it can."""
    yield from _serve(tmp_path_factory, EVERY_KIND)


def _serve(folders: pytest.TempPathFactory, options: str) -> Iterator[Tool]:
    if lack := missing():
        pytest.skip(lack)
    with private_pcscd() as daemon:
        secrets = {"USHIELD_PIN": PIN, "USHIELD_PUK": PUK}
        tool = Tool(folders.mktemp("token"), daemon.env | secrets)
        tool.run(f"{USHIELD} init my.token {options}")
        with tool.background(f"{USHIELD} serve my.token --vpcd 127.0.0.1:{daemon.port}"):
            eventually(lambda: daemon.reader().present, "the token is in the reader")
            yield tool


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
