"""A report as JSON, for programs. docs/conformance.md says what is in it."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from host.conformance.outcome import Outcome, Report, Verdict

FORMAT = 1
"""Raised when what a program may rely on is not there any more."""


def as_json(report: Report) -> str:
    """The whole report, indented, with a line feed at its end."""
    document = {
        "format": FORMAT,
        "subject": report.subject,
        "version": report.version,
        "started": report.started.isoformat(timespec="seconds"),
        "seconds": round(report.seconds, 3),
        "passed": report.passed,
        "stopped": report.stopped,
        "warnings": report.warnings,
        "counts": {verdict.value: report.count(verdict) for verdict in Verdict},
        "cards": [{"name": name, "facts": dict(facts)} for name, facts in report.facts],
        "dialogues": [_dialogue(outcome) for outcome in report.outcomes],
    }
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def _dialogue(outcome: Outcome) -> dict[str, Any]:
    """What is empty is left out."""
    dialogue = outcome.dialogue
    told = {
        "id": dialogue.id,
        "topic": dialogue.topic,
        "title": dialogue.title,
        "clause": dialogue.clause,
        "verdict": outcome.verdict.value,
        "reason": outcome.reason,
        "remark": outcome.remark,
        "card": outcome.card,
        "seconds": round(outcome.seconds, 6),
        "steps": [_filled(asdict(step)) for step in outcome.steps],
    }
    return _filled(told)


def _filled(table: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in table.items() if value not in ("", [])}
