"""The fixtures for readers: unmodified programs through a private service."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import time
from pathlib import Path

import pytest

from tests.testing.inner import passes
from ushield.reader.specs import default_names
from ushield.testing import Reader, ReaderFactory, Token, TokenFactory
from ushield.testing.tokens import TokenInReader

pytestmark = pytest.mark.ushield(keys=["p256"])


@pytest.fixture(autouse=True)
def opensc() -> None:
    if shutil.which("pkcs11-tool") is None:
        pytest.skip("pkcs11-tool is not installed (Debian's package opensc)")


def out(reader: Reader, *command: str) -> str:
    """What a program printed that must end well."""
    done = subprocess.run(
        command, env=reader.environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def serials(reader: Reader) -> list[str]:
    """The tokens that a PKCS#11 program sees in the reader's service."""
    text = out(reader, "pkcs11-tool", "--list-slots")
    return re.findall(r"serial num +: (\w+)", text)


def shown(token: Token | None) -> str:
    """A serial number as OpenSC's PKCS#11 module shows it, which has room for 16 digits."""
    assert token is not None
    return token.serial.hex()[-16:]


def test_a_program_finds_the_token_and_uses_it(ushield_reader: Reader) -> None:
    token = ushield_reader.token
    assert token is not None
    assert serials(ushield_reader) == [shown(token)]
    out(ushield_reader, "pkcs11-tool", "--login", "--pin", token.pin, "--test")
    with pytest.raises(TokenInReader):
        _ = token.client


def test_a_token_is_taken_out_and_put_back(ushield_reader: Reader) -> None:
    token = ushield_reader.token
    assert token is not None
    program = ["pkcs11-tool", "--login", "--pin", "000000", "--list-objects"]
    done = subprocess.run(program, env=ushield_reader.environment, capture_output=True, check=False)
    assert b"CKR_PIN_INCORRECT" in done.stderr
    assert token.look().pin_status().tries_left == 5

    assert ushield_reader.remove() is token
    assert serials(ushield_reader) == []
    assert token.client.pin_status().tries_left == 5
    token.client.verify_pin(token.pin)

    ushield_reader.insert()
    assert ushield_reader.token is token
    assert serials(ushield_reader) == [shown(token)]
    assert not token.look().pin_status().verified
    assert token.look().pin_status().tries_left == 6


def test_tokens_are_swapped(ushield_reader: Reader, ushield_token_factory: TokenFactory) -> None:
    first, second = ushield_reader.token, ushield_token_factory(label="second")
    with pytest.raises(ValueError, match="remove it first"):
        ushield_reader.insert(second)
    ushield_reader.remove()
    ushield_reader.insert(second)
    assert serials(ushield_reader) == [shown(second)]
    assert ushield_reader.remove() is second
    ushield_reader.insert(first)
    assert serials(ushield_reader) == [shown(first)]


def test_two_readers_in_one_service(
    ushield_reader_factory: ReaderFactory, ushield_token_factory: TokenFactory
) -> None:
    tokens = [ushield_token_factory(), None, ushield_token_factory()]
    readers = ushield_reader_factory.side_by_side(*tokens)
    assert [reader.name for reader in readers] == default_names(3)
    assert len({reader.environment["PCSCLITE_CSOCK_NAME"] for reader in readers}) == 1
    assert serials(readers[1]) == [shown(tokens[0]), shown(tokens[2])]


def test_two_services_do_not_see_each_other(ushield_reader_factory: ReaderFactory) -> None:
    first, second = ushield_reader_factory(), ushield_reader_factory(name="Yubico YubiKey — 読 00")
    assert first.environment["PCSCLITE_CSOCK_NAME"] != second.environment["PCSCLITE_CSOCK_NAME"]
    assert serials(first) == [shown(first.token)]
    assert serials(second) == [shown(second.token)]
    assert second.name in out(second, "opensc-tool", "--list-readers")


