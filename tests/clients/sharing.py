"""Programs that use one token at the same time as others, and check every byte they get.

Run as a script, by another Python too: sharing.py pkcs11 LIBRARY, or sharing.py apdus. Certificates
of the token's keys are in 01.pem, 02.pem and 03.pem: two of RSA-2048, one of P-256. A file `ready`
with the program's name is made at the start, and the work ends when there is a file `done`.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import PyKCS11
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from smartcard.ExclusiveTransmitCardConnection import ExclusiveTransmitCardConnection
from smartcard.System import readers

PIN = "123456"

Round = Callable[[], None]


def rsa(name: str) -> RSAPublicKey:
    """The public key of a certificate in the folder."""
    key = x509.load_pem_x509_certificate(Path(f"{name}.pem").read_bytes()).public_key()
    assert isinstance(key, RSAPublicKey)
    return key


def ec(name: str) -> EllipticCurvePublicKey:
    """The public key of a certificate in the folder."""
    key = x509.load_pem_x509_certificate(Path(f"{name}.pem").read_bytes()).public_key()
    assert isinstance(key, EllipticCurvePublicKey)
    return key


# --- a program that uses PKCS#11 ------------------------------------------------------------


def by_pkcs11(path: str) -> Round:
    """Each round signs with the first key, deciphers with the second, signs with the third."""
    library = PyKCS11.PyKCS11Lib()
    library.load(path)
    session = library.openSession(library.getSlotList(tokenPresent=True)[0])
    session.login(PIN)

    def key(number: int) -> Any:
        identity = [(PyKCS11.CKA_CLASS, PyKCS11.CKO_PRIVATE_KEY), (PyKCS11.CKA_ID, [number])]
        return session.findObjects(identity)[0]

    first, second, third = key(1), key(2), key(3)
    plain = PyKCS11.Mechanism(PyKCS11.CKM_RSA_PKCS)
    signs = PyKCS11.Mechanism(PyKCS11.CKM_SHA256_RSA_PKCS)
    agrees = PyKCS11.Mechanism(PyKCS11.CKM_ECDSA_SHA256)

    def work() -> None:
        message = os.urandom(40)
        signature = bytes(session.sign(first, message, signs))
        rsa("01").verify(signature, message, PKCS1v15(), hashes.SHA256())
        secret = rsa("02").encrypt(message, PKCS1v15())
        assert bytes(session.decrypt(second, secret, plain)) == message
        pair = bytes(session.sign(third, message, agrees))
        r, s = (int.from_bytes(half, "big") for half in (pair[:32], pair[32:]))
        ec("03").verify(encode_dss_signature(r, s), message, ECDSA(hashes.SHA256()))

    return work


# --- a program that speaks to the card itself -----------------------------------------------

SELECT = bytes.fromhex("00A404000C A000000063504B43532D3135")
VERIFY = bytes.fromhex("0020000108") + PIN.encode() + b"\xff\xff"
SELECT_MF = bytes.fromhex("00A4000C02 3F00")
DECIPHER_BY_SECOND = bytes.fromhex("002241B80A 800100 81024B02 840100")
SIGN_BY_THIRD = bytes.fromhex("002241B60A 800104 81024B03 840100")
INDICATORS = (0x00, 0x81, 0x82)
HALF = 200
CHALLENGE = bytes.fromhex("0084000010")


class Card:
    """The card in the first reader."""

    def __init__(self) -> None:
        self._connection = ExclusiveTransmitCardConnection(readers()[0].createConnection())
        self._connection.connect()

    @contextmanager
    def alone(self) -> Iterator[None]:
        """A transaction."""
        self._connection.lock()
        yield
        self._connection.unlock()

    def ask(self, command: bytes) -> tuple[bytes, int]:
        """Data and status word."""
        data, high, low = self._connection.transmit(list(command))
        return bytes(data), high << 8 | low

    def tell(self, command: bytes) -> bytes:
        """Data of a command that has to work."""
        data, status = self.ask(command)
        assert status == 0x9000, f"{command[:5].hex()}: {status:04X}"
        return data


def by_apdus() -> Round:
    """Each round deciphers in a transaction, and leaves one behind in the middle of a chain."""
    card, public = Card(), rsa("02").public_numbers()

    def cryptogram() -> tuple[bytes, bytes]:
        """A block and its cryptogram, whose end is none by itself: it begins with no indicator."""
        plain, cipher = b"", b""
        while not cipher or cipher[HALF] in INDICATORS:
            plain = b"\x00" + os.urandom(255)
            number = pow(int.from_bytes(plain, "big"), public.e, public.n)
            cipher = b"\x00" + number.to_bytes(256, "big")
        return plain, cipher

    def prepare() -> None:
        card.tell(SELECT)
        card.tell(VERIFY)
        card.tell(DECIPHER_BY_SECOND)

    def work() -> None:
        plain, cipher = cryptogram()
        with card.alone():
            prepare()
            card.tell(chained(cipher[:HALF]))
            assert card.tell(last(cipher[HALF:])) == plain
        plain, cipher = cryptogram()
        with card.alone():
            prepare()
            card.tell(chained(cipher[:HALF]))
        answer, status = card.ask(last(cipher[HALF:]))
        # Another program's commands in between have ended the chain; nobody's were mixed into it.
        assert status != 0x9000 or answer == plain
        card.tell(SELECT_MF)
        card.tell(SIGN_BY_THIRD)
        assert len(card.tell(CHALLENGE)) == 16

    return work


def chained(part: bytes) -> bytes:
    """PSO DECIPHER, more to follow."""
    return bytes((0x10, 0x2A, 0x80, 0x86, len(part))) + part


def last(part: bytes) -> bytes:
    """PSO DECIPHER, the end of the cryptogram."""
    return bytes((0x00, 0x2A, 0x80, 0x86, len(part))) + part + b"\x00"


def main() -> None:
    """Work until the others are done; print how many rounds that were."""
    work = by_pkcs11(sys.argv[2]) if sys.argv[1] == "pkcs11" else by_apdus()
    rounds = 0
    while not Path("done").exists():
        work()
        rounds += 1
        Path(f"ready.{sys.argv[1]}").touch()
    print(sys.argv[1], "rounds:", rounds)


if __name__ == "__main__":
    main()
