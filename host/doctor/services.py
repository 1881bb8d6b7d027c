"""Checks of what stands between a program and a card: the PC/SC service, pcscd, vpcd."""

from __future__ import annotations

from host.doctor.computer import Computer, Service, Spot
from host.doctor.finding import Finding, fault, not_needed, ok, warning
from host.doctor.software import parsed, written

_MAJOR = 4
"""The major version of pcsc-lite's protocol that every program of today speaks."""

_PCSCD = "/usr/sbin/pcscd"
_DRIVER = "/usr/lib/pcsc/drivers/serial/libifdvpcd.so*"
_EVERYWHERE = frozenset({"0.0.0.0", "::"})  # noqa: S104 to be found, not to be bound to

_MENDS = {
    Spot.FREE: "start `ushield serve --socket {path}`, or unset {variable}",
    Spot.TAKEN: "end the program that listens there, or unset {variable}",
    Spot.UNFIT: "unset {variable}, or let it name another path",
}
"""Of a path that the environment names."""


def check_service(computer: Computer) -> Finding:
    """The service that the environment points at, or the system's."""
    name, service = "PC/SC service", computer.service()
    if service.protocol is None:
        return _silent(name, service)
    protocol = ":".join(map(str, service.protocol))
    if service.protocol[0] != _MAJOR:
        found = f"{service.path} speaks protocol {protocol}, programs speak {_MAJOR}"
        return fault(name, found, "use a pcsc-lite of today, or `ushield serve`")
    whose = "ushield's own" if service.ours else "pcscd"
    by = f" ({service.variable})" if service.variable else ""
    return ok(name, f"{whose} at {service.path}{by}, protocol {protocol}")


def _silent(name: str, service: Service) -> Finding:
    if service.variable:
        return fault(
            name,
            f"nothing answers at {service.path} ({service.variable}): {service.trouble}",
            _MENDS[service.spot].format(path=service.path, variable=service.variable),
        )
    return warning(
        name,
        f"none at {service.path}: {service.trouble}; programs started here see no reader",
        "`ushield run -- PROGRAM`, or paste what `ushield serve` prints, or start pcscd",
    )


def check_pcscd(computer: Computer) -> Finding:
    """The system's own service."""
    name, service = "pcscd", computer.service()
    if service.ours:
        return not_needed(name, "the service is ushield's own")
    if not computer.find(_PCSCD):
        return not_needed(name, "not installed: `ushield run` and `ushield serve` do without")
    version = parsed(computer.output(_PCSCD, "--version") or "")
    told = written(version) if version else "version unknown"
    if service.protocol is not None:
        return ok(name, f"{told}, runs")
    return warning(name, f"{told}, does not run", "systemctl start pcscd.socket, as root")


def check_vpcd(computer: Computer) -> Finding:
    """The virtual reader that `ushield serve --vpcd` plugs into."""
    name = "vpcd"
    if not computer.find(_DRIVER):
        return not_needed(name, "not installed: only `ushield serve --vpcd` wants it")
    addresses = computer.vpcd_addresses()
    if _EVERYWHERE & set(addresses):
        return warning(
            name,
            "its port is open on all interfaces of this machine: anybody can be its card",
            "keep it private, as docs/reader.md shows; or use `ushield serve` without --vpcd",
        )
    if addresses:
        return ok(name, f"listens at {', '.join(addresses)}")
    return ok(name, "installed; pcscd loads it when it starts")
