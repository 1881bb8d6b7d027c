"""What works with which program: noted by the tests that show it, kept in docs/clients.md.

A test asks for the fixture `works` and says at its end, once all is checked, what it has shown:

    def test_login(token, kind, works):
        ...
        works("OpenSSH", "login with a key of the token (`ssh -I`)", kind.label)

It counts if the test passes. The words before the keys are a line of the table, so tests of the
same thing use the same words; one that shows that a program cannot do something because of itself
begins with "fails: ". Any number of keys may follow, and none where no key plays a part. The
program has to be in `PROGRAMS`, which says how it is asked for its version.

A run of all client tests compares what was noted with the page and fails where they differ. `make
clients-table` runs them on this system and with Debian 13's programs, and writes the table anew.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Protocol

import pytest

from tests.clients.system import PYTHON, ROOT, launcher
from tests.clients.table import PAGE, Row, Use, parse

NOTES = Path(__file__).parents[2] / "build" / "clients"
"""Where `make clients-table` finds what the runs have noted, a file for each system."""


class Works(Protocol):
    """The fixture `works`, for a test's signature."""

    def __call__(self, program: str, what: str, *keys: str) -> None:
        """Note that the program did this with keys of these kinds."""
        ...


def _package(name: str) -> str:
    return f"dpkg-query -W -f '${{source:Upstream-Version}}' {name}"


def _module(name: str) -> str:
    return f"{PYTHON} -c 'from importlib import metadata; print(metadata.version(\"{name}\"))'"


PROGRAMS = {
    "Chromium": "chromium --version",
    "curl": "curl --version",
    "Firefox": "firefox-esr --version",
    "GnuPG": "gpgsm --version",
    "GnuTLS": "p11tool --version",
    "Java": "java -version",
    "libp11": _package("libengine-pkcs11-openssl"),
    "NSS": _package("libnss3-tools"),
    "OpenSC": "opensc-tool --info",
    "OpenSSH": "ssh -V",
    "OpenSSL": "openssl version",
    "pkcs11-provider": _package("pkcs11-provider"),
    "pycurl": _package("python3-pycurl"),
    "PyKCS11": _module("pykcs11"),
    "pyscard": _module("pyscard"),
    "Python": "/usr/bin/python3 --version",
    "python-pkcs11": _module("python-pkcs11"),
    "tlslite-ng": _module("tlslite-ng"),
    "ykcs11": _package("ykcs11"),
    "ykman": "ykman --version",
    "yubico-piv-tool": "yubico-piv-tool --version",
}
"""How each program tells its version: the first number with a point in what it prints."""


@pytest.fixture
def works(record_property: Callable[[str, object], None]) -> Works:
    """Note what a test has shown."""

    def note(program: str, what: str, *keys: str) -> None:
        assert program in PROGRAMS, f"{program} is not in tests/clients/ledger.py"
        record_property("works", [(program, what, key) for key in keys or ("",)])

    return note


def pytest_addoption(parser: pytest.Parser) -> None:
    """For make clients-table, which is about to write the page."""
    parser.addoption(
        "--note-clients",
        action="store_true",
        help="write what works to build/clients, and do not compare it with docs/clients.md",
    )


def pytest_configure(config: pytest.Config) -> None:
    """The process that prints the report gathers what all workers have noted."""
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(Ledger(config))


class Ledger:
    """Gathers what the tests of one run have noted, and writes or compares it at the end."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._uses: set[Use] = set()
        self._complaints: list[str] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Take what a test has noted, if it passed."""
        if report.when == "call" and report.passed:
            for name, uses in report.user_properties:
                if name == "works":
                    self._uses |= {Use(*use) for use in uses}  # type: ignore[attr-defined]

    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        """Nothing is said after a failure: a failed test has noted nothing."""
        if not self._uses or exitstatus != pytest.ExitCode.OK:
            return
        if self._config.getoption("--note-clients"):
            _write(self._uses)
        elif is_whole(self._config.option, self._config.args):
            self._complaints = list(differences(self._uses, parse(PAGE.read_text()), system()))
            if self._complaints:
                session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Say in what way the page is wrong."""
        if self._complaints:
            terminalreporter.section("docs/clients.md is not what the tests found", red=True)
            for line in self._complaints:
                terminalreporter.line(line)
            terminalreporter.line("Run make clients-table, and look at what it changes.")


def is_whole(option: argparse.Namespace, places: Iterable[str]) -> bool:
    """Whether options and places ask for all tests of clients, and leave none out."""
    folders = [Path(place).absolute() for place in places]
    here = Path(__file__).parent
    parts = (option.keyword, option.deselect, option.ignore, getattr(option, "lf", False))
    return (
        any(here.is_relative_to(folder) for folder in folders)
        and option.markexpr == "not torture"
        and not any(parts)
    )


def differences(found: set[Use], page: set[Row], where: str) -> Iterator[str]:
    """In what way the page's table is wrong, a line for each row. Versions may differ.

    A row of this system has to be found again if its program is there; a row that was found has
    to be in the page, be it for another system.
    """
    here = {row.use for row in page if row.system == where}
    there = {use.program for use in found}
    for use in sorted(here - found):
        if use.program in there or version(use.program):
            yield f"no test found this: {_words(use)}"
    for use in sorted(found - {row.use for row in page}):
        yield f"the page does not have this: {_words(use)}"


def _words(use: Use) -> str:
    return f"{use.program}: {use.what}" + (f", {use.key}" if use.key else "")


def _write(uses: set[Use]) -> None:
    versions = {program: version(program) for program in {use.program for use in uses}}
    rows = [Row(use, versions[use.program], system()) for use in sorted(uses)]
    NOTES.mkdir(parents=True, exist_ok=True)
    (NOTES / f"{system()}.json").write_text(json.dumps(rows, indent=1))


def system() -> str:
    """The system whose programs are tried: "12" is Debian 12, another one has its name too."""
    text = ((ROOT or Path("/")) / "etc/os-release").read_text()
    release: dict[str, str] = dict(re.findall(r'^(\w+)="?([^"\n]*)"?$', text, re.MULTILINE))
    number = release.get("VERSION_ID", "")
    return number if release["ID"] == "debian" else release["ID"] + number


def version(program: str) -> str:
    """The version of a program; empty if it is not there."""
    start = launcher(Path("/"), {})
    done = subprocess.run(
        [*start, "sh", "-c", PROGRAMS[program]],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    found = re.search(r"\d+(\.\d+)+(p\d+)?", done.stdout)
    return found[0] if found and not done.returncode else ""
