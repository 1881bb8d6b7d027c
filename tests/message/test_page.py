"""What docs/order.md and docs/consent.md say of codes, tags and fields is what the code has."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from apdu.edge import Consent
from apdu.order import FIELDS, RULES, OrderKind, build_order
from apdu.payload import Language, Outcome
from applet.consent.glyphs import width
from host.orderfile import read_order
from tests.message.samples import screens
from tests.pages import ROOT, blocks, shell, with_ushield

ORDER, CONSENT = ROOT / "docs/order.md", ROOT / "docs/consent.md"


def rows(page: Path) -> list[list[str]]:
    """The cells of every table row."""
    lines = [line for line in page.read_text().splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def test_the_fields_and_their_tags() -> None:
    told = {row[1]: int(row[0].strip("`"), 16) for row in rows(ORDER) if row[0].startswith("`8")}
    assert told == {name: field.tag for name, field in FIELDS.items()}


def test_the_fields_of_each_kind() -> None:
    told = {}
    for row in rows(ORDER):
        needs = {name for name in re.split(r",? |, ", row[1]) if name in FIELDS}
        may = {name for name in re.split(r",? (?:with )?", row[-1]) if name in FIELDS}
        for kind in row[0].split(", "):
            name = kind.upper().replace(" ", "_")
            if len(row) == 3 and name in OrderKind.__members__:
                told[OrderKind[name]] = (needs, may)
    assert told == {kind: (set(rule.needs), set(rule.may)) for kind, rule in RULES.items()}


def test_the_kinds() -> None:
    text = ORDER.read_text()
    for kind in OrderKind:
        assert re.search(rf"\b{kind:02X} (\w+ )*{kind.name.lower().split('_')[-1]}", text), kind


def test_the_characters() -> None:
    marks = re.search(r"and `([^`]+)`\. So there are", ORDER.read_text())
    assert marks is not None
    assert all(width(mark) == 2 for mark in marks[1])
    known = {chr(code) for code in range(0x10000) if width(chr(code)) == 2}
    hanzi = {chr(code) for code in range(0x4E00, 0x9FA6)}
    assert known == hanzi | set(marks[1])
    assert len(hanzi) == 20902


def test_the_rules_and_the_outcomes() -> None:
    codes = {row[1]: int(row[0], 16) for row in rows(CONSENT) if re.fullmatch(r"0\d", row[0])}
    assert list(codes.values()) == [outcome.value for outcome in Outcome]
    rules = {row[0]: int(row[1], 16) for row in rows(CONSENT) if re.fullmatch(r"0\d", row[1])}
    assert rules == {rule.name.lower(): rule.value for rule in Consent}
    for language in Language:
        name = f"{language.name[:2].lower()}_{language.name[3:]}"
        assert f"{language:02X} {name}" in CONSENT.read_text()


def test_the_example(tmp_path: Path) -> None:
    (example,) = blocks("docs/order.md", "run: shell")
    said = shell(example, with_ushield(tmp_path))
    assert "amount: 1,234.50" in said
    order = read_order((tmp_path / "order.yaml").read_text("utf-8"))
    assert (tmp_path / "order.bin").read_bytes() == build_order(order)


@pytest.mark.parametrize("place", [0, 1])
def test_the_formats_of_banks(place: int) -> None:
    examples = re.findall(r"```xml\n(.*?)```", ORDER.read_text(), re.DOTALL)
    text = examples[place].strip()
    message = text.encode("gbk" if "GBK" in text else "utf-8")
    if place:
        message = re.sub(rb"<E>.*</E>", b"", message)
    assert screens(message)[0][2] == " 张三"
