"""A worker that signs by PKCS#11: ``python -m bench.cryptoki MODULE rsa|ec PIN``.

Asked for so many signatures it answers the seconds they took. It calls the module as a program in
C does, with one session that is logged in once.
"""

from __future__ import annotations

import ctypes
import os
import sys
from ctypes import byref, c_ulong, c_void_p
from time import perf_counter

from bench.worker import answer_lines

_SERIAL_SESSION, _USER = 4, 1
_CLASS, _PRIVATE_KEY = 0x0000, 3
_KEY_TYPE, _RSA, _EC = 0x0100, 0, 3
_RSA_PKCS, _ECDSA = 0x0001, 0x1041
_DIGEST_INFO = bytes.fromhex("3031300d060960864801650304020105000420")
"""What stands before a digest of SHA-256 in a signature of PKCS#1 v1.5 (RFC 8017 section 9.2)."""


class _Attribute(ctypes.Structure):
    """CK_ATTRIBUTE."""

    _fields_ = (("type", c_ulong), ("value", c_void_p), ("length", c_ulong))


class _Mechanism(ctypes.Structure):
    """CK_MECHANISM."""

    _fields_ = (("mechanism", c_ulong), ("parameter", c_void_p), ("length", c_ulong))


class _Signer:
    """A key in the first token of a module."""

    def __init__(self, module: str, kind: str, pin: bytes) -> None:
        self._module = ctypes.CDLL(module)
        self._session = c_ulong()
        _call(self._module.C_Initialize(None))
        _call(
            self._module.C_OpenSession(
                self._slot(), c_ulong(_SERIAL_SESSION), None, None, byref(self._session)
            )
        )
        _call(self._module.C_Login(self._session, c_ulong(_USER), pin, c_ulong(len(pin))))
        self._key = self._find(_RSA if kind == "rsa" else _EC)
        self._mechanism = _Mechanism(_RSA_PKCS if kind == "rsa" else _ECDSA, None, 0)
        digest = os.urandom(32)
        self._data = _DIGEST_INFO + digest if kind == "rsa" else digest

    def _slot(self) -> c_ulong:
        slots, count = (c_ulong * 8)(), c_ulong(8)
        _call(self._module.C_GetSlotList(ctypes.c_ubyte(1), slots, byref(count)))
        return c_ulong(slots[0])

    def _find(self, kind: int) -> c_ulong:
        wanted = [(_CLASS, c_ulong(_PRIVATE_KEY)), (_KEY_TYPE, c_ulong(kind))]
        size = ctypes.sizeof(c_ulong)
        template = (_Attribute * 2)(
            *(_Attribute(name, ctypes.cast(byref(value), c_void_p), size) for name, value in wanted)
        )
        key, found = c_ulong(), c_ulong()
        _call(self._module.C_FindObjectsInit(self._session, template, c_ulong(2)))
        _call(self._module.C_FindObjects(self._session, byref(key), c_ulong(1), byref(found)))
        _call(self._module.C_FindObjectsFinal(self._session))
        if not found.value:
            raise RuntimeError("there is no such key")
        return key

    def sign(self, count: int) -> float:
        """Seconds of so many signatures."""
        begin_signature, sign = self._module.C_SignInit, self._module.C_Sign
        session, key, mechanism = self._session, self._key, byref(self._mechanism)
        data, size = self._data, c_ulong(len(self._data))
        room, got = ctypes.create_string_buffer(512), c_ulong()
        begin = perf_counter()
        for _ in range(count):
            got.value = 512
            if begin_signature(session, mechanism, key) or sign(
                session, data, size, room, byref(got)
            ):
                raise RuntimeError("a signature failed")
        return perf_counter() - begin


def _call(code: int) -> None:
    if code:
        raise RuntimeError(f"CKR {code & 0xFFFFFFFF:#x}")


def main() -> None:
    """Work until the end of the input."""
    module, kind, pin = sys.argv[1:]
    signer = _Signer(module, kind, pin.encode())
    answer_lines("ready", lambda line: signer.sign(int(line)))


if __name__ == "__main__":
    main()
