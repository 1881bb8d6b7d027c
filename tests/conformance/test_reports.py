"""What is written down of a run: JSON, JUnit's XML, a page, each of the same report."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from html.parser import HTMLParser
from xml.etree import ElementTree as ET

from host.conformance.outcome import Outcome, Report, ShownStep, Verdict
from host.conformance.report_html import as_html
from host.conformance.report_json import as_json
from host.conformance.report_junit import as_junit
from host.conformance.runner import Examiner
from host.conformance.words import in_order, standard_of, told
from tests.conformance.cards import DIALOGUES, Altered, Pulled, kept, own, written
from vectors.profile import VALUES

NASTY = '<script>alert(1)</script> & "quotes" \x00\x1b[31m \ud800'


@cache
def report() -> Report:
    """A run with everything in it: a card with a fault that is pulled out in the end."""

    def lie(command: bytes, answer: bytes) -> bytes:
        return b"\x6d\x00" if command[:2] == b"\x80\x84" else answer

    card = Pulled(Altered(own(), lie), 1600)
    examiner = Examiner([kept(card, "a card <b>")], VALUES)
    outcomes = tuple(examiner.hold_all(DIALOGUES.values()))
    return Report(
        subject="a card <b>",
        version="1.2.3",
        started=datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
        seconds=1.25,
        outcomes=outcomes,
        facts=examiner.facts(),
        warnings=("look & see",),
        stopped=examiner.stopped,
    )


def test_the_report_under_test_has_every_verdict() -> None:
    assert all(report().count(verdict) for verdict in Verdict)
    assert report().stopped and not report().passed


def test_json_says_all_of_it() -> None:
    document = json.loads(as_json(report()))
    assert document["format"] == 1 and document["subject"] == "a card <b>"
    assert document["started"] == "2026-01-02T03:04:05+00:00"
    assert document["counts"] == {verdict.value: report().count(verdict) for verdict in Verdict}
    assert document["passed"] is False and document["stopped"] == report().stopped
    assert [entry["id"] for entry in document["dialogues"]] == [
        outcome.dialogue.id for outcome in report().outcomes
    ]
    (failed,) = [entry for entry in document["dialogues"] if entry["verdict"] == "failed"]
    assert failed["id"] == "class-proprietary"
    (fault,) = [step for step in failed["steps"] if "fault" in step]
    assert fault["got"].startswith("6D00, ") and fault["expected"].startswith("6E00, ")
    passed = next(entry for entry in document["dialogues"] if entry["verdict"] == "passed")
    assert passed.keys() == {"id", "topic", "title", "clause", "verdict", "card", "seconds"}


def test_junit_counts_and_names_the_same() -> None:
    root = ET.fromstring(as_junit(report()))
    wanted = {
        "failures": Verdict.FAILED,
        "errors": Verdict.BROKEN,
        "skipped": Verdict.SKIPPED,
    }
    for name, verdict in wanted.items():
        assert int(root.attrib[name]) == report().count(verdict)
        suites = sum(int(suite.attrib[name]) for suite in root.iter("testsuite"))
        assert suites == report().count(verdict)
    cases = [case.attrib["name"] for case in root.iter("testcase")]
    assert sorted(cases) == sorted(outcome.dialogue.id for outcome in report().outcomes)
    assert len(root.findall(".//testcase/failure")) == report().count(Verdict.FAILED)
    assert len(root.findall(".//testcase/error")) == report().count(Verdict.BROKEN)
    assert len(root.findall(".//testcase/skipped")) == report().count(Verdict.SKIPPED)
    failure = root.find(".//testcase/failure")
    assert failure is not None and "6E00" in failure.attrib["message"]
    assert failure.text is not None and "GET CHALLENGE" in failure.text


class Page(HTMLParser):
    """What is in a page: its elements, and whatever could be asked of the network."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.links: list[str] = []
        self.rows = 0
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in ("meta", "input"):
            self.open.append(tag)
        self.links += [value or "" for name, value in attrs if name in ("src", "href", "srcset")]
        self.rows += ("data-verdict" in dict(attrs)) and tag == "tr"

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def test_the_page_needs_nothing_else_and_shows_all() -> None:
    text = as_html(report())
    page = Page(text)
    assert not page.open and not page.links
    assert "url(" not in text and "@import" not in text and "http" not in page.text
    assert "default-src 'none'" in text
    assert page.rows == len(report().outcomes)
    for outcome in report().outcomes:
        assert outcome.dialogue.id in page.text
    for words in ("a card <b>", "look & see", report().stopped, "GET CHALLENGE", "ISO 7816-4"):
        assert words in page.text


def test_what_a_card_or_a_file_says_is_text_and_nothing_more() -> None:
    dialogue = replace(written({"command": "00", "sw": "6700"}), title=NASTY, clause=NASTY)
    step = ShownStep(1, NASTY, NASTY, NASTY, NASTY, NASTY, NASTY, NASTY, NASTY)
    outcome = Outcome(dialogue, Verdict.FAILED, NASTY, steps=(step,), remark=NASTY, card=NASTY)
    nasty = replace(
        report(),
        subject=NASTY,
        outcomes=(outcome,),
        facts=((NASTY, ((NASTY, NASTY),)),),
        warnings=(NASTY,),
        stopped=NASTY,
    )
    page = as_html(nasty)
    assert "<script>alert" not in page and page.count("<script>") == 1
    root = ET.fromstring(as_junit(nasty))
    failure = root.find(".//failure")
    assert failure is not None and "<script>" in failure.attrib["message"]
    assert json.loads(as_json(replace(nasty, subject="x")))["dialogues"][0]["reason"] == NASTY


def test_an_empty_report_is_one() -> None:
    empty = replace(report(), outcomes=(), facts=(), warnings=(), stopped="")
    assert not empty.passed
    assert not Page(as_html(empty)).open
    assert json.loads(as_json(empty))["dialogues"] == []
    assert ET.fromstring(as_junit(empty)).attrib["tests"] == "0"


def test_a_fault_in_lines_ends_at_the_fault() -> None:
    for outcome in report().of(Verdict.FAILED) + report().of(Verdict.BROKEN):
        lines = list(told(outcome))
        assert outcome.dialogue.title in lines[0]
        assert outcome.reason.partition(": ")[2] in "\n".join(lines[-3:])


def test_standards_are_told_apart_and_in_order() -> None:
    names = {standard_of(outcome) for outcome in report().outcomes}
    assert {"ISO 7816-4", "ISO 7816-15", "U-Shield profile", "SP 800-73-4"} <= names
    assert not any(re.search(r"§|table|,|;", name) for name in names)
    ordered = sorted(names, key=in_order)
    assert ordered.index("ISO 7816-4") < ordered.index("ISO 7816-15")
