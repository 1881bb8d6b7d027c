"""Every command of the README does what the README says, run as it stands there."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.pages import ROOT, blocks, shell, with_ushield
from tests.pcscd import Pcscd, pcscd

__all__ = ["pcscd"]

README = "README.md"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the README's reader stands."""
    return with_ushield(tmp_path_factory.mktemp("readme"))


def test_the_two_commands_are_targets_of_the_makefile() -> None:
    makefile = (ROOT / "Makefile").read_text()
    for command in ("make demo", "make test"):
        assert f"{command}\n" in (ROOT / README).read_text()
        assert f"\n{command.removeprefix('make ')}:" in makefile


def test_the_library_in_eight_lines() -> None:
    (code,) = blocks(README, "run: python")
    own = [line for line in code.splitlines() if line and not line.startswith(("import", "from"))]
    assert len(own) <= 8
    exec(compile(code, README, "exec"), {})


def test_the_sessions_with_a_file_with_the_service_and_with_pcscd(
    folder: Path, pcscd: Pcscd
) -> None:
    (first,) = blocks(README, "run: shell")
    assert "Verified OK" in shell(first, folder)
    cache = {"XDG_CACHE_HOME": str(folder / "cache")}
    runs, opensc, moves, blank, doctor = blocks(README, "run: service")

    said = shell(runs, folder, **cache)
    assert "ushield 00 00" in said and "No errors" in said and "ssh-rsa" in said
    ours = cache | {"USHIELD_PIN": "123456"}
    said = shell(opensc, folder, **ours)
    assert "No errors" in said and "Verified OK" in said and "ushield 00 00" in said
    said = shell(moves, folder, **ours)
    assert "Right: empty" in said and "is in Right" in said and "the PIN is right" in said
    assert "Private RSA Key" in shell(blank, folder, **ours)
    assert '"well": true' in shell(doctor, folder, **ours)
    assert not list(folder.glob("reader.socket*")), "nothing is left behind"

    (plugged,) = blocks(README, "run: pcscd")
    said = shell(plugged.replace("--vpcd", f"--vpcd 127.0.0.1:{pcscd.port}"), folder, **ours)
    assert "Virtual PCD" in said and "Private RSA Key" in said
