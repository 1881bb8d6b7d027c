"""The recipes of docs/clients.md for OpenSC, Python, OpenSSH and OpenSSL do what they say."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from tests.clients.cards import PIN, PUK, SO_PIN
from tests.clients.recipes import follow
from tests.clients.sshd import ASK_PIN, admit, prepare_server
from tests.clients.system import ROOT, inside
from tests.clients.test_openssl import PRESENT, Access
from tests.clients.tokens import with_keys
from tests.clients.tool import Tool
from tests.clients.ways import Way
from ushield.device.assembly import assemble

# Where this system's Python has the libraries of the tests.
PYTHON_FIRST = "/usr/bin:/bin" if ROOT else f"{Path(sys.executable).parent}:{os.environ['PATH']}"


@pytest.fixture
def mine(way: Way, folder: Path) -> Iterator[Tool]:
    """The command line with a token of two keys."""
    with way.inserted(assemble(with_keys("rsa2048", "p256"), strict=True)):
        yield Tool(folder, way.variables)


@pytest.fixture
def ssh(way: Way, folder: Path) -> Iterator[Tool]:
    """The same with a server by the name of `server`, which knows nobody."""
    with way.inserted(assemble(with_keys("rsa2048", "p256"), strict=True)):
        tool = Tool(folder, {**way.variables, **ASK_PIN})
        prepare_server(tool)
        (folder / "bin").mkdir()
        program = folder / "bin" / "ssh"
        program.write_text(f'#!/bin/sh\nexec /usr/bin/ssh -F {inside(folder)}/ssh.conf "$@"\n')
        program.chmod(stat.S_IRWXU)
        yield tool


def path_of(tool: Tool) -> str:
    """Where programs are looked for: first in the folder."""
    return f"{inside(tool.folder)}/bin:/usr/bin:/bin"


def test_opensc(mine: Tool) -> None:
    said = follow(mine, "opensc", "pkcs11 tool", ID="01", PIN=PIN)
    assert "Private RSA Key" in said and "No errors" in said and "Verified OK" in said


def test_a_blank_token(blank: Tool) -> None:
    said = follow(blank, "pkcs15 init", PIN=PIN)
    assert "Private RSA Key" in said and "Private EC Key" in said


def test_what_pkcs11_tool_cannot_do(token: Tool) -> None:
    token.fail(f"pkcs11-tool --init-token --label x --so-pin {SO_PIN}")
    token.fail(f"pkcs11-tool --init-pin --login --login-type so --so-pin {SO_PIN} --pin {PIN}")
    token.fail(f"pkcs11-tool --unlock-pin --puk {PUK} --new-pin {PIN}")
    token.run(f"pkcs15-tool --unblock-pin -a 1 --puk {PUK} --new-pin {PIN}")


@pytest.mark.parametrize("library", ["PyKCS11", "python pkcs11"])
def test_python(mine: Tool, library: str) -> None:
    said = follow(mine, library, PATH=PYTHON_FIRST, PIN=PIN)
    mine.run("pkcs15-tool --read-certificate 01 -o mine.pem")
    key = x509.load_pem_x509_certificate(mine.read("mine.pem")).public_key()
    assert isinstance(key, RSAPublicKey)
    key.verify(bytes.fromhex(said.split()[-1]), b"Pay 12,345.67", PKCS1v15(), hashes.SHA256())


def test_logins(ssh: Tool) -> None:
    follow(ssh, "ssh", PATH=path_of(ssh))
    keys = ssh.read("keys.pub").decode().splitlines()
    assert len(keys) == 2
    for key in keys:
        admit(ssh, key)
        for recipe in ("ssh login", "ssh agent"):
            assert "welcome, key 1" in follow(ssh, recipe, PATH=path_of(ssh))


def test_an_authority_of_ssh(ssh: Tool) -> None:
    ssh.run("ssh-keygen -q -t ed25519 -N '' -f user")
    user = ssh.read("ssh.conf").decode().split("User ")[1].split()[0]
    said = follow(ssh, "ssh keygen", "ssh by certificate", PATH=path_of(ssh), USER=user)
    assert "ED25519-CERT" in said and "CA RSA" in said


@pytest.mark.parametrize("access", PRESENT, ids=lambda access: access.program)
def test_messages(mine: Tool, access: Access) -> None:
    plug = "engine" if access.program == "libp11" else "provider"
    said = follow(mine, "names", plug, "cms", f"cms with {plug}", "cms checked", ID="01", PIN=PIN)
    assert said.count("Pay 12,345.67") == 2 and "Verification successful" in said


def test_an_authority(mine: Tool) -> None:
    for ident in ("01", "02"):
        said = follow(mine, "names", "engine", "authority", ID=ident, PIN=PIN)
        assert "user.pem: OK" in said
        mine.see("openssl req -in me.csr -noout -verify", "OK")
        (mine.folder / "index.txt").unlink()
