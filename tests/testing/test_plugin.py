"""The plugin as pytest loads it: what it costs, how it is left out, and with xdist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.testing.inner import passes, run_pytest

USES_NOTHING = """
import sys
def test_nothing_is_loaded():
    heavy = {"apdu", "applet", "host", "construct", "cryptography", "gmpy2", "smartcard", "sqlite3"}
    assert not heavy & set(sys.modules)
    ours = {name for name in sys.modules if name.startswith("ushield")}
    assert ours == {"ushield", "ushield.testing", "ushield.testing.plugin"}
"""

USES_A_TOKEN = """
def test_it(ushield_token):
    ushield_token.client.verify_pin(ushield_token.pin)
"""

SIX = """
import os, subprocess, pytest

@pytest.mark.ushield(keys=["p256"])
@pytest.mark.parametrize("turn", range(6))
def test_each_for_itself(ushield_reader, turn):
    program = ["pkcs11-tool", "--list-token-slots"]
    done = subprocess.run(program, env=ushield_reader.environment, capture_output=True, text=True)
    print("worker", os.environ.get("PYTEST_XDIST_WORKER"))
    assert ushield_reader.token.serial.hex()[-16:] in done.stdout
    assert done.stdout.count("Slot ") == 1
"""


def test_a_session_without_its_fixtures_loads_nothing_else(tmp_path: Path) -> None:
    assert passes(tmp_path, USES_NOTHING, "-p", "no:hypothesispytest") == "1 passed"


def test_the_marker_is_known_and_explained(tmp_path: Path) -> None:
    done = run_pytest(tmp_path, "", "--markers")
    assert "@pytest.mark.ushield(keys=[...]" in done.text


def test_it_can_be_left_out(tmp_path: Path) -> None:
    done = run_pytest(tmp_path, USES_A_TOKEN, "-p", "no:ushield")
    assert "fixture 'ushield_token' not found" in done.text
    assert passes(tmp_path, "def test_it(): pass", "-p", "no:ushield") == "1 passed"


WRONG_MARKERS = {
    "ushield(['p256'])": "takes keywords only, not ['p256']",
    "ushield(kyes=['p256'])": "unexpected keyword argument 'kyes'",
    "ushield(generation=3)": "a token is of generation 1 or 2, not 3",
    "ushield(keys='p256')": "keys is a list, such as ['p256']",
}


def test_a_wrong_marker_is_explained_in_one_line(tmp_path: Path) -> None:
    code = "import pytest\n"
    for place, marker in enumerate(WRONG_MARKERS):
        code += f"@pytest.mark.{marker}\ndef test_{place}(ushield_token): pass\n"
    done = run_pytest(tmp_path, code, "-rN")
    assert done.outcomes == "4 errors"
    told = re.findall(r"^@pytest\.mark\.ushield: (.*)", done.text, re.MULTILINE)
    assert all(words in line for words, line in zip(WRONG_MARKERS.values(), told, strict=True))
    assert "Traceback" not in done.text and "tokens.py" not in done.text


@pytest.mark.parametrize("options", [(), ("-n", "2")])
def test_tests_side_by_side_do_not_meet(tmp_path: Path, options: tuple[str, ...]) -> None:
    assert passes(tmp_path, SIX, *options) == "6 passed"