def test_empty_and_wrong_use(ushield_reader_factory: ReaderFactory) -> None:
    reader = ushield_reader_factory.empty()
    assert reader.token is None
    with pytest.raises(ValueError, match="no token in"):
        reader.remove()
    with pytest.raises(ValueError, match="say which one"):
        reader.insert()
    with pytest.raises(ValueError, match="name"):
        ushield_reader_factory.side_by_side(None, None, names=["same", "same"])
    with pytest.raises(ValueError, match="1 to 16"):
        ushield_reader_factory.side_by_side()


def test_a_program_that_waits_sees_the_token_come(
    ushield_reader_factory: ReaderFactory, ushield_token: Token
) -> None:
    reader = ushield_reader_factory.empty()
    command = ["opensc-tool", "--wait", "--serial"]
    with subprocess.Popen(command, env=reader.environment, stdout=subprocess.PIPE) as waiting:
        time.sleep(0.3)
        assert waiting.poll() is None
        reader.insert(ushield_token)
        said, _ = waiting.communicate(timeout=10)
    assert waiting.returncode == 0
    assert ushield_token.serial.hex(" ").upper() in said.decode()


def test_a_service_ends_under_a_program_that_waits(ushield_token_factory: TokenFactory) -> None:
    with ReaderFactory(ushield_token_factory) as readers:
        command = ["opensc-tool", "--wait", "--serial"]
        waiting = subprocess.Popen(
            command,
            env=readers.empty().environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        time.sleep(0.3)
        began = time.monotonic()
    assert time.monotonic() - began < 1
    assert waiting.wait(10) != 0


@pytest.mark.ushield(blank=True)
def test_opensc_personalises_a_blank_token(ushield_reader: Reader) -> None:
    out(ushield_reader, "pkcs15-init", "-E")
    officer = ["--so-pin", "87654321", "--so-puk", "11223344"]
    holder = ["-P", "-a", "1", "-l", "user", "--pin", "123456", "--puk", "12345678", "-F"]
    out(ushield_reader, "pkcs15-init", "-C", *officer, *holder)
    assert ushield_reader.token is not None
    assert ushield_reader.token.look().pin_status().tries_left > 0


def test_the_environment_keeps_the_users_own_things_out(
    ushield_reader: Reader, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("SSH_AUTH_SOCK", "/somewhere/agent")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    environment = ushield_reader.environment
    assert "SSH_AUTH_SOCK" not in environment
    assert environment["HOME"] == str(tmp_path)
    assert environment.items() >= ushield_reader.variables.items()
    out(ushield_reader, "pkcs11-tool", "--list-objects")
    out(ushield_reader, "pkcs15-tool", "--dump")
    assert os.listdir(tmp_path) == []


NOTHING_LEFT = """
import os, pathlib, subprocess, tempfile
import pytest

pytestmark = pytest.mark.ushield(keys=["p256"])

@pytest.mark.parametrize("turn", range(3))
def test_a_reader(ushield_reader, turn):
    ushield_reader.client()  # not closed
    assert os.listdir(tempfile.gettempdir())
    program = ["pkcs15-tool", "--dump"]
    subprocess.run(program, env=ushield_reader.environment, check=True, capture_output=True)
"""


def test_nothing_is_left_behind(tmp_path: Path) -> None:
    places = {name: tmp_path / name for name in ("TMPDIR", "HOME")}
    for place in places.values():
        place.mkdir()
    variables = {name: str(place) for name, place in places.items()}
    passes(tmp_path, NOTHING_LEFT, "-p", "no:cacheprovider", variables=variables)
    assert [os.listdir(place) for place in places.values()] == [[], []]


IN_PROCESS = """
import os
import threading
import pytest
from host.errors import WrongPin

pytestmark = pytest.mark.ushield(keys=["p256"])
GET_CHALLENGE = [0x00, 0x84, 0x00, 0x00, 0x08]

@pytest.mark.parametrize("turn", range(3))
def test_pyscard(ushield_reader, turn):
    before = os.environ.get("PCSCLITE_CSOCK_NAME")
    assert before is None
    connection = ushield_reader.connect()
    data, sw1, sw2 = connection.transmit(GET_CHALLENGE)
    assert (len(data), sw1, sw2) == (8, 0x90, 0x00)

def test_the_variable_is_as_it_was():
    assert "PCSCLITE_CSOCK_NAME" not in os.environ

def test_client_through_pcsc(ushield_reader):
    with ushield_reader.client() as client:
        assert client.serial() == ushield_reader.token.serial
        client.verify_pin(ushield_reader.token.pin)
        assert client.check_signature(client.sign(b"pay"), b"pay")
        ushield_reader.reset()
        client.reset()
        assert not client.pin_status().verified

def test_two_services_at_once(ushield_reader_factory):
    first, second = ushield_reader_factory(), ushield_reader_factory()
    with first.client() as one, second.client() as other:
        assert one.serial() == first.token.serial
        assert other.serial() == second.token.serial
        assert one.challenge(8) != other.challenge(8)

@pytest.mark.parametrize("turn", range(3))
def test_threads_with_a_client_each(ushield_reader, turn):
    serials = []
    def look():
        with ushield_reader.client() as client:
            serials.append(client.serial())
    threads = [threading.Thread(target=look, daemon=True) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert serials == [ushield_reader.token.serial] * 6

def test_after_removal(ushield_reader):
    ushield_reader.client().close()
    token = ushield_reader.remove()
    with pytest.raises(Exception, match="no card"):
        ushield_reader.client()
    assert token.client.pin_status().tries_left == 6
    ushield_reader.insert()
    with ushield_reader.client() as client:
        assert client.serial() == token.serial
"""


def test_in_the_tests_own_process(tmp_path: Path) -> None:
    assert passes(tmp_path, IN_PROCESS) == "10 passed"
    assert passes(tmp_path, IN_PROCESS, "-n", "2") == "10 passed"


ANOTHER_BEFORE = """
import os
import pytest

def test_explained(ushield_reader):
    from smartcard import scard
    os.environ["PCSCLITE_CSOCK_NAME"] = "/nowhere"
    assert scard.SCardEstablishContext(scard.SCARD_SCOPE_USER)[0]
    with pytest.raises(RuntimeError, match="once in a process"):
        ushield_reader.client()
"""


A_NAMESAKE_BEFORE = """
import pytest
from host.pcsc import open_reader
from ushield.testing.readers import WrongService

def test_explained(ushield_reader, ushield_reader_factory, monkeypatch):
    namesake = ushield_reader_factory()
    assert namesake.name == ushield_reader.name
    monkeypatch.setenv("PCSCLITE_CSOCK_NAME", namesake.environment["PCSCLITE_CSOCK_NAME"])
    open_reader(namesake.name).close()
    with pytest.raises(WrongService, match="once in a process"):
        ushield_reader.connect()
"""


@pytest.mark.parametrize("code", [ANOTHER_BEFORE, A_NAMESAKE_BEFORE])
def test_a_process_that_was_led_elsewhere_before_is_told(tmp_path: Path, code: str) -> None:
    assert passes(tmp_path, code) == "1 passed"


WITHOUT_PYSCARD = """
import sys, subprocess
import pytest
sys.modules["smartcard"] = None
pytestmark = pytest.mark.ushield(keys=["p256"])

def test_only_connect_needs_it(ushield_reader, ushield_token):
    ushield_token.client.verify_pin(ushield_token.pin)
    subprocess.run(["pkcs11-tool", "-L"], env=ushield_reader.environment, check=True)
    with pytest.raises(Exception, match="extra 'pcsc'"):
        ushield_reader.connect()
"""


def test_pyscard_is_needed_by_connections_only(tmp_path: Path) -> None:
    assert passes(tmp_path, WITHOUT_PYSCARD) == "1 passed"


def test_a_reader_costs_little(ushield_token_factory: TokenFactory) -> None:
    """The machine may be busy: the best of many counts."""
    costs = []
    for _ in range(10):
        began = time.perf_counter()
        with ReaderFactory(ushield_token_factory) as readers:
            readers()
        costs.append(time.perf_counter() - began)
    assert min(costs) < 0.05
