"""Programs that know nothing of buttons, with keys that want a press: they wait for it.

The card is in our service, and its buttons are pressed by the test while the program waits.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from threading import Event

import pytest

from applet.os.panel import Screen, Signal
from applet.os.store import MemoryStore
from host.personalise import Profile
from tests.clients.cards import PIN, PUK, copy
from tests.clients.sshd import ASK_PIN, admit, prepare_server
from tests.clients.system import pkcs11_module
from tests.clients.tool import Tool
from tests.clients.ways import through_service
from tests.consent.panel import ScriptedPanel, always, confirm
from ushield.device.assembly import assemble
from ushield.tokens import manufacture

LOGIN = f"pkcs11-tool -l -p {PIN}"
RSA, CURVE, SHOWN = "01", "02", "03"
SIGN = {
    RSA: f"{LOGIN} -s -m SHA256-RSA-PKCS --id {RSA} -i order.txt -o s.bin",
    CURVE: f"{LOGIN} -s -m ECDSA-SHA256 --signature-format openssl --id {CURVE} "
    "-i order.txt -o s.bin",
}
ENDS = [Signal.CANCEL, Signal.TIMED_OUT]


@cache
def _memory() -> MemoryStore:
    store = MemoryStore()
    keys = ("rsa2048", "p256", "rsa2048:sign")
    manufacture(store, Profile.of(pin=PIN, puk=PUK, keys=keys, generation=2))
    return store


@pytest.fixture
def panel() -> ScriptedPanel:
    return ScriptedPanel()


@pytest.fixture
def token(folder: Path, panel: ScriptedPanel) -> Iterator[Tool]:
    """The command line with a token whose keys want a press, and one that shows what it signs."""
    with through_service(folder) as way:
        way.service.insert(0, assemble(copy(_memory()), strict=True, panel=panel))
        tool = Tool(folder, {**way.variables, **ASK_PIN})
        tool.write("order.txt", b"order")
        yield tool


def public_key(token: Tool, ident: str) -> None:
    token.run(f"pkcs15-tool --read-public-key {ident} -o public.pem")


@pytest.mark.parametrize("key", SIGN)
def test_pkcs11_tool_signs_after_confirm(token: Tool, panel: ScriptedPanel, key: str) -> None:
    token.run(SIGN[key])
    assert panel.text[0] == f"Sign, key {int(key)}"
    assert len(panel.questions) == 1, "one press for one signature"
    public_key(token, key)
    line = "openssl dgst -sha256 -verify public.pem -signature s.bin order.txt"
    token.see(line, "Verified OK")


@pytest.mark.parametrize("signal", ENDS)
@pytest.mark.parametrize("key", SIGN)
def test_pkcs11_tool_gets_an_error(
    token: Tool, panel: ScriptedPanel, key: str, signal: Signal
) -> None:
    panel.press = always(signal)
    said = token.fail(SIGN[key])
    assert "error: PKCS11 function C_Sign" in said
    assert not (token.folder / "s.bin").exists() or not token.read("s.bin")
    panel.press = confirm
    token.run(SIGN[key])


def test_pkcs11_tool_waits(token: Tool, panel: ScriptedPanel) -> None:
    """Meanwhile the question stands, and the program with it."""
    asked, pressed = Event(), Event()

    def press(screen: Screen) -> Signal:
        asked.set()
        assert pressed.wait(60)
        return confirm(screen)

    panel.press = press
    with token.running(f"sh -c '{SIGN[CURVE]} && echo signed'") as lines:
        assert asked.wait(60)
        pressed.set()
        while (line := lines.next(60)) and line != "signed":
            pass
        assert line == "signed"


def test_pkcs11_tool_deciphers_after_confirm(token: Tool, panel: ScriptedPanel) -> None:
    public_key(token, RSA)
    token.run("openssl pkeyutl -encrypt -pubin -inkey public.pem -in order.txt -out c.bin")
    decrypt = f"{LOGIN} --decrypt -m RSA-PKCS --id {RSA} -i c.bin -o plain.txt"
    token.run(decrypt)
    assert token.read("plain.txt") == b"order"
    assert panel.text[0] == "Decipher, key 1"
    panel.press = always(Signal.CANCEL)
    token.fail(decrypt)


def test_a_key_that_shows_what_it_signs_refuses_opensc(token: Tool, panel: ScriptedPanel) -> None:
    """A digest, a DigestInfo, a raw and a PSS block: none of it is asked about."""
    token.write("block", b"\x01" * 256)
    for mechanism, source in (
        ("SHA256-RSA-PKCS", "order.txt"),
        ("RSA-PKCS", "order.txt"),
        ("RSA-X-509", "block"),
        ("SHA256-RSA-PKCS-PSS", "order.txt"),
    ):
        said = token.fail(f"{LOGIN} -s -m {mechanism} --id {SHOWN} -i {source} -o s.bin")
        assert "error: PKCS11 function C_Sign" in said
    token.fail(
        f"pkcs15-crypt --sign -k {SHOWN} --pin {PIN} --sha-256 --pkcs1 -i order.txt -o s.bin"
    )
    assert not panel.questions


def test_ssh_logs_in_after_confirm(token: Tool, panel: ScriptedPanel) -> None:
    prepare_server(token)
    login = f"ssh -F ssh.conf -I {pkcs11_module()} server"
    keys = token.run(f"ssh-keygen -D {pkcs11_module()}").splitlines()
    for number, label in ((1, "rsa2048 key"), (2, "p256 key")):
        admit(token, next(key for key in keys if key.endswith(label)))
        panel.press = confirm
        token.see(login, "welcome, key 1")
        assert f"Sign, key {number}" in panel.text
        for signal in ENDS:
            panel.press = always(signal)
            assert "Permission denied" in token.fail(login)


def test_the_agent_signs_after_confirm(token: Tool, panel: ScriptedPanel) -> None:
    prepare_server(token)
    script = f"ssh-add -s {pkcs11_module()}\nssh-add -L | grep p256 > key.pub\n"
    script += "ssh-keygen -Y sign -n order -f key.pub order.txt\n"
    token.write("script", script.encode())
    token.run("ssh-agent sh -e script")
    token.see(
        "sh -c 'ssh-keygen -Y check-novalidate -n order -s order.txt.sig < order.txt'",
        'Good "order" signature',
    )
    panel.press = always(Signal.CANCEL)
    token.run("rm order.txt.sig")
    assert "agent refused operation" in token.fail("ssh-agent sh -e script")
