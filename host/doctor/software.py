"""Checks of what is installed: Python, its libraries, OpenSC."""

from __future__ import annotations

import re

from host.doctor.computer import Computer, Version
from host.doctor.finding import Finding, fault, not_needed, ok, warning

_BINDINGS = "pyscard"
_OLDEST_OPENSC: Version = (0, 23)
_MODULES = ("/usr/lib/*/opensc-pkcs11.so", "/usr/lib*/opensc-pkcs11.so")


def check_python(computer: Computer) -> Finding:
    """The Python that runs this."""
    version, (first, beyond) = computer.python(), computer.pythons()
    if first <= version < beyond:
        return ok("Python", written(version))
    last = (*beyond[:-1], beyond[-1] - 1)
    mend = f"use Python {written(first)} to {written(last)}"
    return fault("Python", f"{written(version)} is not supported", mend)


def check_libraries(computer: Computer) -> Finding:
    """The libraries that everything here needs."""
    name, needed = "Python libraries", computer.requirements()
    if not needed:
        return not_needed(name, "this copy of ushield is not installed: it does not tell its needs")
    installed = {library: computer.library(library) for library in needed}
    wrong = [
        f"{library} {written(version)}" if version else f"no {library}"
        for library, version in installed.items()
        if version is None or version < needed[library]
    ]
    if wrong:
        wanted = " ".join(f"'{library}>={written(least)}'" for library, least in needed.items())
        return fault(name, ", ".join(wrong), f"pip install --upgrade {wanted}")
    return ok(name, ", ".join(f"{library} {written(v)}" for library, v in installed.items() if v))


def check_bindings(computer: Computer) -> Finding:
    """Python's way to readers, which is an extra."""
    version = computer.library(_BINDINGS)
    if version:
        return ok("PC/SC for Python", f"{_BINDINGS} {written(version)}")
    return warning(
        "PC/SC for Python",
        f"no {_BINDINGS}: `ushield` itself cannot use readers, other programs can",
        "pip install 'ushield[pcsc]'; needs a C compiler, swig and libpcsclite-dev",
    )


def check_opensc(computer: Computer) -> Finding:
    """OpenSC's programs."""
    said = computer.output("opensc-tool", "--info")
    if said is None:
        return warning(
            "OpenSC",
            "not installed: pkcs11-tool, pkcs15-tool and the PKCS#11 module come with it",
            "install your system's package opensc",
        )
    version = parsed(said)
    if version is None:
        mend = "install your system's package opensc anew"
        return warning("OpenSC", "`opensc-tool --info` does not tell its version", mend)
    if version < _OLDEST_OPENSC:
        oldest = written(_OLDEST_OPENSC)
        return warning("OpenSC", f"{written(version)} is old", f"use {oldest} or later")
    return ok("OpenSC", written(version))


def check_module(computer: Computer) -> Finding:
    """The PKCS#11 module, by which ssh, browsers and others use tokens."""
    found = [path for pattern in _MODULES for path in computer.find(pattern)]
    if found:
        return ok("PKCS#11 module", str(found[0]))
    return warning(
        "PKCS#11 module",
        "no opensc-pkcs11.so under /usr/lib",
        "install your system's package opensc-pkcs11 (Debian: it comes with opensc)",
    )


def written(version: Version) -> str:
    """A version as people write it."""
    return ".".join(map(str, version))


def parsed(text: str) -> Version | None:
    """The first version that a text names; None when it names none."""
    found = re.search(r"\d+(?:\.\d+)+", text)
    return None if found is None else tuple(map(int, found[0].split(".")))
