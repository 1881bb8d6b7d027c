"""Everyday commands on a token image, their results checked by openssl and `cryptography`."""

from __future__ import annotations

import json
import shlex
import stat
import subprocess
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from host.manage import TokenManager
from host.usage import Usage
from tests.cli.program import COMMAND, NEW_PIN, PIN, PUK, SO_PIN, environment, ok, refused, run
from ushield.tokens import open_token

ORDER = b"pay 100.00 CNY to Li Lei\n"


def test_init_makes_a_private_file_and_says_so(tmp_path: Path) -> None:
    path = tmp_path / "new.token"
    done = ok("init", path, "--key", "p256", "--label", "my key")
    assert str(path) in done.text
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert "my key" in ok("info", "--token", path, USHIELD_PIN=None).text


def test_by_default_one_key_signs_and_one_deciphers(tmp_path: Path) -> None:
    path = tmp_path / "new.token"
    ok("init", path)
    keys = json.loads(ok("info", "--json", "--token", path).text)["keys"]
    assert [(key["kind"], key["bits"]) for key in keys] == [("rsa", 2048), ("rsa", 2048)]
    assert "sign" in keys[0]["usage"] and "decrypt" not in keys[0]["usage"]
    assert "decrypt" in keys[1]["usage"] and "sign" not in keys[1]["usage"]


def test_a_signature_is_checked_with_the_key_that_signs_not_with_the_first(tmp_path: Path) -> None:
    path, signature = tmp_path / "new.token", tmp_path / "sig"
    ok("init", path, "--key", "rsa1024:decipher", "--key", "p256:sign")
    ok("sign", "--token", path, "-o", signature, stdin=ORDER)
    said = ok("verify", "--signature", signature, "--token", path, stdin=ORDER).text
    assert said == "the signature is right\n"


def test_info_for_programs(made: Path) -> None:
    found = json.loads(ok("info", "--json", "--token", made).text)
    assert found["label"] == "U-Shield"
    assert found["phase"] == "activated"
    assert (found["pin_tries_left"], found["puk_tries_left"]) == (6, 10)
    assert len(bytes.fromhex(found["serial"])) == 10
    assert [key["number"] for key in found["keys"]] == [1, 2]
    assert len(found["certificates"]) == 2
    for certificate in found["certificates"]:
        assert certificate["subject"] == certificate["issuer"] == "CN=Li Lei,O=Example"
        begin, end = (
            datetime.fromisoformat(certificate[name]) for name in ("not_before", "not_after")
        )
        assert timedelta(days=5 * 365) <= end - begin <= timedelta(days=5 * 366)


def test_a_signature_is_what_openssl_takes(made: Path, tmp_path: Path) -> None:
    order, signature, certificate = (tmp_path / name for name in ("order", "sig", "pem"))
    order.write_bytes(ORDER)
    ways: tuple[tuple[str, tuple[str, ...]], ...] = (
        ("1", ()),
        ("2", ()),
        ("1", ("--hash", "sha512")),
        ("1", ("--padding", "pss")),
    )
    for key, options in ways:
        ok("sign", order, "-o", signature, "--key", key, *options, "--token", made)
        ok("cert", "-o", certificate, "--key", key, "--token", made)
        public = subprocess.run(
            ["openssl", "x509", "-in", certificate, "-noout", "-pubkey"],
            check=True,
            capture_output=True,
        ).stdout
        (tmp_path / "pub").write_bytes(public)
        digest = f"-{options[1] if '--hash' in options else 'sha256'}"
        pss = ("-sigopt", "rsa_padding_mode:pss") if "pss" in options else ()
        subprocess.run(
            [
                *("openssl", "dgst", digest, "-verify", tmp_path / "pub"),
                *(*pss, "-signature", signature, order),
            ],
            check=True,
            capture_output=True,
        )
        arguments: tuple[str | Path, ...] = (
            "verify",
            order,
            "--signature",
            signature,
            "--key",
            key,
            *options,
        )
        assert "right" in ok(*arguments, "--token", made, USHIELD_PIN=None).text
        order.write_bytes(ORDER + b"!")
        assert "wrong" in refused(*arguments, "--token", made)
        order.write_bytes(ORDER)


def test_standard_input_and_output(made: Path) -> None:
    signature = ok("sign", "--key", "1", "--token", made, stdin=ORDER).out
    der = ok("cert", "--der", "--token", made).out
    public = x509.load_der_x509_certificate(der).public_key()
    assert isinstance(public, rsa.RSAPublicKey)
    public.verify(signature, ORDER, padding.PKCS1v15(), hashes.SHA256())


