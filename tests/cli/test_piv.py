"""PIV tokens on the command line: made, looked at, put into readers."""

from __future__ import annotations

import json
import shutil
import sqlite3
import subprocess
from pathlib import Path
from typing import Any
from zlib import crc32

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from apdu.pivkey import FACTORY_KEY
from applet.piv import ATR
from host.errors import SecurityStatusError, WrongData
from host.memory import MemoryTransport
from host.orderfile import describe
from host.piv.manage import PivManager, read_management_key
from tests.cli.program import COMMAND, NEW_PIN, PIN, PUK, ok, refused
from tests.message.samples import TRANSFER
from ushield.tokens import new_piv_token, open_piv_token, open_token

ORDER = b"pay 100.00 CNY to Li Lei"
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
    assert text.index("two in one") < text.index("\nPIV\n") < text.index("\n9a ")
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
        (("--key", "rsa2048:sign"), "--key rsa2048:sign: what a PIV key is for, its slot says"),
        (("--blank", "--key", "p256"), "--blank"),
        (("--key", "p256") * 25, "24 slots"),
    ],
)
def test_what_piv_does_not_have(tmp_path: Path, options: tuple[str, ...], said: str) -> None:
    path = tmp_path / "piv.token"
    assert said in refused("init", path, "--applet", "piv", *options)
    assert not path.exists()


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


# --- the holder's commands ------------------------------------------------------------------------


@pytest.mark.parametrize(
    "options",
    [
        ("--key", "9a"),
        ("--key", "9C", "--hash", "sha512"),
        ("--key", "signature key", "--padding", "pss"),
        ("--key", "9d", "--hash", "sha384"),
    ],
)
def test_a_signature_is_checked_with_the_keys_certificate(
    made: Path, tmp_path: Path, options: tuple[str, ...]
) -> None:
    signature = tmp_path / "sig"
    ok("sign", "--token", made, *options, "-o", signature, stdin=ORDER)
    check: list[str | Path] = ["verify", "--signature", signature, "--token", made, *options]
    assert ok(*check, stdin=ORDER, USHIELD_PIN=None).text == "the signature is right\n"
    assert "the signature is wrong" in refused(*check, stdin=ORDER + b"!")


def test_without_a_choice_the_first_key_that_may(made: Path, tmp_path: Path) -> None:
    order, signature, public = (tmp_path / name for name in ("order", "sig", "pem"))
    order.write_bytes(ORDER)
    ok("sign", order, "--token", made, "-o", signature)
    certificate = x509.load_pem_x509_certificate(ok("cert", "--token", made).out)
    public.write_bytes(
        certificate.public_key().public_bytes(
            Encoding.PEM, format=PublicFormat.SubjectPublicKeyInfo
        )
    )
    check = ("openssl", "dgst", "-sha256", "-verify", public, "-signature", signature, order)
    subprocess.run(check, check=True, stdout=subprocess.DEVNULL)


@pytest.mark.parametrize("padding", ["pkcs1", "oaep"])
def test_a_secret(tmp_path: Path, padding: str) -> None:
    path, secret = tmp_path / "piv.token", tmp_path / "secret"
    ok("init", path, "--applet", "piv", "--key", "p256", "--key", "p256", "--key", "rsa1024")
    options: tuple[str | Path, ...] = ("--token", path, "--padding", padding)
    ok("encipher", *options, "-o", secret, stdin=b"hush", USHIELD_PIN=None)
    assert ok("decipher", secret, *options).out == b"hush"
    longer = refused("encipher", *options, stdin=bytes(128))
    assert longer == f"this key takes {117 if padding == 'pkcs1' else 62} bytes at most, not 128"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("sign", "--key", "9e"), "the token has no key in slot 9E"),
        (("sign", "--key", "my key"), "the token has no key labelled 'my key'"),
        (("encipher", "--key", "9a"), "this key is on a curve: it enciphers and deciphers nothing"),
        (("encipher",), "the token has no key that may decipher"),
        (("cert", "--key", "9e"), "the token has no key in slot 9E"),
        (("sign", "--applet", "pkcs15"), "this card has no PKCS#15 application: `ushield info` "),
    ],
)
def test_what_this_token_does_not_have(made: Path, arguments: tuple[str, ...], said: str) -> None:
    assert refused(*arguments, "--token", made, stdin=b"x").startswith(said)


def test_orders_are_for_pkcs15(made: Path, tmp_path: Path) -> None:
    order = tmp_path / "order.yaml"
    order.write_text("".join(f"{name}: {value}\n" for name, value in describe(TRANSFER)), "utf-8")
    assert "no PKCS#15 application" in refused("order", "sign", order, "--token", made)


def test_pins(made: Path, tmp_path: Path) -> None:
    token: tuple[str | Path, ...] = ("--token", Path(shutil.copy(made, tmp_path)))
    assert ok("verify", *token).text == "the PIN is right\n"
    assert refused("verify", *token, USHIELD_PIN="000000") == "the PIN is wrong: 5 tries left"
    changed = ok("change-pin", *token, USHIELD_NEW_PIN=NEW_PIN)
    assert changed.text == "the PIN is changed\n"
    assert "the PIN is wrong" in refused("sign", *token, stdin=ORDER)
    assert "tries left" in refused("unblock", *token, USHIELD_PUK="0" * 8, USHIELD_NEW_PIN=PIN)
    ok("unblock", *token, USHIELD_NEW_PIN=PIN)
    ok("sign", *token, "-o", tmp_path / "sig", stdin=ORDER)
    wrong = [
        refused("unblock", *token, USHIELD_PUK="0" * 8, USHIELD_NEW_PIN=PIN) for _ in range(10)
    ]
    assert wrong[-1] == "the PUK is blocked: a blocked PIN stays so until the token is erased"


def test_a_card_with_both_is_asked_for_pkcs15_unless_told_otherwise(tmp_path: Path) -> None:
    path = tmp_path / "both.token"
    ok("init", path, "--applet", "both", "--key", "p256:sign")
    token: tuple[str | Path, ...] = ("--token", path)
    certificates = {ok("cert", *token, "--applet", name).out for name in ("pkcs15", "piv")}
    assert len(certificates) == 2
    assert ok("cert", *token).out == ok("cert", *token, "--applet", "pkcs15").out
    assert ok("cert", *token, "--key", "1").out == ok("cert", *token).out
    in_reader = ("run", *token, "--", *COMMAND)
    assert ok(*in_reader, "cert", "--applet", "piv").out in certificates
    ok("change-pin", *token, "--applet", "piv", USHIELD_NEW_PIN=NEW_PIN)
    ok("verify", *token)
    ok("verify", *token, "--applet", "piv", USHIELD_PIN=NEW_PIN)


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
