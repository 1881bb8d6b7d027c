"""``ushield conformance``: a card held against the dialogues of the test lab."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ushield.cli.complaint import Complaint
from ushield.cli.listening import listening
from ushield.cli.options import PinFile, Trace
from ushield.cli.secrets import Secrets

if TYPE_CHECKING:
    from host.conformance.outcome import Report
    from host.conformance.runner import Examiner, Subject
    from host.trace.file import TraceFile
    from vectors.loader import Dialogue

_COULD_NOT = 2
"""The exit code of a run that could not be, or not to its end."""

_CARD, _WHICH, _REPORTS = "Which card", "Which dialogues", "Reports"


def _report(name: str, words: str) -> Any:
    return typer.Option(name, metavar="FILE", readable=False, help=words, rich_help_panel=_REPORTS)


def conformance(
    reader: Annotated[
        str | None,
        typer.Option(
            "--reader",
            metavar="NAME",
            help="The card in this PC/SC reader; a part of its name that no other has is enough.",
            rich_help_panel=_CARD,
        ),
    ] = None,
    token: Annotated[
        Path | None,
        typer.Option(
            "--token",
            metavar="IMAGE",
            readable=False,
            help="Copies of this token in memory, one for each dialogue; the image stays as it is.",
            rich_help_panel=_CARD,
        ),
    ] = None,
    pin_file: PinFile = None,
    wait: Annotated[
        float,
        typer.Option(
            "--wait",
            metavar="SECONDS",
            min=0,
            help="When the card goes away, wait so long for it to come back, and go on.",
            rich_help_panel=_CARD,
        ),
    ] = 0,
    select: Annotated[
        list[str] | None,
        typer.Option(
            "--select",
            metavar="PATTERN",
            help="Only dialogues whose id, topic or clause is like this, such as `verify-*`, "
            "`pin` or `ISO 7816-8*`; give it again for more.",
            rich_help_panel=_WHICH,
        ),
    ] = None,
    vectors: Annotated[
        Path | None,
        typer.Option(
            "--vectors",
            metavar="FOLDER",
            readable=False,
            help="The vector files of this folder instead of ours.",
            rich_help_panel=_WHICH,
        ),
    ] = None,
    destructive: Annotated[
        bool,
        typer.Option(
            "--destructive",
            help="Also those that may use the card up: block its PINs for good, erase or "
            "terminate it.",
            rich_help_panel=_WHICH,
        ),
    ] = False,
    junit: Annotated[Path | None, _report("--junit", "JUnit's XML, for CI servers.")] = None,
    json: Annotated[Path | None, _report("--json", "JSON, for programs.")] = None,
    html: Annotated[
        Path | None, _report("--html", "One page to be looked at, which needs no other file.")
    ] = None,
    trace: Trace = None,
) -> None:
    """Hold a card against the dialogues of the test lab, each written from a clause of a standard.

    The card is asked what it has; what it does not have it is not judged by. Without a card a fresh
    token in memory is judged. PINs come from the file or from USHIELD_PIN, USHIELD_PUK,
    USHIELD_SO_PIN, never from a prompt; without a PIN, what needs it is skipped. The last try of a
    PIN is never spent, but by --destructive.

    Exit code 0: no fault; 1: a fault; 2: the run could not be, or not to its end.
    """
    files = {"junit": junit, "json": json, "html": html}
    with _in_words():
        _check_files(files)
        dialogues = _chosen(vectors, select or [])
        with listening(trace) as file, _examiner(token, reader, pin_file, file, wait) as examine:
            report = examine(dialogues, destructive)
        _write(report, files)
    from ushield.cli.verdicts import show

    show(report)
    raise typer.Exit(_code(report))


# --- before ---------------------------------------------------------------------------------


@contextmanager
def _in_words() -> Iterator[None]:
    """What keeps the run from being held is one line, and exit code 2."""
    from ushield.cli.advice import advice
    from vectors.errors import VectorError

    try:
        yield
    except Complaint as complaint:
        raise Complaint(str(complaint), _COULD_NOT) from None
    except Exception as error:
        line = str(error) if isinstance(error, VectorError) else advice(error)
        if line is None:
            raise
        raise Complaint(line, _COULD_NOT) from None


def _check_files(files: Mapping[str, Path | None]) -> None:
    """What would keep a report from being written is better said before than after the run."""
    for path in filter(None, files.values()):
        if path.is_dir() or not path.absolute().parent.is_dir():
            raise Complaint(f"{path}: no report can be written there")
    if files["html"] is not None:
        from host.conformance.report_html import check_templates

        check_templates()


def _chosen(folder: Path | None, patterns: list[str]) -> list[Dialogue]:
    from vectors.loader import FOLDER, load_all

    dialogues = load_all(folder or FOLDER)
    if not dialogues:
        raise Complaint(f"{folder}: there is no vector file (*.json) in it")
    chosen = [dialogue for dialogue in dialogues if _wanted(dialogue, patterns)]
    if not chosen:
        raise Complaint(f"no dialogue is like {' or '.join(patterns)}")
    return chosen


def _wanted(dialogue: Dialogue, patterns: list[str]) -> bool:
    names = (dialogue.id, dialogue.topic, dialogue.clause)
    return not patterns or any(fnmatchcase(name, pattern) for pattern in patterns for name in names)


def _values(pin_file: Path | None) -> Mapping[str, bytes]:
    """The PINs that are given, as they travel."""
    from host.conformance.values import card_values

    secrets = Secrets.of(pin_file)
    return card_values(
        pin=secrets.known("USHIELD_PIN"),
        puk=secrets.known("USHIELD_PUK"),
        so_pin=secrets.known("USHIELD_SO_PIN"),
        management_key=secrets.known("USHIELD_MANAGEMENT_KEY"),
    )


# --- the run --------------------------------------------------------------------------------

_Examine = Callable[[Sequence["Dialogue"], bool], "Report"]


@contextmanager
def _examiner(
    token: Path | None,
    reader: str | None,
    pin_file: Path | None,
    file: TraceFile | None,
    wait: float,
) -> Iterator[_Examine]:
    """What holds dialogues with the card that is meant, and makes the report."""
    from ushield import conformance as cards
    from vectors.profile import VALUES

    tracer = cards.unheard if file is None else file.tracer
    if token is not None and reader is not None:
        raise Complaint("--token and --reader exclude each other: name one of them")
    if reader is not None:
        with cards.reached(reader, tracer) as (name, transport):
            yield _examining(
                name,
                [cards.card_subject(name, transport)],
                _values(pin_file),
                lambda: cards.wait_for_card(transport, wait),
            )
    elif token is not None:
        yield _examining(str(token), [cards.image_subject(token, tracer)], _values(pin_file))
    else:
        yield _examining("a fresh token in memory", cards.fresh_subjects(tracer), VALUES)


def _examining(
    name: str,
    subjects: Sequence[Subject],
    values: Mapping[str, bytes],
    revive: Callable[[], bool] = lambda: False,
) -> _Examine:
    from importlib.metadata import version

    from host.conformance.outcome import Report
    from host.conformance.runner import Examiner
    from ushield.cli.verdicts import followed

    def examine(dialogues: Sequence[Dialogue], destructive: bool) -> Report:
        examiner = Examiner(subjects, values, destructive=destructive, revive=revive)
        started, begin = datetime.now(UTC), perf_counter()
        with _stopped_by_ctrl_c(examiner):
            outcomes = tuple(followed(examiner.hold_all(dialogues), len(dialogues)))
        return Report(
            subject=name,
            version=version("ushield"),
            started=started,
            seconds=perf_counter() - begin,
            outcomes=outcomes,
            facts=examiner.facts(),
            warnings=tuple(examiner.warnings),
            stopped=examiner.stopped,
        )

    return examine


@contextmanager
def _stopped_by_ctrl_c(examiner: Examiner) -> Iterator[None]:
    """Ctrl-C ends the run after the dialogue that is being held; once more, at once."""

    def stop(_number: int, _frame: object) -> None:
        examiner.stopped = "it was interrupted"
        signal.signal(signal.SIGINT, before)

    before = signal.signal(signal.SIGINT, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


# --- after ----------------------------------------------------------------------------------


def _write(report: Report, files: Mapping[str, Path | None]) -> None:
    """Write each report that is wanted."""
    from host.conformance.report_html import as_html
    from host.conformance.report_json import as_json
    from host.conformance.report_junit import as_junit

    makers: dict[str, Callable[[Report], bytes]] = {
        "junit": as_junit,
        "json": lambda made: as_json(made).encode(errors="replace"),
        "html": lambda made: as_html(made).encode(errors="replace"),
    }
    for kind, path in files.items():
        if path is not None:
            path.write_bytes(makers[kind](report))


def _code(report: Report) -> int:
    from host.conformance.outcome import Verdict

    if report.count(Verdict.FAILED):
        return 1
    return 0 if report.passed else _COULD_NOT
