"""Java's tools with keys that are on a token, by the recipes of docs/clients.md."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.clients.cards import PIN
from tests.clients.ledger import Works
from tests.clients.recipes import fail, follow
from tests.clients.test_tls import STATUS_OF_PIN
from tests.clients.tokens import with_keys
from tests.clients.tool import Tool
from tests.clients.ways import Way
from ushield.device.assembly import assemble

KEYS = {"rsa2048": "RSA-2048", "p256": "P-256", "p384": "P-384"}


@pytest.fixture
def token(way: Way, folder: Path) -> Iterator[Tool]:
    """The command line with a token of three keys, and a file to sign."""
    with way.inserted(assemble(with_keys(*KEYS), strict=True)):
        tool = Tool(folder, way.variables)
        tool.write("order.txt", b"Pay 12,345.67\n")
        yield tool


@pytest.mark.parametrize("key", KEYS)
def test_a_signed_jar(token: Tool, key: str, works: Works) -> None:
    said = follow(token, "java", PIN=PIN, NAME=f"{key} key")
    for known in KEYS:
        assert f"{known} key, PrivateKeyEntry" in said
    token.see("jarsigner -verify -verbose -certs order.jar", "X.509, CN=mine", "jar verified.")
    follow(token, "jar checked", PIN=PIN, NAME=f"{key} key")
    works("Java", "`keytool -list`", *KEYS.values())
    works("Java", "`jarsigner` signs", KEYS[key])


def test_a_changed_jar_does_not_verify(token: Tool) -> None:
    """What the other test relies on: the check sees one byte that is not as signed."""
    follow(token, "java", PIN=PIN, NAME="p256 key")
    with zipfile.ZipFile(token.folder / "order.jar") as signed:
        content = {name: signed.read(name) for name in signed.namelist()}
    assert content["order.txt"] == b"Pay 12,345.67\n"
    content["order.txt"] = b"Pay 92,345.67\n"
    with zipfile.ZipFile(token.folder / "order.jar", "w") as changed:
        for name, data in content.items():
            changed.writestr(name, data)
    fail(token, "jar checked", PIN=PIN, NAME="p256 key")


def test_a_wrong_pin_costs_one_try(token: Tool) -> None:
    fail(token, "java", PIN="000000", NAME="p256 key")
    token.see(STATUS_OF_PIN, "SW1=0x63, SW2=0xC5")
