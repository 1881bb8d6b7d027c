"""PIV tokens on the command line: made, looked at, put into readers."""

from __future__ import annotations

import json
import shutil
import sqlite3
from pathlib import Path
from typing import Any
from zlib import crc32

import pytest

from apdu.pivkey import FACTORY_KEY
from applet.piv import ATR
from host.errors import SecurityStatusError, WrongData
from host.memory import MemoryTransport
from host.piv.manage import PivManager, read_management_key
from tests.cli.program import COMMAND, PIN, PUK, ok, refused
from ushield.tokens import new_piv_token, open_piv_token, open_token

ADMIN = "5a3c" * 16


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("piv") / "piv.token"
    ok("init", path, "--applet", "piv", "--key", "p256", "--key", "rsa1024", "--key", "p384")
    return path


def info(path: Path) -> Any:
    return json.loads(ok("info", "--json", "--token", path, USHIELD_PIN=None).text)


def test_init_says_what_it_made(tmp_path: Path) -> None:
    path = tmp_path / "piv.token"
    assert ok("init", path, "--applet", "piv", "--key", "p256").text == f"{path}: a PIV token\n"


def test_keys_are_in_the_slots_in_their_order(made: Path) -> None:
    found = info(made)
    assert found["applets"] == ["piv"]
    assert [(key["slot"], key["kind"], key["bits"]) for key in found["piv"]["keys"]] == [
        ("9a", "ec", 256),
        ("9c", "rsa", 1024),
        ("9d", "ec", 384),
    ]
    assert [key["pin_each_use"] for key in found["piv"]["keys"]] == [False, True, False]
    assert [entry["slot"] for entry in found["piv"]["certificates"]] == ["9a", "9c", "9d"]
    assert (found["piv"]["pin_tries_left"], found["piv"]["puk_tries_left"]) == (6, 10)
    assert len(bytes.fromhex(found["piv"]["guid"])) == 16


def test_info_for_people(made: Path) -> None:
    text = ok("info", "--token", made).text
    assert "PIV, version 5.7.0" in text
    assert "9c    signature key" in text and "PIN anew each time" in text


def test_pin_and_puk_are_the_chosen_ones(made: Path, tmp_path: Path) -> None:
    with open_piv_token(Path(shutil.copy(made, tmp_path))) as client:
        client.verify_pin(PIN)
        client.unblock_pin(PUK, PIN)
        PivManager(client).authenticate(FACTORY_KEY)


def test_the_management_key_is_the_chosen_one_and_never_shown(tmp_path: Path) -> None:
    path = tmp_path / "piv.token"
    done = ok("init", path, "--applet", "piv", "--key", "p256", USHIELD_MANAGEMENT_KEY=ADMIN)
    assert ADMIN not in done.text + done.error
    with open_piv_token(path) as client:
        with pytest.raises((SecurityStatusError, WrongData)):
            PivManager(client).authenticate(FACTORY_KEY)
        PivManager(client).authenticate(read_management_key(ADMIN))


@pytest.mark.parametrize("key", ["00" * 15, "0x" + "00" * 23, "swordfish-swordfish"])
def test_a_management_key_that_is_none(tmp_path: Path, key: str) -> None:
    path = tmp_path / "piv.token"
    line = refused("init", path, "--applet", "piv", USHIELD_MANAGEMENT_KEY=key)
    assert "management key" in line and key not in line
    assert not path.exists()


def test_both_applets(tmp_path: Path) -> None:
    path = tmp_path / "both.token"
    done = ok("init", path, "--applet", "both", "--key", "p256:sign", "--label", "two in one")
    assert "called two in one, which is a PIV token too" in done.text
    found = info(path)
    assert found["applets"] == ["pkcs15", "piv"]
    assert (found["label"], found["keys"][0]["label"]) == ("two in one", "sign key")
    assert [key["slot"] for key in found["piv"]["keys"]] == ["9a"]
    text = ok("info", "--token", path).text
    assert text.index("two in one") < text.index("\nPIV\n") < text.index("9a")
    with open_token(path) as client:
        client.verify_pin(PIN)
    with open_piv_token(path) as piv:
        piv.verify_pin(PIN)


