"""The quick reading of `ushield run` understands what the usual parser does, and no more."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from ushield.cli import run as front
from ushield.cli.app import app
from ushield.cli.kinds import KeyKind
from ushield.cli.plainrun import RunRequest, read_plain_run

PLAIN: tuple[tuple[str, ...], ...] = (
    ("true",),
    ("--", "true"),
    ("true", "--", "x"),
    ("--", "--", "x"),
    ("--empty", "sh", "-c", "exit 3"),
    ("--key", "p256", "--key=rsa1024", "--", "pkcs11-tool", "--key", "x", "--empty"),
    ("--token", "a.token", "--token=b=c", "x"),
    ("--reader-name", "U 盾", "--reader-name=", "x", "-h"),
    ("--token", "--", "x"),
    ("--reader-name", "--empty", "x"),
    ("--trace", "t.jsonl", "--", "x"),
    ("--trace=u.pcapng", "x"),
)
NOT_PLAIN: tuple[tuple[str, ...], ...] = (
    (),
    ("--",),
    ("-h",),
    ("--help",),
    ("--empty",),
    ("--empty=yes", "x"),
    ("--key", "rsa512", "x"),
    ("--key",),
    ("--key", "p256"),
    ("--nonsense", "x"),
    ("--tok", "a.token", "x"),
    ("-x", "y"),
)


def slowly(arguments: tuple[str, ...], monkeypatch: pytest.MonkeyPatch) -> RunRequest | int:
    """What the usual parser makes of it: a request, or an exit code without one."""
    requests: list[RunRequest] = []

    def execute(request: RunRequest) -> int:
        requests.append(request)
        return 0

    monkeypatch.setattr(front, "execute", execute)
    code = CliRunner().invoke(app, ["run", *arguments]).exit_code
    return requests[0] if requests else code


@pytest.mark.parametrize("arguments", PLAIN, ids=" ".join)
def test_the_same_request(arguments: tuple[str, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    request = read_plain_run(["run", *arguments])
    assert request is not None
    assert request == slowly(arguments, monkeypatch)


@pytest.mark.parametrize("arguments", NOT_PLAIN, ids=" ".join)
def test_the_rest_is_left_to_the_parser(
    arguments: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert read_plain_run(["run", *arguments]) is None
    assert slowly(arguments, monkeypatch) in (0, 2), "help, or wrong usage"


@pytest.mark.parametrize("arguments", [[], ["info"], ["serve", "run"], ["--help", "run", "x"]])
def test_other_commands(arguments: list[str]) -> None:
    assert read_plain_run(arguments) is None


def test_values() -> None:
    request = read_plain_run(
        ["run", "--token", "a", "--key", "p256", "--reader-name", "R", "x", "-y"]
    )
    assert request == RunRequest(["x", "-y"], [Path("a")], [KeyKind.P256], ["R"])
