"""Eight threads that sign by one PKCS#11 library; every signature is verified.

Run as a script, by another Python too: threads.py LIBRARY itself|python-pkcs11, with the public key
in public.pem.
"""

from __future__ import annotations

import ctypes
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from ctypes import byref, c_char_p, c_ulong, c_void_p
from pathlib import Path
from typing import Any

import pkcs11
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key

PIN = "123456"
THREADS, EACH = 8, 10

Sign = Callable[[bytes], bytes]


def all_at_once(session: Callable[[], Sign], public: RSAPublicKey) -> None:
    """Each thread opens a session and signs messages of its own, as fast as it can."""
    start = threading.Barrier(THREADS)

    def work(thread: int) -> None:
        sign = session()
        start.wait()
        for number in range(EACH):
            message = b"thread %d, message %d" % (thread, number)
            public.verify(sign(message), message, PKCS1v15(), hashes.SHA256())

    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(work, range(THREADS)))


# --- by python-pkcs11 -----------------------------------------------------------------------


class Wrapped:
    """python-pkcs11 does not tell the library to lock, so the threads have to take turns."""

    def __init__(self, path: str) -> None:
        self._token = next(iter(pkcs11.lib(path).get_tokens()))
        self._login = self._token.open(user_pin=PIN)
        self._turn = threading.Lock()

    def session(self) -> Sign:
        """Sign in a session of its own, with the RSA key."""
        with self._turn:
            session: Any = self._token.open()
            key = session.get_key(pkcs11.ObjectClass.PRIVATE_KEY, pkcs11.KeyType.RSA)

        def sign(message: bytes) -> bytes:
            with self._turn:
                return bytes(key.sign(message, mechanism=pkcs11.Mechanism.SHA256_RSA_PKCS))

        return sign


# --- by the library itself ---------------------------------------------------------------------


class Locking(ctypes.Structure):
    """CK_C_INITIALIZE_ARGS: four functions, flags, and nothing."""

    _fields_ = [("functions", c_void_p * 4), ("flags", c_ulong), ("reserved", c_void_p)]


class Template(ctypes.Structure):
    """CK_ATTRIBUTE."""

    _fields_ = [("kind", c_ulong), ("value", c_void_p), ("length", c_ulong)]


class Signing(ctypes.Structure):
    """CK_MECHANISM."""

    _fields_ = [("kind", c_ulong), ("parameter", c_void_p), ("length", c_ulong)]


OS_LOCKING_OK, SERIAL_SESSION, USER = 2, 4, 1
CLASS, PRIVATE_KEY, SHA256_RSA_PKCS = 0, 3, 0x40


class Library:
    """A PKCS#11 library that is told to lock, and called without Python's own lock."""

    def __init__(self, path: str) -> None:
        self._functions = ctypes.CDLL(path)
        self._call("C_Initialize", byref(Locking(flags=OS_LOCKING_OK)))
        self._slot = c_ulong()
        self._call("C_GetSlotList", 1, byref(self._slot), byref(c_ulong(1)))
        session = self._open()
        self._call("C_Login", session, c_ulong(USER), PIN.encode(), c_ulong(len(PIN)))

    def session(self) -> Sign:
        """Sign in a session of its own, with the first private key."""
        session, key = self._open(), c_ulong()
        wanted = c_ulong(PRIVATE_KEY)
        template = Template(CLASS, ctypes.cast(byref(wanted), c_void_p), ctypes.sizeof(wanted))
        self._call("C_FindObjectsInit", session, byref(template), c_ulong(1))
        self._call("C_FindObjects", session, byref(key), c_ulong(1), byref(c_ulong()))
        self._call("C_FindObjectsFinal", session)

        def sign(message: bytes) -> bytes:
            signature, length = ctypes.create_string_buffer(512), c_ulong(512)
            self._call("C_SignInit", session, byref(Signing(SHA256_RSA_PKCS)), key)
            data, size = c_char_p(message), c_ulong(len(message))
            self._call("C_Sign", session, data, size, signature, byref(length))
            return signature.raw[: length.value]

        return sign

    def _open(self) -> c_ulong:
        session = c_ulong()
        nothing = c_void_p()
        flags = c_ulong(SERIAL_SESSION)
        self._call("C_OpenSession", self._slot, flags, nothing, nothing, byref(session))
        return session

    def _call(self, name: str, *arguments: object) -> None:
        code = self._functions[name](*arguments)
        assert code == 0, f"{name}: {code:08X}"


def main() -> None:
    """Sign, and fail if any signature is wrong."""
    public = load_pem_public_key(Path("public.pem").read_bytes())
    assert isinstance(public, RSAPublicKey)
    way: type[Library | Wrapped] = Library if sys.argv[2] == "itself" else Wrapped
    all_at_once(way(sys.argv[1]).session, public)


if __name__ == "__main__":
    main()
