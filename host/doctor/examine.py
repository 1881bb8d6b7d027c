"""All checks, in the order in which a person would make them."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from host.doctor.cards import check_readers
from host.doctor.computer import Computer
from host.doctor.finding import Finding, State
from host.doctor.services import check_pcscd, check_service, check_vpcd
from host.doctor.software import (
    check_bindings,
    check_libraries,
    check_module,
    check_opensc,
    check_python,
)

_CHECKS: tuple[Callable[[Computer], Finding], ...] = (
    check_python,
    check_libraries,
    check_bindings,
    check_opensc,
    check_module,
    check_service,
    check_pcscd,
    check_vpcd,
)


def examine(computer: Computer) -> list[Finding]:
    """What every check has found."""
    return [*(check(computer) for check in _CHECKS), *check_readers(computer)]


def is_well(findings: Iterable[Finding]) -> bool:
    """Whether nothing is at fault; a warning is no fault."""
    return all(finding.state is not State.FAULT for finding in findings)
