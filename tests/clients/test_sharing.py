"""Several programs use one token at the same time."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.clients.cards import PIN
from tests.clients.ledger import Works
from tests.clients.sshd import ASK_PIN, prepare_server
from tests.clients.system import PYTHON, pkcs11_module
from tests.clients.tokens import with_keys
from tests.clients.tool import Tool
from tests.clients.ways import Way
from ushield.device.assembly import assemble

PROGRAM = Path(__file__).with_name("sharing.py")
KEYS = ("rsa2048", "rsa2048", "p256")

# The agent has a session of its own; each turn of the loop starts one more program, which selects
# the application anew, logs in and out.
ALL = """
{python} sharing.py pkcs11 {module} & first=$!
{python} sharing.py apdus & second=$!
trap 'touch done' EXIT
while [ ! -e ready.pkcs11 ] || [ ! -e ready.apdus ]; do
    kill -0 $first; kill -0 $second; sleep 0.02
done
ssh-add -s {module}
for turn in 1 2 3 4 5; do
    ssh-add -L | while read -r key; do
        echo "$key" > key.pub
        rm -f order.sig
        ssh-keygen -Y sign -n order -f key.pub order
        ssh-keygen -Y check-novalidate -n order -s order.sig < order
    done
    pkcs11-tool --login --pin {pin} --list-objects > /dev/null
done
touch done
wait $first
wait $second
"""


@pytest.fixture
def token(way: Way, folder: Path) -> Iterator[Tool]:
    """A token of three keys."""
    with way.inserted(assemble(with_keys(*KEYS), strict=True)):
        yield Tool(folder, {**way.variables, **ASK_PIN})


def test_an_agent_a_session_and_a_script_share_the_token(token: Tool, works: Works) -> None:
    """Each of them leaves keys and chains behind that would spoil the results of the others."""
    prepare_server(token)
    token.write("sharing.py", PROGRAM.read_bytes())
    token.write("order", b"Pay 12,345.67\n")
    for number in ("01", "02", "03"):
        token.run(f"pkcs15-tool --read-certificate {number} -o {number}.pem")
    script = ALL.format(python=PYTHON, module=pkcs11_module(), pin=PIN)
    token.write("all", script.encode())
    said = token.run("ssh-agent sh -e all")
    assert said.count('Good "order" signature') == 5 * len(KEYS)
    rounds = {name: int(number) for name, number in re.findall(r"(\w+) rounds: (\d+)", said)}
    assert rounds.keys() == {"pkcs11", "apdus"} and min(rounds.values()) > 1, rounds
    works("OpenSC", "a PKCS#11 session, an `ssh-agent`, a program with APDUs share a token")
