"""PINs typed at a prompt, and what is shown at a terminal."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import pytest

from tests.cli.program import NEW_PIN, PIN, PUK, ok
from tests.cli.terminal import Seen, at_terminal, ushield

NOTHING_SET = ("USHIELD_PIN", "USHIELD_PUK", "USHIELD_SO_PIN")
CTRL_C, CTRL_D = "\x03", "\x04"


def alone(arguments: list[str], *typed: str) -> Seen:
    """With nothing in the environment; what was typed is not to be seen."""
    seen = at_terminal(arguments, *typed, unset=NOTHING_SET)
    assert "Traceback" not in seen.screen
    for secret in (PIN, PUK, NEW_PIN):
        assert secret not in seen.screen
    return seen


def test_a_pin_is_asked_for(token: Path) -> None:
    seen = alone(ushield("verify", "--token", token), f"{PIN}\n")
    assert seen.code == 0 and "PIN: " in seen.screen and "right" in seen.screen
    seen = alone(ushield("verify", "--token", token), "000000\n")
    assert seen.code == 1 and "5 tries left" in seen.screen


def test_what_is_set_is_asked_for_twice(tmp_path: Path) -> None:
    path = tmp_path / "new.token"
    init = ushield("init", path, "--key", "p256")
    assert "differ" in alone(init, f"{PIN}\n", "135791\n").screen
    assert not list(tmp_path.iterdir())
    seen = alone(init, f"{PIN}\n", f"{PIN}\n", f"{PUK}\n", f"{PUK}\n")
    assert seen.code == 0 and "PUK again: " in seen.screen
    seen = alone(
        ushield("change-pin", "--token", path), *[f"{pin}\n" for pin in (PIN, *[NEW_PIN] * 2)]
    )
    assert seen.code == 0 and "changed" in seen.screen
    seen = alone(ushield("unblock", "--token", path), *[f"{pin}\n" for pin in (PUK, *[PIN] * 2)])
    assert seen.code == 0
    ok("verify", "--token", path)


def test_nobody_types_a_pin_for_a_file_that_cannot_be_made(token: Path) -> None:
    seen = alone(ushield("init", token))
    assert seen.code == 1 and "--force" in seen.screen and "PIN" not in seen.screen


@pytest.mark.parametrize(("typed", "code"), [(CTRL_C, 130), (CTRL_D, 1), ("\n", 1)])
def test_leaving_the_prompt(token: Path, typed: str, code: int) -> None:
    assert alone(ushield("verify", "--token", token), typed).code == code
    assert '"pin_tries_left": 6' in ok("info", "--json", "--token", token).text


def test_the_prompt_comes_also_when_the_order_comes_through_a_pipe(
    token: Path, tmp_path: Path
) -> None:
    signature = tmp_path / "sig"
    sign = shlex.join(ushield("sign", "--token", token))
    seen = alone(["sh", "-c", f"echo an order | {sign} > {signature}"], f"{PIN}\n")
    assert seen.code == 0, seen.screen
    given = ("verify", "--signature", signature, "--token", token)
    assert "right" in ok(*given, stdin=b"an order\n").text


def test_a_terminal_gets_text_only(tmp_path: Path) -> None:
    path = tmp_path / "new.token"
    ok("init", path)
    at = ("--token", path)
    for command in (("sign", Path(__file__)), ("cert", "--der")):
        seen = at_terminal(ushield(*command, *at))
        assert seen.code == 1 and "-o" in seen.screen
    assert "BEGIN CERTIFICATE" in at_terminal(ushield("cert", *at)).screen
    secret = tmp_path / "secret"
    for text in ("pay 100.00 CNY\n", "付款\n"):
        ok("encipher", *at, "-o", secret, stdin=text.encode())
        assert text.strip() in at_terminal(ushield("decipher", secret, *at)).screen
    ok("encipher", *at, "-o", secret, stdin=b"\x1b[31m")
    assert at_terminal(ushield("decipher", secret, *at)).code == 1


def test_a_terminal_without_the_letters_of_a_label(tmp_path: Path) -> None:
    path = tmp_path / "new.token"
    ok("init", path, "--key", "p256", "--label", "令牌", PYTHONIOENCODING="ascii")
    assert "??" in ok("info", "--token", path, PYTHONIOENCODING="ascii").text
    found = json.loads(ok("info", "--json", "--token", path, PYTHONIOENCODING="ascii").text)
    assert found["label"] == "令牌"


def test_a_label_is_shown_and_not_obeyed(tmp_path: Path) -> None:
    path = tmp_path / "new.token"
    ok("init", path, "--key", "p256", "--label", "[bold red]mine[/]")
    assert "[bold red]mine[/]" in at_terminal(ushield("info", "--token", path)).screen


def test_what_is_wrong_with_the_rest_is_said_before_anybody_types(tmp_path: Path) -> None:
    for options in (["--key", "rsa1024:decipher"], ["--label", "x" * 40], ["--subject", "foo"]):
        seen = alone(ushield("init", tmp_path / "new.token", *options))
        assert seen.code == 1 and "PIN: " not in seen.screen
    assert not list(tmp_path.iterdir())


def test_a_terminal_gets_no_signature_and_nobody_types_a_pin_for_one(token: Path) -> None:
    seen = alone(ushield("sign", token, "--token", token))
    assert seen.code == 1 and "no text for a terminal" in seen.screen
    assert "PIN: " not in seen.screen


def test_typed_bytes_that_are_no_text_are_not_shown(token: Path) -> None:
    """A terminal that does not write UTF-8."""
    seen = at_terminal(ushield("verify", "--token", token), "\udcff12\n", unset=NOTHING_SET)
    assert seen.code == 1 and "the PIN is not text as this terminal writes it" in seen.screen
    assert "0xff" not in seen.screen and "Traceback" not in seen.screen


def test_the_name_of_a_reader_is_shown_and_not_obeyed(tmp_path: Path) -> None:
    trace = tmp_path / "trace.jsonl"
    head = {"format": "ushield-trace", "version": 1, "by": "somebody", "reader": "X\x1b[31mY"}
    command = {"t": 1, "command": "GET CHALLENGE", "header": "00840000", "le": 8}
    trace.write_text(json.dumps(head) + "\n" + json.dumps(command) + "\n")
    seen = alone(ushield("trace", "show", trace))
    assert "reader X\N{REPLACEMENT CHARACTER}[31mY" in seen.screen
