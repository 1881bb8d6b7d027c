"""Measure everything and print one table."""

from __future__ import annotations

import os
from itertools import chain

from rich.console import Console
from rich.table import Table

from bench import (
    command_path,
    conformance,
    orders,
    pkcs11,
    programs,
    reading,
    service,
    starting,
    tracing,
)
from bench.measure import Row
from tests.pcscd import SOCKET_VARIABLE, private_pcscd


def main() -> None:
    """Run each part and show its rows."""
    console = Console()
    table = Table("what", "time", "against", "ratio", "wanted", "")
    with console.status("measuring the command path"):
        for row in chain(command_path.rows(), orders.rows()):
            _add(table, row)
    with console.status("measuring through pcscd"), private_pcscd() as pcscd:
        os.environ[SOCKET_VARIABLE] = str(pcscd.socket)
        parts = reading.rows(pcscd), starting.rows(pcscd), service.rows(pcscd), pkcs11.rows()
        for row in chain(*parts, tracing.rows(), conformance.rows()):
            _add(table, row)
    with console.status("measuring programs"):
        for row in programs.rows():
            _add(table, row)
    console.print(table)


def _add(table: Table, row: Row) -> None:
    ratio = "" if row.ratio is None else f"{row.ratio:.2f}"
    verdict = {None: "", True: "[green]yes[/]", False: "[red]no[/]"}[row.met]
    table.add_row(row.name, row.value, row.against, ratio, row.wanted, verdict)


if __name__ == "__main__":
    main()
