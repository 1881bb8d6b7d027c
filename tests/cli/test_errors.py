"""What a user can do wrong: one line that says what and what to do, exit code 1; usage: 2."""

from __future__ import annotations

import os
import signal
import subprocess
import tomllib
from pathlib import Path

import pytest

from tests.cli.program import COMMAND, environment, ok, refused, run

COMMANDS = (
    *("init", "serve", "info", "verify", "cert", "sign", "decipher", "encipher"),
    *("change-pin", "unblock", "demo", "run", "reader", "conformance"),
)


def test_help_explains_each_command() -> None:
    text = ok("--help").text
    for command in COMMANDS:
        assert command in text
        page = ok(command, "--help").text
        assert "Usage" in page and len(page) > 200


@pytest.mark.parametrize(
    "arguments",
    [("nonsense",), ("init",), ("sign", "--hash", "md5"), ("init", "x", "--key", "rsa512")],
)
def test_wrong_usage_is_exit_code_2(arguments: tuple[str, ...]) -> None:
    assert run(*arguments).code == 2


def test_an_existing_token_is_kept_without_force(token: Path) -> None:
    before = token.read_bytes()
    assert "--force" in refused("init", token, "--key", "p256")
    assert token.read_bytes() == before
    ok("init", token, "--key", "p256", "--force")
    assert token.read_bytes() != before


@pytest.mark.parametrize("command", ["info", "sign", "verify"])
def test_what_is_no_image(tmp_path: Path, command: str) -> None:
    letter = tmp_path / "letter.txt"
    letter.write_text("dear bank, " * 50)
    assert "not a token image" in refused(command, "--token", letter)
    assert letter.read_text() == "dear bank, " * 50
    assert "does not exist" in refused(command, "--token", tmp_path / "nothing")
    assert "not a token image" in refused("init", letter, "--key", "p256", "--force")


def test_files_that_are_not_there(made: Path, tmp_path: Path) -> None:
    assert "No such file" in refused("sign", tmp_path / "nothing", "--token", made)
    assert "No such file" in refused("cert", "-o", tmp_path / "no" / "pem", "--token", made)
    assert "No such file" in refused("verify", "--pin-file", tmp_path / "no", "--token", made)


def test_the_version_is_told() -> None:
    project = Path(__file__).parents[2] / "pyproject.toml"
    version = tomllib.loads(project.read_text())["project"]["version"]
    assert ok("--version").text == f"ushield {version}\n"


@pytest.mark.parametrize("pin", ["12345", "123456789", "äöüäö", os.fsdecode(b"12345\xff")])
def test_a_pin_that_could_not_be_used_later(tmp_path: Path, pin: str) -> None:
    path = tmp_path / "new.token"
    line = refused("init", path, "--key", "p256", USHIELD_PIN=pin)
    assert "6 to 8" in line or "8 at most" in line or "UTF-8" in line
    assert not path.exists() and not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("option", "value"),
    [
        *(("--subject", text) for text in ("Li Lei", "", "CN=", "C=CHINA", "CN=" + "x" * 65)),
        *(("--label", text) for text in ("", "x" * 33, "a\nb", os.fsdecode(b"\xff"))),
        ("--blank", "--key=p256"),
    ],
)
def test_a_token_that_cannot_be(tmp_path: Path, option: str, value: str) -> None:
    assert option.strip("-") in refused("init", tmp_path / "new.token", option, value)
    assert not list(tmp_path.iterdir())


def test_more_keys_than_a_token_holds(tmp_path: Path) -> None:
    assert "no room" in refused("init", tmp_path / "new.token", *["--key", "p256"] * 40)


def test_a_cryptogram_of_another_length(tmp_path: Path) -> None:
    path = tmp_path / "new.token"
    ok("init", path, "--key", "rsa1024")
    for padding in ("pkcs1", "oaep"):
        line = refused("decipher", "--padding", padding, "--token", path, stdin=b"hello")
        assert "128 bytes, not 5" in line


@pytest.mark.parametrize("mode", [0o000, 0o200, 0o400])
def test_files_without_rights(token: Path, mode: int) -> None:
    """As a user who is not root, or root without the capability to overlook modes."""
    token.chmod(mode)
    command = [*without_rights(), *COMMAND, "verify", "--token", str(token)]
    done = subprocess.run(command, capture_output=True, text=True, env=environment(), check=False)
    assert done.returncode == 1
    assert done.stderr.startswith("ushield: ") and done.stderr.count("\n") == 1, done.stderr
    assert ("could not write" if mode == 0o400 else "cannot be read") in done.stderr


def without_rights() -> list[str]:
    """What makes root as any user is."""
    if os.geteuid():
        return []
    return ["setpriv", "--bounding-set", "-dac_override,-dac_read_search"]


def test_a_pin_too_long_to_be_right_costs_no_try(token: Path) -> None:
    assert "8" in refused("verify", "--token", token, USHIELD_PIN="1234567890")
    assert "5 tries left" in refused("verify", "--token", token, USHIELD_PIN="000000")


def test_no_pin_and_nobody_to_ask(made: Path) -> None:
    line = refused("verify", "--token", made, USHIELD_PIN=None)
    assert "USHIELD_PIN" in line and "--pin-file" in line


def test_contradictions(made: Path) -> None:
    assert "exclude" in refused("info", "--token", made, "--reader", "x")
    assert "--signature" in refused("verify", made, "--token", made)


def test_a_key_that_is_not_there_or_cannot(made: Path) -> None:
    assert "9" in refused("sign", "--key", "9", "--token", made, stdin=b"x")
    assert "nobody" in refused("sign", "--key", "nobody", "--token", made, stdin=b"x")
    assert refused("decipher", "--key", "2", "--token", made, stdin=bytes(256))


def test_too_much_to_encipher(tmp_path: Path) -> None:
    path = tmp_path / "new.token"
    ok("init", path)
    assert "245" in refused("encipher", "--token", path, stdin=bytes(246))


def test_no_service_is_said(tmp_path: Path) -> None:
    nothing = str(tmp_path / "nothing")
    line = refused("info", PCSCLITE_CSOCK_NAME=nothing)
    assert nothing in line and "PCSCLITE_CSOCK_NAME" in line


def test_serve_refuses_what_is_no_address(made: Path) -> None:
    assert "HOST:PORT" in refused("serve", made, "--vpcd=elsewhere")


def test_a_closed_pipe_is_no_traceback(made: Path) -> None:
    shell = f'{" ".join(COMMAND)} info --token "{made}" | true'
    done = subprocess.run(
        ["bash", "-c", shell], capture_output=True, env=environment(), check=False
    )
    assert b"Traceback" not in done.stderr


def test_ctrl_c_at_work_is_no_traceback(tmp_path: Path) -> None:
    command = [*COMMAND, "init", str(tmp_path / "slow.token"), *["--key", "rsa4096"] * 8]
    # A shell lets what it starts with & ignore Ctrl-C, and so all that is started from there.
    attentive = ["env", "--default-signal=INT", *command]
    with subprocess.Popen(
        attentive, stderr=subprocess.PIPE, stdout=subprocess.PIPE, env=environment()
    ) as slow:
        with pytest.raises(subprocess.TimeoutExpired):
            slow.wait(1.5)
        slow.send_signal(signal.SIGINT)
        _, error = slow.communicate(timeout=60)
    assert slow.returncode == 130
    assert b"Traceback" not in error
    assert not list(tmp_path.iterdir()), "a token that was not finished never was"