@pytest.mark.parametrize("mode", ["pkcs1", "oaep"])
def test_encipher_and_decipher(tmp_path: Path, mode: str) -> None:
    token = tmp_path / "new.token"
    ok("init", token)
    arguments = ("--padding", mode, "--token", token)
    cryptogram = ok("encipher", *arguments, stdin=b"a secret", USHIELD_PIN=None).out
    assert len(cryptogram) == 256
    assert ok("decipher", *arguments, stdin=cryptogram).out == b"a secret"


def test_verify_change_unblock(token: Path, tmp_path: Path) -> None:
    at = ("--token", token)
    assert "right" in ok("verify", *at).text
    ok("change-pin", *at, USHIELD_NEW_PIN=NEW_PIN)
    assert "5 tries left" in refused("verify", *at)
    assert "right" in ok("verify", *at, USHIELD_PIN=NEW_PIN).text
    for left in (5, 4, 3, 2, 1):
        assert f"{left} tr" in refused("verify", *at, USHIELD_PIN="000000")
    assert "blocked" in refused("verify", *at, USHIELD_PIN="000000")
    line = refused("sign", *at, stdin=ORDER, USHIELD_PIN=NEW_PIN)
    assert "blocked" in line and "ushield unblock" in line
    found = json.loads(ok("info", "--json", *at).text)
    assert (found["phase"], found["pin_tries_left"]) == ("pin_blocked", 0)
    assert "9 tries left" in refused("unblock", *at, USHIELD_PUK="00000000", USHIELD_NEW_PIN=PIN)
    ok("unblock", *at, USHIELD_NEW_PIN=PIN)
    ok("verify", *at)


def test_pins_from_a_file(token: Path, tmp_path: Path) -> None:
    file = tmp_path / "pins"
    file.write_text(f"{PIN}\n{PUK}\n{NEW_PIN}\n{SO_PIN}\n")

    def alone(*arguments: str | Path) -> None:
        """With nothing in the environment."""
        none = ("USHIELD_PIN", "USHIELD_PUK", "USHIELD_SO_PIN")
        ok(*arguments, "--pin-file", file, unset=none)

    alone("verify", "--token", token)
    alone("change-pin", "--token", token)
    alone("init", tmp_path / "other.token", "--key", "p256")
    ok("verify", "--token", tmp_path / "other.token")


def test_blank_is_as_born(tmp_path: Path) -> None:
    path = tmp_path / "blank.token"
    ok("init", path, "--blank", USHIELD_PIN=None, USHIELD_PUK=None)
    found = json.loads(ok("info", "--json", "--token", path).text)
    assert found["phase"] == "manufactured"
    assert found["pin_tries_left"] is None
    assert found["keys"] == found["certificates"] == []
    assert "manufactured" in ok("info", "--token", path).text


def test_the_demo_holds() -> None:
    done = ok("demo", USHIELD_PIN=None, USHIELD_PUK=None)
    assert "FAILED" not in done.text
    assert "VERIFY" in done.text and "not shown" in done.text
    assert "Li Lei          2/6" in done.text and "Mallory" not in done.text
    assert "18 of 18 checks held" in done.text
    for secret in ("246810", "97531864", "135791"):
        assert secret not in done.text
        assert secret.encode().hex() not in done.text.lower()


def test_a_key_that_wants_the_pin_each_time(tmp_path: Path) -> None:
    path, order, signature = (tmp_path / name for name in ("my.token", "order", "sig"))
    order.write_bytes(ORDER)
    ok("init", path, "--key", "rsa1024", "--key", "p256", "--pin-each-signature")
    keys = json.loads(ok("info", "--json", "--token", path).text)["keys"]
    assert [key["pin_each_use"] for key in keys] == [True, True]
    assert ok("info", "--token", path).text.count("PIN anew each time") == 2
    for number in ("1", "2"):
        ok("sign", order, "-o", signature, "--token", path, "--key", number)
        ok("verify", order, "--signature", signature, "--token", path, "--key", number)
    secret = ok("encipher", "--token", path, stdin=b"secret").out
    assert ok("decipher", "--token", path, stdin=secret).out == b"secret"


def test_a_blank_token_has_no_keys_to_want_the_pin(tmp_path: Path) -> None:
    line = refused("init", tmp_path / "new.token", "--blank", "--pin-each-signature")
    assert "other programs" in line


# --- what would be lost ---------------------------------------------------------------------------


