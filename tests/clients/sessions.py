"""A program that uses sessions of PKCS#11 by PyKCS11, and ends well if all is as it must be.

Run as a script, by another Python too: sessions.py LIBRARY TASK, where TASK is one of the functions
below: logins, end, fork, neighbour, removal, events.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import PyKCS11
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from smartcard.System import readers

PIN = "123456"
PIN_STATUS = [0x00, 0x20, 0x00, 0x01]
PRIVATE, CERTIFICATES = (
    [(PyKCS11.CKA_CLASS, kind)] for kind in (PyKCS11.CKO_PRIVATE_KEY, PyKCS11.CKO_CERTIFICATE)
)
SIGN = PyKCS11.Mechanism(PyKCS11.CKM_SHA256_RSA_PKCS)


class Token:
    """The first token that the library finds; its first key signs by RSA."""

    def __init__(self, library: PyKCS11.PyKCS11Lib) -> None:
        self.library = library
        self._slot = library.getSlotList(tokenPresent=True)[0]
        session = self.open()
        (value,) = session.getAttributeValue(
            session.findObjects(CERTIFICATES)[0], [PyKCS11.CKA_VALUE]
        )
        public = x509.load_der_x509_certificate(bytes(value)).public_key()
        assert isinstance(public, RSAPublicKey)
        self._public = public
        session.closeSession()

    def open(self) -> Any:
        """A session; nobody is logged in unless it is so already."""
        return self.library.openSession(
            self._slot, PyKCS11.CKF_SERIAL_SESSION | PyKCS11.CKF_RW_SESSION
        )

    def present(self) -> bool:
        """Whether there is a token in the same slot."""
        return is_present(self.library, self._slot)

    def sign(self, session: Any, message: bytes) -> None:
        """Sign, and verify what comes back."""
        key = session.findObjects(PRIVATE)[0]
        signature = bytes(session.sign(key, message, SIGN))
        self._public.verify(signature, message, PKCS1v15(), hashes.SHA256())


def logins(token: Token) -> None:
    """A login is for all sessions of the program, and so is a logout."""
    first, second = token.open(), token.open()
    assert not first.findObjects(PRIVATE)
    first.login(PIN)
    with refused("CKR_USER_ALREADY_LOGGED_IN"):
        first.login(PIN)
    with refused("CKR_USER_ALREADY_LOGGED_IN"):
        second.login(PIN)
    token.sign(second, b"the other session")
    second.logout()
    assert first.getSessionInfo().state == PyKCS11.CKS_RW_PUBLIC_SESSION
    assert not first.findObjects(PRIVATE)
    with refused("CKR_USER_NOT_LOGGED_IN"):
        first.logout()
    with refused("CKR_PIN_INCORRECT"):
        first.login("000000")
    first.login(PIN)
    token.sign(first, b"again")


def end(token: Token) -> None:
    """The close of the last session ends the login; prints whether the card has heard of it."""
    first, second = token.open(), token.open()
    first.login(PIN)
    with asked_of_the_card() as verified:
        assert verified()
        first.closeSession()
        assert verified()
        token.sign(second, b"one session is left")
        second.closeSession()
        print("the card has", "the PIN" if verified() else "no PIN")
    with refused("CKR_SESSION_HANDLE_INVALID"):
        second.getSessionInfo()
    third = token.open()
    assert third.getSessionInfo().state == PyKCS11.CKS_RW_PUBLIC_SESSION
    assert not third.findObjects(PRIVATE)


def neighbour(token: Token) -> None:
    """Another program begins, and the card forgets the PIN; this one's keys go on working.

    Prints what the library then says of the session.
    """
    session = token.open()
    session.login(PIN)
    with asked_of_the_card() as verified:
        subprocess.run(["pkcs11-tool", "--list-slots"], stdout=subprocess.DEVNULL, check=True)
        assert not verified()
        token.sign(session, b"the library still knows the PIN")
        assert verified()
        subprocess.run(["pkcs11-tool", "--list-slots"], stdout=subprocess.DEVNULL, check=True)
    try:
        state = session.getSessionInfo().state
        assert state == PyKCS11.CKS_RW_PUBLIC_SESSION
        token.sign(session, b"and so it does now")
        print("the session is a public one")
    except PyKCS11.PyKCS11Error as error:
        print("the session is no more:", error)


def fork(token: Token) -> None:
    """A child that initialises the library anew, as it must, has a connection of its own.

    Both go on, in turns.
    """
    session = token.open()
    session.login(PIN)
    token.sign(session, b"before")
    to_child, to_parent = os.pipe(), os.pipe()
    child = os.fork()
    if not child:
        try:
            take_turns(grown_up(token), to_child[0], to_parent[1], b"child")
        finally:
            os._exit(sys.exc_info()[0] is not None)
    os.write(to_child[1], b".")
    take_turns(lambda message: token.sign(session, message), to_parent[0], to_child[1], b"parent")
    assert os.waitpid(child, 0)[1] == 0
    token.sign(session, b"after")


def grown_up(token: Token) -> Callable[[bytes], None]:
    """In the child: a function to sign with, logged in by itself."""
    assert token.library.lib.C_Initialize() == PyKCS11.CKR_OK
    session = token.open()
    assert session.getSessionInfo().state == PyKCS11.CKS_RW_PUBLIC_SESSION
    session.login(PIN)
    return lambda message: token.sign(session, message)


def take_turns(sign: Callable[[bytes], None], hear: int, tell: int, name: bytes) -> None:
    """Five signatures, each after one of the other process."""
    for number in range(5):
        assert os.read(hear, 1) == b"."
        sign(b"%b %d" % (name, number))
        os.write(tell, b".")


def removal(token: Token) -> None:
    """Sign until the token is gone, and once more when one is there."""
    session = token.open()
    session.login(PIN)
    try:
        while True:
            token.sign(session, b"and again")
    except PyKCS11.PyKCS11Error as error:
        print("gone:", str(error).partition(" ")[0], flush=True)
    while not token.present():
        time.sleep(0.01)
    session = token.open()
    session.login(PIN)
    token.sign(session, b"the next one")
    print("signed again", flush=True)


def events(library: PyKCS11.PyKCS11Lib) -> None:
    """A line for each card that comes or goes, as soon as the library tells. Until killed."""
    library.getSlotList()
    print("ready", flush=True)
    while True:
        slot = library.waitForSlotEvent()
        print("in" if is_present(library, slot) else "out", flush=True)


def is_present(library: PyKCS11.PyKCS11Lib, slot: int) -> bool:
    """Whether there is a token in a slot."""
    return bool(library.getSlotInfo(slot).flags & PyKCS11.CKF_TOKEN_PRESENT)


@contextmanager
def refused(reason: str) -> Iterator[None]:
    """What is tried in the context is refused for this reason."""
    said = "nothing"
    try:
        yield
    except PyKCS11.PyKCS11Error as error:
        said = str(error)
    assert said.startswith(reason), said


@contextmanager
def asked_of_the_card() -> Iterator[Callable[[], bool]]:
    """Whether the card has the PIN verified, asked by a connection of its own."""
    connection = readers()[0].createConnection()
    connection.connect()
    yield lambda: bool(connection.transmit(PIN_STATUS)[1] == 0x90)
    connection.disconnect()


def main() -> None:
    """Load the library, and do what is asked for."""
    library = PyKCS11.PyKCS11Lib()
    library.load(sys.argv[1])
    if sys.argv[2] == "events":
        events(library)
    else:
        tasks = (logins, end, fork, neighbour, removal)
        {task.__name__: task for task in tasks}[sys.argv[2]](Token(library))


if __name__ == "__main__":
    main()
