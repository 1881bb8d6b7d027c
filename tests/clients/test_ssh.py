"""OpenSSH with keys that are on a token: logins, an agent, certificates, signatures."""

from __future__ import annotations

import getpass
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.clients import piv
from tests.clients.ledger import Works
from tests.clients.sshd import ASK_PIN, admit, prepare_server
from tests.clients.system import pkcs11_module
from tests.clients.tokens import with_keys
from tests.clients.tool import Tool
from tests.clients.ways import Way, by_every_way, through_service
from tests.piv import cards as piv_cards
from ushield.device.assembly import assemble

KEYS = {"rsa1024": "RSA-1024", "rsa2048": "RSA-2048", "p256": "P-256", "p384": "P-384"}
LOGIN = "ssh -F ssh.conf"
BY_LIBRARY = f"{LOGIN} -I {pkcs11_module()}"

SIGN_BY_AGENT = """
ssh-add -s {module}
echo 'Pay 12,345.67' > order
ssh-add -L | while read -r key; do
    echo "$key" > key.pub
    rm -f order.sig
    ssh-keygen -Y sign -n order -f key.pub order
    ssh-keygen -Y check-novalidate -n order -s order.sig < order
done
"""
LOGIN_BY_AGENT = """
ssh-add -s {module}
ssh-add -L | while read -r key; do
    echo "$key" > key.pub
    {login} -i key.pub -o IdentitiesOnly=yes server < /dev/null
done
ssh-add -e {module}
! ssh-add -L
"""


@pytest.fixture
def token(way: Way, folder: Path) -> Iterator[Tool]:
    """OpenSSH with a token of four keys, and a server."""
    with way.inserted(assemble(with_keys(*KEYS), strict=True)):
        tool = Tool(folder, {**way.variables, **ASK_PIN})
        prepare_server(tool)
        yield tool


def public_keys(token: Tool) -> list[str]:
    """The public keys of all tokens, in OpenSSH's form."""
    return token.run(f"ssh-keygen -D {pkcs11_module()}").splitlines()


def script(tool: Tool, text: str) -> str:
    """Run the lines with an agent of their own, which ends with them."""
    tool.write("script", text.format(module=pkcs11_module(), login=LOGIN).encode())
    return tool.run("ssh-agent sh -e script")


def test_ssh_keygen_lists_the_keys(token: Tool, works: Works) -> None:
    listed = public_keys(token)
    for number in range(1, len(KEYS) + 1):
        token.run(f"pkcs15-tool --read-ssh-key {number:02} -o key.pub")
        assert token.read("key.pub").split()[1].decode() in listed[number - 1]
    works("OpenSSH", "`ssh-keygen -D` lists the public keys", *KEYS.values())


@by_every_way
def test_a_login_with_each_key(token: Tool, works: Works) -> None:
    for name, key in zip(KEYS.values(), public_keys(token), strict=True):
        admit(token, key)
        token.see(f"{BY_LIBRARY} server", "welcome, key 1")
        works("OpenSSH", "login (`ssh -I`)", name)
    admit(token)
    assert "Permission denied" in token.fail(f"{BY_LIBRARY} server")


def test_logins_by_an_agent_with_two_tokens(folder: Path, works: Works) -> None:
    with through_service(folder, "left", "right") as way:
        way.service.insert("left", assemble(with_keys(*KEYS, label="left"), strict=True))
        way.service.insert(
            "right", assemble(with_keys("p256", "rsa2048", label="right"), strict=True)
        )
        tool = Tool(folder, {**way.variables, **ASK_PIN})
        prepare_server(tool)
        keys = public_keys(tool)
        assert len(set(keys)) == 6
        admit(tool, *keys)
        said = script(tool, LOGIN_BY_AGENT)
        assert [f"welcome, key {number}" in said for number in range(1, 7)] == [True] * 6
    works("OpenSSH", "logins by `ssh-agent` (`ssh-add -s`), with two tokens", *KEYS.values())


def test_signatures_by_the_agent(token: Tool, works: Works) -> None:
    assert script(token, SIGN_BY_AGENT).count('Good "order" signature') == len(KEYS)
    works("OpenSSH", "`ssh-keygen -Y sign` by `ssh-agent`", *KEYS.values())


def test_certificates_that_the_token_signs(token: Tool, works: Works) -> None:
    """The server trusts the token's key, whoever has a certificate by it is let in."""
    token.run("ssh-keygen -q -t ed25519 -N '' -f user")
    for name, key in zip(KEYS.values(), public_keys(token), strict=True):
        token.write("ca.pub", b"")
        assert "Permission denied" in token.fail(f"{LOGIN} -i user server true")
        token.write("ca.pub", key.encode() + b"\n")
        token.run(
            f"ssh-keygen -s ca.pub -D {pkcs11_module()} -I someone -n {getpass.getuser()} user.pub"
        )
        token.see("ssh-keygen -L -f user-cert.pub", 'Key ID: "someone"', "using ")
        token.see(f"{LOGIN} -i user server echo welcome", "welcome")
        works("OpenSSH", "a certificate signed by the token (`ssh-keygen -s`, `-D`)", name)


@by_every_way
def test_a_login_with_a_piv_card(way: Way, folder: Path, works: Works) -> None:
    slots = {0x9A: piv_cards.RSA_2048, 0x9E: piv_cards.P_256}
    with way.inserted(piv_cards.assemble(piv.with_keys(slots))):
        tool = Tool(folder, {**way.variables, **ASK_PIN})
        prepare_server(tool)
        for key in public_keys(tool):
            admit(tool, key)
            tool.see(f"{BY_LIBRARY} server", "welcome, key 1")
    works("OpenSSH", "login (`ssh -I`)", "PIV RSA-2048", "PIV P-256")


def test_keys_that_want_the_pin_anew(way: Way, folder: Path, works: Works) -> None:
    """ssh asks for it; the agent has nobody to ask, and refuses."""
    card = assemble(with_keys("rsa2048", "p256", pin_each_signature=True), strict=True)
    with way.inserted(card):
        tool = Tool(folder, {**way.variables, **ASK_PIN})
        prepare_server(tool)
        keys = public_keys(tool)
        for name, key in zip(("RSA-2048", "P-256"), keys, strict=True):
            admit(tool, key)
            tool.see(f"{BY_LIBRARY} server", "welcome, key 1")
            works("OpenSSH", "login (`ssh -I`) with a key that wants the PIN anew", name)
        admit(tool, *keys)
        tool.write("script", LOGIN_BY_AGENT.format(module=pkcs11_module(), login=LOGIN).encode())
        said = tool.run("ssh-agent sh script")
        assert said.count("agent refused operation") == 2 and "welcome" not in said
    works("OpenSSH", "fails: `ssh-agent` cannot ask for the PIN of a key that wants it anew")
