"""A token is pulled out in the middle: the program gets its error, and the token stays whole."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from threading import Thread

import pytest

from tests.clients.cards import PIN
from tests.clients.kinds import ORDER, SESSION_KEY
from tests.clients.ledger import Works
from tests.clients.system import PYTHON, pkcs11_module
from tests.clients.tool import Tool, ushield
from tests.clients.ways import ThroughService, through_service
from ushield.device.assembly import assemble
from ushield.device.image import open_image
from ushield.reader.card import CardPort
from ushield.reader.codes import State
from ushield.reader.service import PcscService
from ushield.tokens import open_token

MAKE_KEY = f"pkcs15-init -G ec/prime256v1 -i 55 -a 1 --pin {PIN} -u digitalSignature"
LOGIN = f"pkcs11-tool -l -p {PIN} --id 01"
SIGN = f"{LOGIN} -s -m SHA256-RSA-PKCS -i order.txt -o order.sig"
DECIPHER = f"{LOGIN} --decrypt -m RSA-PKCS -i secret.bin -o plain.bin"
WRITES = {0x46: "GENERATE", 0xD6: "UPDATE", 0xDA: "PUT DATA", 0xE0: "CREATE", 0xE4: "DELETE"}
USES = {0x20: "VERIFY", 0x22: "MSE", 0x2A: "PSO"}
SESSIONS = Path(__file__).with_name("sessions.py")

Which = Callable[[bytes], bool]


class Loose:
    """A card that slips out of its reader at a command: the n-th of those that count.

    Its power is gone before the command is carried out, or just after; nobody gets the answer.
    """

    def __init__(
        self,
        card: CardPort,
        service: PcscService,
        counts: Which,
        out_at: int | None,
        *,
        done: bool,
    ) -> None:
        self._card, self._service = card, service
        self._counts, self._out_at, self._done = counts, out_at, done
        self.count = 0
        self.hand: Thread | None = None

    def power_on(self) -> bytes:
        return self._card.power_on()

    def reset(self) -> bytes:
        return self._card.reset()

    def power_off(self) -> None:
        self._card.power_off()

    def transmit(self, command: bytes, /) -> bytes:
        self.count += self._counts(command)
        if self.hand is None and self.count == self._out_at:
            self.hand = Thread(target=self._service.remove, args=(0,))
            self.hand.start()
            while self._service.records()[0].state & State.PRESENT:
                pass
            if not self._done:
                return b"\x6f\x00"
        return self._card.transmit(command)


class Bench:
    """A reader, and a token in a file to put into it."""

    def __init__(self, way: ThroughService, tool: Tool, image: bytes) -> None:
        self.tool = tool
        self._service = way.service
        self._image, self._file = image, tool.folder / "my.token"
        self.start_again()

    def count(self, line: str, which: Which) -> int:
        """How many of these commands a command line sends to a token as it was at first."""
        self.start_again()
        with self._opened() as card:
            loose = Loose(card, self._service, which, None, done=False)
            self._service.insert(0, loose)
            self.tool.run(line)
            self._service.remove(0)
        return loose.count

    def pull(self, line: str, which: Which, number: int, *, done: bool = False) -> str:
        """What a command line says when the token is pulled out at the n-th such command."""
        self.start_again()
        with self.loose(which, number, done=done):
            return self.tool.fail(line)

    @contextmanager
    def loose(self, which: Which, number: int, *, done: bool = False) -> Iterator[None]:
        """The token is in the reader, and will have been pulled out at the end of the context."""
        with self._opened() as card:
            loose = Loose(card, self._service, which, number, done=done)
            self._service.insert(0, loose)
            yield
            assert loose.hand is not None, "it was never pulled out"
            loose.hand.join()

    def tries_left(self) -> int:
        """How many tries of the PIN the token has, which is in no reader."""
        with open_token(self._file) as client:
            return client.pin_status().tries_left

    @contextmanager
    def inserted(self) -> Iterator[None]:
        """The token is in the reader again, from its file."""
        with self._opened() as card:
            self._service.insert(0, card)
            yield
            self._service.remove(0)

    def start_again(self) -> None:
        """The token is as it was at first."""
        self._file.write_bytes(self._image)

    @contextmanager
    def _opened(self) -> Iterator[CardPort]:
        with closing(open_image(self._file)) as store:
            yield assemble(store, strict=True)


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The file of a token with one key."""
    folder = tmp_path_factory.mktemp("image")
    subprocess.run(ushield(folder, "init my.token --key rsa2048"), check=True)
    return (folder / "my.token").read_bytes()


