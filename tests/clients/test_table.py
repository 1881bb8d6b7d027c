"""The table of docs/clients.md is read as it was written, and what is wrong with it is found."""

from __future__ import annotations

import pytest

from tests.clients.ledger import differences, is_whole
from tests.clients.table import PAGE, Row, Use, parse, render

SIGN = Use("OpenSSL", "signs", "P-256")
SIGN_RSA = Use("OpenSSL", "signs", "RSA-2048")
LIST = Use("OpenSSH", "lists", "")
PAGE_ROWS = {Row(SIGN, "3.0.19", "12"), Row(SIGN, "3.5.1", "13"), Row(LIST, "9.2p1", "12")}


def test_the_table_is_read_as_it_was_written() -> None:
    text = render(PAGE_ROWS | {Row(SIGN_RSA, "3.0.19", "12"), Row(SIGN_RSA, "3.5.1", "13")})
    assert text.splitlines()[2:] == [
        "| OpenSSH | 9.2p1 (12) | lists | – |",
        "| OpenSSL | 3.0.19 (12), 3.5.1 (13) | signs | P-256, RSA-2048 |",
    ]
    table = PAGE.read_text().partition("table: begin")[2].partition("-->\n")[2]
    assert render(parse(PAGE.read_text())) == table.partition("<!-- table: end")[0]


def test_what_is_found_again_is_right() -> None:
    assert not list(differences({SIGN, LIST}, PAGE_ROWS, "12"))
    assert not list(differences({SIGN}, PAGE_ROWS, "13"))
    assert not list(differences({SIGN}, PAGE_ROWS, "another system"))


def test_a_row_that_is_not_found_again() -> None:
    (line,) = differences({SIGN}, PAGE_ROWS, "12")
    assert line == "no test found this: OpenSSH: lists"


def test_a_row_that_the_page_lacks() -> None:
    (line,) = differences({SIGN, SIGN_RSA, LIST}, PAGE_ROWS, "12")
    assert line == "the page does not have this: OpenSSL: signs, RSA-2048"


@pytest.mark.parametrize(
    ("arguments", "whole"),
    [
        (["tests"], True),
        (["tests/clients"], True),
        (["tests/clients/test_tls.py"], False),
        (["tests", "-k", "ssh"], False),
        (["tests", "-m", "torture"], False),
        (["tests", "--ignore", "tests/clients/test_java.py"], False),
    ],
)
def test_a_run_of_everything_is_told_from_others(
    pytestconfig: pytest.Config, arguments: list[str], whole: bool
) -> None:
    """By the options as they come, those of pyproject.toml first."""
    asked = pytestconfig._parser.parse([*pytestconfig.getini("addopts"), *arguments])
    places = [str(pytestconfig.rootpath / place) for place in asked.file_or_dir]
    assert is_whole(asked, places) is whole