def test_a_card_as_from_the_factory(tmp_path: Path) -> None:
    path = tmp_path / "piv.token"
    done = ok("init", path, "--applet", "piv", "--blank", USHIELD_PIN=None, USHIELD_PUK=None)
    assert "a PIV token as from the factory" in done.text
    found = info(path)["piv"]
    assert (found["keys"], found["certificates"], found["guid"]) == ([], [], None)
    with open_piv_token(path) as client:
        client.verify_pin("123456")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--label", "mine"), "--label is for PKCS#15"),
        (("--pin-each-signature",), "--pin-each-signature is for PKCS#15"),
        (("--generation", "2"), "--generation 2 is for PKCS#15"),
        (("--key", "rsa2048:sign"), "no key 'rsa2048:sign'"),
        (("--blank", "--key", "p256"), "--blank"),
        (("--key", "p256") * 25, "24 slots"),
    ],
)
def test_what_piv_does_not_have(tmp_path: Path, options: tuple[str, ...], said: str) -> None:
    path = tmp_path / "piv.token"
    assert said in refused("init", path, "--applet", "piv", *options)
    assert not path.exists()


@pytest.mark.parametrize("command", ["sign", "decipher", "cert", "verify", "encipher"])
def test_commands_for_the_other_applet_say_so(made: Path, command: str) -> None:
    line = refused(command, "--token", made, stdin=b"x")
    assert line == "this card has no PKCS#15 application: `ushield info` tells what it has"


def test_a_token_of_a_later_version_is_left_alone(made: Path, tmp_path: Path) -> None:
    path = Path(shutil.copy(made, tmp_path / "later.token"))
    with sqlite3.connect(path) as image:
        image.execute(
            "UPDATE cell SET value = ?, sum = ? WHERE name = 'applets'",
            (b"openpgp", crc32(b"openpgp", crc32(b"applets"))),
        )
    image.close()
    assert "another version of ushield" in refused("info", "--token", path)
    assert "another version of ushield" in refused("run", "--token", path, "--", "true")


# --- in readers -----------------------------------------------------------------------------------


def test_run_with_a_token_of_an_image(made: Path) -> None:
    said = ok("run", "--token", made, "--", "opensc-tool", "--name").text
    assert said == "Personal Identity Verification Card\n"


@pytest.mark.parametrize(
    ("applet", "name"),
    [("piv", "Personal Identity Verification Card\n"), ("both", "OsEID 4.5.0\n")],
)
def test_run_with_a_fresh_token(applet: str, name: str) -> None:
    fresh = ("run", "--applet", applet, "--key", "p256", "--")
    assert ok(*fresh, "opensc-tool", "--name").text == name
    found = json.loads(ok(*fresh, *COMMAND, "info", "--json").text)
    assert [key["slot"] for key in found["piv"]["keys"]] == ["9a"]


def test_a_fresh_token_has_keys_in_four_slots() -> None:
    found = json.loads(ok("run", "--applet=piv", "--", *COMMAND, "info", "--json").text)
    assert [(key["slot"], key["bits"]) for key in found["piv"]["keys"]] == [
        ("9a", 2048),
        ("9c", 2048),
        ("9d", 2048),
        ("9e", 256),
    ]


def test_readers_are_managed_whatever_is_in_them(made: Path) -> None:
    program = " ".join(COMMAND)
    steps = f"""
        {program} reader remove
        {program} reader insert {made}
        {program} reader list
        {program} info --json
    """
    said = ok("run", "--token", made, "--", "sh", "-ec", steps).text
    assert f"{made} is in ushield 00 00" in said
    assert f"ATR {ATR.hex()}" in said and '"slot": "9a"' in said


# --- in Python ------------------------------------------------------------------------------------


def test_a_token_in_memory() -> None:
    with new_piv_token(pin=PIN, puk=PUK, keys=["p256"], management_key=ADMIN) as client:
        signature = client.sign(b"order", pin=PIN)
        assert client.check_signature(signature, b"order")
        assert isinstance(client.link.transport, MemoryTransport)
