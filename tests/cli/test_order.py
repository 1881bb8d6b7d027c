"""Orders on the command line: shown without a token, signed and verified with one."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from apdu.order import build_order
from host.orderfile import describe
from tests.cli.program import ok, run
from tests.message.samples import TRANSFER


@pytest.fixture(scope="module")
def order(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("order") / "order.yaml"
    path.write_text("".join(f"{name}: {value}\n" for name, value in describe(TRANSFER)), "utf-8")
    return path


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("token") / "first.token"
    ok("init", path, "--key", "rsa2048:sign")
    return path


@pytest.fixture(scope="module")
def second(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("token") / "second.token"
    ok("init", path, "--generation", "2", "--key", "p256:sign", "--key", "p256")
    return path


def test_an_order_is_shown(order: Path) -> None:
    shown = ok("order", "show", order)
    assert shown.text == order.read_text("utf-8")
    assert ok("order", "show", "-", stdin=shown.out).text == shown.text


def test_the_bytes_that_are_signed(order: Path, tmp_path: Path) -> None:
    written = tmp_path / "order.bin"
    ok("order", "show", order, "--binary", "-o", written)
    assert written.read_bytes() == build_order(TRANSFER)


def test_signed_and_verified(order: Path, first: Path, tmp_path: Path) -> None:
    signature, binary, public = (tmp_path / name for name in ("sig", "bin", "pub"))
    ok("order", "sign", order, "-o", signature, "--token", first)
    verify = ("order", "verify", "--signature", signature, "--token", first)
    assert ok(*verify, order).text == "the signature is right\n"
    changed = order.read_bytes().replace(b"1,234,567.89", b"1,234,567.88")
    done = run(*verify, stdin=changed)
    assert (done.code, done.error) == (
        1,
        "ushield: the signature is wrong: another key, another order, or a changed one\n",
    )
    ok("order", "show", order, "--binary", "-o", binary)
    certificate = ok("cert", "--token", first).out
    public.write_bytes(
        subprocess.run(
            ["openssl", "x509", "-noout", "-pubkey"],
            input=certificate,
            capture_output=True,
            check=True,
        ).stdout
    )
    seen = subprocess.run(
        ["openssl", "dgst", "-sha256", "-verify", public, "-signature", signature, binary],
        capture_output=True,
        check=True,
    )
    assert seen.stdout == b"Verified OK\n"


def test_a_token_image_has_no_display(order: Path, second: Path) -> None:
    done = run("order", "sign", order, "--token", second)
    assert done.code == 1
    assert done.error.startswith("ushield: this wants Confirm at the key, which has no display")
    assert "`ushield serve IMAGE --display web`" in done.error and done.error.count("\n") == 1


@pytest.mark.parametrize("text", ["[" * 100_000, "a: " + "[" * 3000 + "]" * 3000])
def test_lists_within_lists_are_no_order(text: str) -> None:
    assert run("order", "show", stdin=text.encode()).error == (
        "ushield: an order is a list of fields, not lists within lists\n"
    )


def test_what_is_no_order_is_said_before_the_pin_is_asked_for(first: Path) -> None:
    done = run("order", "sign", "--token", first, stdin=b"kind: gift", unset=("USHIELD_PIN",))
    assert (done.code, done.error) == (
        1,
        (
            "ushield: there is no kind 'gift'; there are transfer, remittance, bill, shopping, "
            "agreement, login, bank-login\n"
        ),
    )
    assert run("order", "show", stdin=b"\xff").error == "ushield: an order is written in UTF-8\n"


def test_info_says_which_keys_ask(first: Path, second: Path) -> None:
    assert "shows what it signs" in ok("info", "--token", second).text
    assert "wants Confirm each time" in ok("info", "--token", second).text
    assert "Confirm" not in ok("info", "--token", first).text
    rules = [
        key["consent"] for key in json.loads(ok("info", "--json", "--token", second).out)["keys"]
    ]
    assert rules == ["content", "press"]


def test_a_token_of_both_applets(tmp_path: Path) -> None:
    path = tmp_path / "both.token"
    ok("init", path, "--applet", "both", "--generation", "2", "--key", "p256")
    shown = ok("info", "--token", path).text
    assert shown.count("wants Confirm each time") == 1, "PIV keys are as PIV makes them"


def test_a_key_that_shows_takes_one_kind_of_signature(second: Path) -> None:
    done = run("sign", "--hash", "sha384", "--token", second, stdin=b"a:b")
    assert "SHA-256 and PKCS#1 v1.5 or ECDSA" in done.error


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--confirm", "deletion"), "only a token with a display asks"),
        (("--language", "zh_CN"), "only a token with a display asks"),
        (("--generation", "2", "--confirm", "nothing", "--confirm", "deletion"), "stands alone"),
        (("--generation", "2", "--blank"), "--blank leaves keys"),
        (("--generation", "3"), "Invalid value for '--generation'"),
        (("--generation", "2", "--confirm-seconds", "901"), "--confirm-seconds"),
        (("--key", "rsa2048:content:sign"), "is no key"),
    ],
)
def test_tokens_that_there_are_not(options: tuple[str, ...], words: str, tmp_path: Path) -> None:
    done = run("init", tmp_path / "x.token", *options)
    assert done.code in (1, 2)
    assert words in done.error
    assert not (tmp_path / "x.token").exists()
