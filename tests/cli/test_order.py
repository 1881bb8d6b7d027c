"""The quick reading of `ushield run` understands what the usual parser does, and no more."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from ushield.cli import run as front
from ushield.cli.app import app
from ushield.cli.kinds import KeyKind
from ushield.cli.order import Order, read_order

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


def slowly(arguments: tuple[str, ...], monkeypatch: pytest.MonkeyPatch) -> Order | int:
    """What the usual parser makes of it: an order, or an exit code without one."""
    orders: list[Order] = []

    def execute(order: Order) -> int:
        orders.append(order)
        return 0

    monkeypatch.setattr(front, "execute", execute)
    code = CliRunner().invoke(app, ["run", *arguments]).exit_code
    return orders[0] if orders else code


@pytest.mark.parametrize("arguments", PLAIN, ids=" ".join)
def test_the_same_order(arguments: tuple[str, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    order = read_order(["run", *arguments])
    assert order is not None
    assert order == slowly(arguments, monkeypatch)


@pytest.mark.parametrize("arguments", NOT_PLAIN, ids=" ".join)
def test_the_rest_is_left_to_the_parser(
    arguments: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert read_order(["run", *arguments]) is None
    assert slowly(arguments, monkeypatch) in (0, 2), "help, or wrong usage"


@pytest.mark.parametrize("arguments", [[], ["info"], ["serve", "run"], ["--help", "run", "x"]])
def test_other_commands(arguments: list[str]) -> None:
    assert read_order(arguments) is None


def test_values() -> None:
    order = read_order(["run", "--token", "a", "--key", "p256", "--reader-name", "R", "x", "-y"])
    assert order == Order(["x", "-y"], [Path("a")], [KeyKind.P256], ["R"])