@pytest.fixture
def bench(folder: Path, image: bytes) -> Iterator[Bench]:
    """An empty reader, and what the command lines need."""
    with through_service(folder) as way:
        tool = Tool(folder, way.variables)
        bench = Bench(way, tool, image)
        tool.write("order.txt", ORDER)
        tool.write("key.bin", SESSION_KEY)
        with bench.inserted():
            tool.run("pkcs15-tool --read-public-key 01 -o public.pem")
        tool.run("openssl pkeyutl -encrypt -pubin -inkey public.pem -in key.bin -out secret.bin")
        yield bench


def writes(command: bytes) -> bool:
    """Whether a command changes what the token keeps."""
    return command[1] in WRITES


def uses(command: bytes) -> bool:
    """Whether a command is a step to the use of a key, or the use itself."""
    return command[1] in USES


def signs(command: bytes) -> bool:
    """Whether a command is the last one of a signature."""
    return command[:2] == b"\x00\x2a"


def keys_of(tool: Tool) -> set[str]:
    """The ids of the keys that the token lists."""
    lines = tool.run("pkcs15-tool --list-keys").splitlines()
    return {line.split()[-1] for line in lines if line.strip().startswith("ID ")}


def test_at_every_write_of_pkcs15_init(bench: Bench, works: Works) -> None:
    """What is there afterwards is the token as it was, or with the new key; then all goes on."""
    tool = bench.tool
    number = bench.count(MAKE_KEY, writes)
    assert number > 5
    seen = []
    for out_at, done in [*((each, False) for each in range(1, number + 1)), (number, True)]:
        said = bench.pull(MAKE_KEY, writes, out_at, done=done)
        assert "Failed to generate key" in said
        with bench.inserted():
            tool.see(f"pkcs11-tool -l -p {PIN} --test", "No errors\n")
            seen.append("55" in keys_of(tool))
            if not seen[-1]:
                tool.run(MAKE_KEY)
            assert keys_of(tool) == {"01", "55"}
    assert seen == sorted(seen) and len(set(seen)) == 2
    works("OpenSC", "`pkcs15-init` when the token is pulled out: an error, the token stays whole")


@pytest.mark.parametrize("line", [SIGN, DECIPHER], ids=["sign", "decipher"])
def test_at_every_step_of_a_key(bench: Bench, line: str, works: Works) -> None:
    """The PIN, the environment, each link of the chain: no try is lost, the next time it works."""
    tool = bench.tool
    number = bench.count(line, uses)
    assert number > 3
    for out_at, done in [*((each, False) for each in range(1, number + 1)), (number, True)]:
        assert "CKR_" in bench.pull(line, uses, out_at, done=done)
        assert bench.tries_left() == 6
        with bench.inserted():
            tool.run(line)
    if line is SIGN:
        check = "openssl dgst -sha256 -verify public.pem -signature order.sig order.txt"
        tool.see(check, "Verified OK")
    else:
        assert tool.read("plain.bin") == SESSION_KEY
    works("OpenSC", "`pkcs11-tool` when the token is pulled out: an error, no try is lost")


def test_a_program_goes_on_with_the_next_token(bench: Bench, works: Works) -> None:
    """It signs until the token is gone, and again when one is there, without being restarted."""
    bench.tool.write("sessions.py", SESSIONS.read_bytes())
    bench.start_again()
    with ExitStack() as stack:
        with bench.loose(signs, 20):
            program = f"{PYTHON} sessions.py {pkcs11_module()} removal"
            lines = stack.enter_context(bench.tool.running(program))
            assert lines.next() == "gone: CKR_DEVICE_REMOVED"
        with bench.inserted():
            assert lines.next() == "signed again"
    works("PyKCS11", "the token is pulled out in the middle, and put in again: the program goes on")
