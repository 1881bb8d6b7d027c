"""What is said of Python, its libraries, and OpenSC."""

from __future__ import annotations

import pytest

from host.doctor.computer import Version
from host.doctor.finding import Finding, State
from host.doctor.software import (
    check_bindings,
    check_libraries,
    check_module,
    check_opensc,
    check_python,
    parsed,
)
from tests.doctor.fake import FakeComputer


@pytest.mark.parametrize("version", [(3, 11), (3, 11, 7), (3, 13, 9)])
def test_a_python_that_is_supported(version: Version) -> None:
    text = ".".join(map(str, version))
    assert check_python(FakeComputer(runs=version)) == Finding("Python", State.OK, text)


@pytest.mark.parametrize("version", [(3, 10, 12), (3, 14), (4, 0)])
def test_a_python_that_is_not(version: Version) -> None:
    found = check_python(FakeComputer(runs=version))
    assert (found.state, found.mend) == (State.FAULT, "use Python 3.11 to 3.13")


def test_libraries_that_will_do() -> None:
    needs = {"construct": (2, 10, 70), "cryptography": (47,)}
    has = {"construct": (2, 10, 70), "cryptography": (50, 0, 2)}
    assert check_libraries(FakeComputer(needs=needs, has=has)) == Finding(
        "Python libraries", State.OK, "construct 2.10.70, cryptography 50.0.2"
    )


def test_libraries_that_are_old_or_missing() -> None:
    needs = {"construct": (2, 10, 70), "cryptography": (47,), "gmpy2": (2, 2, 1)}
    has = {"construct": (2, 10, 70), "cryptography": (46, 0, 3)}
    assert check_libraries(FakeComputer(needs=needs, has=has)) == Finding(
        "Python libraries",
        State.FAULT,
        "cryptography 46.0.3, no gmpy2",
        "pip install --upgrade 'construct>=2.10.70' 'cryptography>=47' 'gmpy2>=2.2.1'",
    )


def test_a_copy_that_is_not_installed() -> None:
    assert check_libraries(FakeComputer(needs={})).state is State.NOT_NEEDED


def test_the_bindings() -> None:
    assert check_bindings(FakeComputer()).found == "pyscard 2.3.1"
    without = check_bindings(FakeComputer(has={}))
    assert without.state is State.WARNING and "ushield[pcsc]" in without.mend


@pytest.mark.parametrize(
    ("said", "state", "found"),
    [
        ("OpenSC 0.23.0 [gcc  12.2.0]", State.OK, "0.23.0"),
        ("OpenSC 0.26.1 rev: f5e8a6b", State.OK, "0.26.1"),
        ("OpenSC 0.22.0", State.WARNING, "0.22.0 is old"),
        ("error while loading", State.WARNING, "`opensc-tool --info` does not tell"),
        ("", State.WARNING, "`opensc-tool --info` does not tell its version"),
    ],
)
def test_opensc(said: str, state: State, found: str) -> None:
    finding = check_opensc(FakeComputer(programs={"opensc-tool --info": said}))
    assert finding.state is state and finding.found.startswith(found)
    assert bool(finding.mend) == (state is State.WARNING)


def test_no_opensc() -> None:
    finding = check_opensc(FakeComputer(programs={}))
    assert finding.state is State.WARNING and finding.found.startswith("not installed")


def test_the_module() -> None:
    assert check_module(FakeComputer()).found == "/usr/lib/x86_64-linux-gnu/opensc-pkcs11.so"
    assert check_module(FakeComputer(files=())).state is State.WARNING


def test_versions_in_texts() -> None:
    assert parsed("pcsc-lite version 1.9.9.") == (1, 9, 9)
    assert parsed("2.10") == (2, 10)
    assert parsed("none") is None and parsed("7") is None