def test_nothing_is_enciphered_for_a_key_that_cannot_decipher_it(tmp_path: Path) -> None:
    path = tmp_path / "new.token"
    ok("init", path, "--key", "rsa1024:sign", "--key", "rsa1024:decipher")
    for way in ("pkcs1", "oaep"):
        wrong = ("encipher", "--token", path, "--key", "1", "--padding", way)
        assert "deciphers nothing: what it is given would be lost" in refused(*wrong, stdin=b"x")
        ok("encipher", "--token", path, "--key", "2", "--padding", way, stdin=b"x")


def test_the_token_is_never_the_output(token: Path) -> None:
    before = token.read_bytes()
    for command in ("sign", "cert", "encipher"):
        line = refused(command, "--token", token, "-o", token, stdin=ORDER)
        assert line == f"{token} is the token itself: name another file with -o"
    assert token.read_bytes() == before


@pytest.mark.parametrize("output", ["none/sig", "."])
def test_an_output_that_cannot_be_is_said_before_the_pin(
    token: Path, tmp_path: Path, output: str
) -> None:
    line = refused("sign", "--token", token, "-o", tmp_path / output, stdin=ORDER, USHIELD_PIN=None)
    assert line in (
        f"{tmp_path / output}: No such file or directory",
        f"{tmp_path / output}: Is a directory",
    )


def test_a_key_that_is_not_there_is_said_before_the_pin(token: Path) -> None:
    for command in ("sign", "decipher"):
        line = refused(command, "--token", token, "--key", "77", stdin=ORDER, USHIELD_PIN=None)
        assert line == "the token has no key with reference 77"


def test_a_link_is_replaced_where_it_leads(tmp_path: Path) -> None:
    real, link = tmp_path / "real.token", tmp_path / "link.token"
    ok("init", real, "--key", "p256")
    link.symlink_to(real)
    ok("init", link, "--force", "--key", "p384")
    assert link.is_symlink()
    assert json.loads(ok("info", "--json", "--token", real).text)["keys"][0]["bits"] == 384


# --- what cannot be -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--key", "rsa1024:press"), "--key rsa1024:press needs a token with a display"),
        (("--key", "p256:sign:content"), "--key p256:sign:content needs a token with a display"),
    ],
)
def test_keys_that_a_token_cannot_have(tmp_path: Path, options: tuple[str, ...], said: str) -> None:
    path = tmp_path / "new.token"
    assert said in refused("init", path, *options, USHIELD_PIN=None, USHIELD_PUK=None)
    assert not path.exists()


@pytest.mark.parametrize(("kind", "use"), [("p256", "decipher"), ("rsa1024", "derive")])
def test_a_use_that_keys_of_this_kind_have_not(tmp_path: Path, kind: str, use: str) -> None:
    done = run("init", tmp_path / "new.token", "--key", f"{kind}:{use}")
    assert done.code == 2 and f"a key of type {kind} cannot be one to {use}" in done.error


def test_a_blank_token_says_what_it_lacks(tmp_path: Path) -> None:
    path = tmp_path / "blank.token"
    ok("init", path, "--blank")
    assert refused("cert", "--token", path) == "the token has no certificate of this key"
    line = refused("verify", "--token", path)
    assert line.startswith("VERIFY: the token has no PIN yet, or is out of use")


def test_a_key_is_chosen_by_a_label_of_digits(tmp_path: Path, made: Path) -> None:
    path = tmp_path / "new.token"
    with open_token(made) as whole:
        label = whole.keys()[0].label
    ok("init", path, "--key", "p256")
    with open_token(path) as client:
        client.verify_pin(PIN)
        TokenManager(client).generate_key("p384", label="77", usage=Usage.SIGN)
        assert client.named("77") == "77" and client.named("2") == 2 and client.named("9") == 9
        assert client.named("1" * 5000) == "1" * 5000 and client.named(label) == label
    signature = ok("sign", "--token", path, "--key", "77", stdin=ORDER).out
    assert signature != ok("sign", "--token", path, "--key", "1", stdin=ORDER).out


def test_a_pin_file_with_a_mark_at_its_beginning(token: Path, tmp_path: Path) -> None:
    pins = tmp_path / "pins"
    pins.write_text(f"{PIN}\n", "utf-8-sig")
    ok("verify", "--token", token, "--pin-file", pins, USHIELD_PIN=None)


@pytest.mark.parametrize(
    ("command", "stream", "said"),
    [
        ("sign", "<&-", "standard input is closed: name a file"),
        ("cert", ">&-", "standard output is closed: name a file with -o"),
    ],
)
def test_a_stream_that_is_closed(token: Path, command: str, stream: str, said: str) -> None:
    line = f"{shlex.join(COMMAND)} {command} --token {token} {stream}"
    done = subprocess.run(
        ["sh", "-c", line], env=environment(), capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (1, f"ushield: {said}\n")
