"""A report as JUnit's XML, as CI servers read it: a suite for each topic.

A fault is a failure; a dialogue that could not be held to its end is an error.
"""

from __future__ import annotations

import re
from itertools import groupby
from xml.etree import ElementTree as ET

from host.conformance.outcome import Outcome, Report, Verdict
from host.conformance.words import told, topic_of, why

_ELEMENTS = {Verdict.FAILED: "failure", Verdict.BROKEN: "error", Verdict.SKIPPED: "skipped"}
_NO_XML = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What no XML 1.0 document can have in it, whatever a card says."""


def as_junit(report: Report) -> bytes:
    """The whole report, indented, in UTF-8."""
    root = ET.Element("testsuites", _counts(report.outcomes, "ushield conformance"))
    root.set("time", f"{report.seconds:.3f}")
    for topic, outcomes in groupby(sorted(report.outcomes, key=topic_of), key=topic_of):
        _suite(root, report, topic, tuple(outcomes))
    ET.indent(root)
    return bytes(ET.tostring(root, encoding="utf-8", xml_declaration=True)) + b"\n"


def _suite(root: ET.Element, report: Report, topic: str, outcomes: tuple[Outcome, ...]) -> None:
    suite = ET.SubElement(root, "testsuite", _counts(outcomes, topic))
    suite.set("timestamp", report.started.isoformat(timespec="seconds"))
    suite.set("time", f"{sum(outcome.seconds for outcome in outcomes):.3f}")
    _properties(suite, report)
    for outcome in outcomes:
        _case(suite, outcome)


def _counts(outcomes: tuple[Outcome, ...], name: str) -> dict[str, str]:
    verdicts = [outcome.verdict for outcome in outcomes]
    return {
        "name": _clean(name),
        "tests": str(len(verdicts)),
        "failures": str(verdicts.count(Verdict.FAILED)),
        "errors": str(verdicts.count(Verdict.BROKEN)),
        "skipped": str(verdicts.count(Verdict.SKIPPED)),
    }


def _properties(suite: ET.Element, report: Report) -> None:
    properties = ET.SubElement(suite, "properties")
    known = [("subject", report.subject), ("ushield", report.version)]
    known += [(f"{card}: {name}", value) for card, facts in report.facts for name, value in facts]
    known += [("stopped", report.stopped)] if report.stopped else []
    known += [("warning", warning) for warning in report.warnings]
    for name, value in known:
        ET.SubElement(properties, "property", name=_clean(name), value=_clean(value))


def _case(suite: ET.Element, outcome: Outcome) -> None:
    dialogue = outcome.dialogue
    case = ET.SubElement(
        suite,
        "testcase",
        classname=_clean(dialogue.topic),
        name=_clean(dialogue.id),
        time=f"{outcome.seconds:.3f}",
    )
    if outcome.verdict in _ELEMENTS:
        element = ET.SubElement(case, _ELEMENTS[outcome.verdict], message=_clean(why(outcome)))
        if outcome.steps:
            element.text = _clean("\n".join(told(outcome)))


def _clean(text: str) -> str:
    return _NO_XML.sub("\N{REPLACEMENT CHARACTER}", text)
