"""A service for a test, its clients, and programs that use it through libpcsclite."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from tests.pcsc.rawclient import RawClient
from ushield.reader.codes import Protocol, Rv, Share
from ushield.reader.service import PcscService, ReaderSpec, default_names

READER = "ushield 00 00"


class Guest(RawClient):
    """A client with a context and, if it asked for one, a connection."""

    def __init__(
        self,
        service: PcscService | Path,
        reader: str | None = None,
        share: int = Share.SHARED,
        minor: int = 4,
    ) -> None:
        super().__init__(service if isinstance(service, Path) else service.socket, minor)
        self.card = 0
        try:
            assert self.establish().rv == Rv.SUCCESS
            if reader is not None:
                connected = self.connect(reader, share)
                assert connected.rv == Rv.SUCCESS
                self.card = connected.card
        except BaseException:
            self.close()
            raise

    def says(self, command: bytes = b"\x00\xca\x00\x00") -> bytes:
        """The response to a command that succeeds."""
        answer, response = self.transmit(self.card, command, protocol=Protocol.ANY_OLD)
        assert answer.rv == Rv.SUCCESS, f"{Rv(answer.rv)!r}"
        return response


@contextmanager
def serving(*cards: Any, names: Sequence[str] = ()) -> Iterator[PcscService]:
    """A service with these cards, which leaves no thread and no descriptor behind."""
    threads, descriptors = own_threads(), open_descriptors()
    specs = [
        ReaderSpec(name, card)
        for name, card in zip(names or default_names(len(cards)), cards, strict=True)
    ]
    with PcscService(specs) as service:
        yield service
    assert not service.socket.exists()
    assert not service.socket.parent.exists()
    soon(lambda: own_threads() <= threads, "every thread has ended")
    soon(lambda: open_descriptors() <= descriptors, "every socket is closed")


@contextmanager
def program(service: PcscService, text: str, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """A program that uses the service through libpcsclite; it is killed if it does not end."""
    process = subprocess.Popen(
        [sys.executable, "-W", "error", "-c", PRELUDE + text, *arguments],
        env=os.environ | service.environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        try:
            yield process
        finally:
            process.kill()


def output(service: PcscService, text: str, *arguments: str) -> str:
    """What a program prints that ends well."""
    with program(service, text, *arguments) as process:
        printed, _ = process.communicate(timeout=30)
    assert process.returncode == 0, printed
    return printed


def line_of(process: subprocess.Popen[str]) -> str:
    """The next line that a program prints."""
    assert process.stdout is not None
    return process.stdout.readline().strip()


PRELUDE = """\
import os, sys, threading, time
from smartcard.scard import *

def good(result, *others):
    rv, *values = result if isinstance(result, list) else [result]
    assert rv in (SCARD_S_SUCCESS, *others), SCardGetErrorMessage(rv)
    return values[0] if len(values) == 1 else values

def context():
    return good(SCardEstablishContext(SCARD_SCOPE_USER))

def connect(where, reader=READER, share=SCARD_SHARE_SHARED):
    return good(SCardConnect(where, reader, share, SCARD_PROTOCOL_T0 | SCARD_PROTOCOL_T1))[0]

def ask(card, command, protocol=SCARD_PCI_T1):
    return bytes(good(SCardTransmit(card, protocol, list(command))))
""".replace("=READER", f"={READER!r}")


def soon(condition: Callable[[], bool], what: str, seconds: float = 5.0) -> None:
    """Wait until it is so."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not in {seconds} s: {what}"
        time.sleep(0.001)


def own_threads() -> set[threading.Thread]:
    """The threads of all services in this process."""
    return {one for one in threading.enumerate() if one.name.startswith("ushield-")}


def open_descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))


@contextmanager
def in_the_background(*works: Callable[[], object]) -> Iterator[None]:
    """Do these things meanwhile; their first fault is the test's."""
    faults: list[BaseException] = []

    def run(work: Callable[[], object]) -> None:
        try:
            work()
        except BaseException as fault:  # noqa: BLE001
            faults.append(fault)

    threads = [threading.Thread(target=run, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        for thread in threads:
            thread.join(30)
        with suppress(IndexError):
            raise faults[0]
